"""The directories we bring into line, a file each."""
