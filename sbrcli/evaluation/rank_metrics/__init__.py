"""One module a metric: its value for each target, made of the target's rank."""
