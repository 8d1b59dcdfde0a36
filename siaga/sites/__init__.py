"""The sites file that people write: YAML, its mistakes, addresses."""
