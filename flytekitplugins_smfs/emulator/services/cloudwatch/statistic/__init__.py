"""Statistics of the data points of metrics."""
