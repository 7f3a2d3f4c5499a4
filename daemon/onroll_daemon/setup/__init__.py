"""`onroll setup`: a guided first run. It looks at what is there, asks, and writes onroll.toml; it writes nothing anywhere else."""
