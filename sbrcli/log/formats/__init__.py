"""Formats of logs: each recognised by its first lines and read into a table."""
