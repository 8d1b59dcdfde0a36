"""Alerts as they are stored: opened and changed by the engine, shown, narrowed to what somebody may see, excused, and
acted on by people.

The engine (`api.engine`, `api.alerts`) imports this room. This room does not import the engine.
"""
