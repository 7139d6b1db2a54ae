"""Models that a neural one must beat, in NumPy and SciPy: each counts, none is trained."""
