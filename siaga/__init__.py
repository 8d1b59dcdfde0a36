"""siaga watches over village facilities: its shared language, and the edges that several rooms share.

The rooms of the system and the words it is written in are described in `docs/architecture.md`.
"""
