"""Search: jobs by any of their properties."""
