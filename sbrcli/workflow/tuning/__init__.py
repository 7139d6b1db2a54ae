"""The parts of `sbr tune`: the study on disk, its trials, the grid, and what comes of them."""
