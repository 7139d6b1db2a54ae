"""Match the columns of a log, and read their values as ids, times and event types."""
