"""`smfs cluster`: what a Flyte installation has to be told, and whether it was."""
