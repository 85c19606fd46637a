"""Safe edits of configs: a report in; what would be written, as it is shown, as SARIF carries it, and on disk out."""
