"""One module per metric: the value of each target, computed from its rank."""
