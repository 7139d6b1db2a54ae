"""SASRec: a causal transformer over the last events of a session, and inference in NumPy alone."""
