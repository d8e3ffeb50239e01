"""The embedded AWS as a test holds it: a server of its own, and handles on all that a test arranges."""
