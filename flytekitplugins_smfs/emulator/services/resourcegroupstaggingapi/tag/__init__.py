"""The keys and values that are in use."""
