"""Check a log that was read, and describe it and its possible problems in sentences."""
