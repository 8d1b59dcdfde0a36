"""The domain's types: signals, observations, sites, indicators, intervals, clock. Pure."""
