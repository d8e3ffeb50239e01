"""Who asks, and whose a key is."""
