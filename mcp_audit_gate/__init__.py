"""The lockfile and policy gate for MCP: configs and lockfile in, verdict out.

files -> sources -> Entry, Setting -> rules -> Finding -> policy -> Verdict -> report -> bytes
"""

__version__ = "0.1.0"
HOME = "https://github.com/mcp-audit-gate/mcp-audit-gate"
