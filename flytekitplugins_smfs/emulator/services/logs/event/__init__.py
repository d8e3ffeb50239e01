"""Log events: put, read and filtered."""
