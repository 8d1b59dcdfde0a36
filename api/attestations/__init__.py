"""Attestations: what people saw with their own eyes, with photos; and the scorecard of the 14 indicators."""
