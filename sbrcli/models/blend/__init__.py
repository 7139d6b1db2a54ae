"""The hybrid: a blend of a network and a baseline."""
