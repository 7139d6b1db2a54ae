"""Detect the formats of logs by their first lines, and read them into tables."""
