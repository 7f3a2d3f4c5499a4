"""Groups: what the MIS tells of them, what a target should have, and the changes between."""
