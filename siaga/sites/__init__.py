"""The sites file that people write: its YAML, mistakes, and addresses."""
