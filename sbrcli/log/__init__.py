"""A raw log becomes one event table."""
