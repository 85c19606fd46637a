"""python -m mcp_audit_gate: the same as the installed script, for development."""

import sys

from mcp_audit_gate.cli import main

if __name__ == "__main__":
    sys.exit(main())
