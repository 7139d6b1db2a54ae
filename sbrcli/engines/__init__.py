"""Engines, which run a function on parts of a log, in one process or several."""
