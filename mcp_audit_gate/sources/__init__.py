"""What is configured: files in, entries and settings out."""
