"""sbr: from a log of who-clicked-what-when to next-item recommendations."""

__version__ = "0.1.0"
