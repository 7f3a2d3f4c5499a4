"""What should be true, what is true, the difference; knows no vendor."""
