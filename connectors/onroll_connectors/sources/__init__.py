"""The management information systems we read, a file each."""
