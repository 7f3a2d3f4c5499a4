"""What pages and API show, one file a topic: plain functions from the store to data."""
