"""Driving an operation to its end in a process. Knows no Flyte; every face that waits uses it."""
