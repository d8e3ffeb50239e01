"""Metrics: their data points as they are put, and the list of them."""
