"""Tags of log groups."""
