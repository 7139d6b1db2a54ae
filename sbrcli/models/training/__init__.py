"""Training, shared by all networks: the loop, losses, optimizers and negatives."""
