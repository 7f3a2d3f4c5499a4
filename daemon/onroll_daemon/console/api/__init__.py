"""JSON routes, one file a topic: the same rights as the pages, for scripts with a token."""
