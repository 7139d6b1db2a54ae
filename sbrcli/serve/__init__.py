"""A run as an HTTP service: `sbr serve`."""
