"""GRU4Rec: network, batches, training, and inference in NumPy alone."""
