"""What runs inside training jobs in place of AWS's built-in algorithm images, with the same inputs and outputs."""
