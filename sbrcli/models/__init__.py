"""Models that score the next item: networks, baselines and blends of both."""
