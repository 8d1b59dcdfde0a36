"""Judgement: turns evidence into spans, availability and verdicts. Pure."""
