"""Everything on disk: the work directory, datasets, runs and their files."""
