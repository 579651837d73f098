"""MLOps Drift Monitor."""
