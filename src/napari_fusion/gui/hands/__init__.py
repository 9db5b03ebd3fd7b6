"""Mouse and keys as readers of medical images know them, while the workspace is open."""
