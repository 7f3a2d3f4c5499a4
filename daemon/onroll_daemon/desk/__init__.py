"""The desk: what people ask for in the console is done here, where the connectors are, and answered in the store."""
