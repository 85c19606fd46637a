"""What words mean: text in; printable text, secrets and signals out."""
