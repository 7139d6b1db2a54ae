"""Non-neural baselines in NumPy and SciPy."""
