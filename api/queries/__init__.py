"""The read side: what HTTP, pages and reports show, read from the database. Milliseconds in, milliseconds out.

A query knows tables and the pure timeline. It knows no form in which its answer is shown, and no request.
"""
