"""What every network shares: the training loop, losses, optimizers and negatives."""
