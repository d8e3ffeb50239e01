"""Sessions: keys that end."""
