"""Judgement, pure: from evidence to spans, availability and verdicts."""
