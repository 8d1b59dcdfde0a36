"""Alerts as they are stored: shown, narrowed to what somebody may see, excused, and acted on by people.

The engine (`api.alerts`) writes them. It imports this room; this room does not import the engine.
"""
