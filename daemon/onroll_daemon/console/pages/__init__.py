"""HTML routes, one file a topic."""
