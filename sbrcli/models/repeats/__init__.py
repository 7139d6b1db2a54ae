"""Learned repeats: a term of the scores for items that the session has had before."""
