"""An embedded AWS: enough of it, over the real wire protocol, to run file systems, training and tuning locally."""
