"""The hybrid of several scorers."""
