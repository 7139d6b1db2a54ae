"""Who runs a function on parts of a log: this process, or several. It knows nothing of sessions."""
