"""Workflows to run as they are, or to copy."""
