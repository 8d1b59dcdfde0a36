"""Complaints: rules, rows."""
