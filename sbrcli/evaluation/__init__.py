"""Ranks, metrics and the protocol under which they were measured."""
