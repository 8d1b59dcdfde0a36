"""siaga monitors village facilities. This package has the shared types, and the I/O that several rooms share.

`docs/architecture.md` describes the rooms and the vocabulary.
"""
