"""Resources by their tags."""
