"""What words mean: text in; printable text, secrets and signals out."""

CAPABILITIES = ("file_read", "file_write", "network", "shell_execution", "destructive", "exfiltration")
