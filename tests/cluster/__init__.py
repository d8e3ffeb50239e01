"""On a Flyte cluster: how code gets there, and what happens to it."""
