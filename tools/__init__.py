"""What checks and measures this repository. It may import everything; no product imports it."""
