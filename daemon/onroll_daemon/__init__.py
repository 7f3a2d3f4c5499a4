"""The process: command line, settings, schedule, service."""
