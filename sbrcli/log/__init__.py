"""Read a raw log into one event table."""
