"""Words in, words out: the command line and nothing else."""
