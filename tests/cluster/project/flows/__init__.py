"""Workflows of the tests, as a user would have them."""
