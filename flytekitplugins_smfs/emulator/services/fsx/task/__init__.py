"""Data repository tasks."""
