"""Files of a log: found, opened, decompressed, and refused where they hold no events."""
