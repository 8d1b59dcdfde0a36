"""Nouns of the domain, pure: signals, observations, sites, indicators, intervals, clock."""
