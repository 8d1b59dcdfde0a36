"""Complaints: what citizens say is wrong at a facility, without a name; and what technicians answer."""
