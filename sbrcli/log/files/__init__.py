"""Find, open and decompress the files of a log, and refuse files that hold no events."""
