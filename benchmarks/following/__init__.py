"""What `status.py` measures with: an AWS in memory, a connector, a poller, and the figures."""
