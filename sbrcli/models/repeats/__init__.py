"""Learned repeats: a term added to the scores of items that the session already contains."""
