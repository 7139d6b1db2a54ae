"""Checks of a log that was read: figures that look wrong, in plain sentences."""
