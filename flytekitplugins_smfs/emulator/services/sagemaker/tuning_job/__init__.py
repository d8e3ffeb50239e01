"""Tuning jobs that really search."""
