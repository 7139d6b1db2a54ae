"""Configuration: every default, bound and choice, written once."""
