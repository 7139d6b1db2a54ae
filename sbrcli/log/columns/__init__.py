"""Columns of a log: which is what, and their values as ids, times and kinds."""
