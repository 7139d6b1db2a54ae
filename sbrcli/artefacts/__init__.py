"""All that lies on disk: the workspace, datasets, runs and their files."""
