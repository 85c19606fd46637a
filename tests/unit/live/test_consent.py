"""Which launches need the repository around them, and what a trusted revision lets start."""

from __future__ import annotations

import json

import pytest

from mcp_audit_gate.live.consent import Consent, uses_files
from mcp_audit_gate.lock.match import match
from mcp_audit_gate.policy import load
from mcp_audit_gate.reading import read
from mcp_audit_gate.sources.discover import WorkingTree


def matched(tmp_path, entry):
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"s": entry}}))
    (tmp_path / "server.py").write_text("print()\n")
    tree = WorkingTree(str(tmp_path))
    (item,) = match(read(tree, (str(tmp_path),), frozenset(), load.built_in()).context.entries, None, tree, tree.root, look=True)
    return item


@pytest.mark.parametrize(
    ("command", "args", "more", "uses"),
    [
        ("npx", ["-y", "@acme/docs@1.0.0"], {}, False),
        ("npx", ["-y", "@acme/docs@1.0.0", "."], {}, True),
        ("npx", ["-y", "@acme/docs@1.0.0", "--root=./docs"], {}, True),
        ("npx", ["-y", "@acme/docs@1.0.0", "docs/guide"], {}, True),
        ("npx", ["-y", "@acme/docs@1.0.0", "https://example.com/a/b"], {}, False),
        ("npx", ["-y", "@acme/docs@1.0.0", "${workspaceFolder}"], {}, True),
        ("npx", ["-y", "@acme/docs@1.0.0"], {"cwd": "sub"}, True),
        ("uvx", ["acme-docs==1.0.0"], {}, False),
        ("docker", ["run", "-i", "--rm", "ghcr.io/acme/docs:1.0"], {}, False),
        ("docker", ["run", "-i", "-v", "./:/data", "ghcr.io/acme/docs:1.0"], {}, True),
        ("python", ["server.py"], {}, True),
        ("python", ["-m", "acme"], {}, True),
        ("./bin/server", [], {}, True),
        ("/usr/bin/acme-server", ["/srv/data"], {}, False),
    ],
)
def test_what_needs_the_repository(tmp_path, command, args, more, uses):
    assert uses_files(matched(tmp_path, {"command": command, "args": args, **more})) is uses


def test_with_a_trusted_revision_only_whole_digests_are_allowed(tmp_path):
    item = matched(tmp_path, {"command": "npx", "args": ["-y", "@acme/docs@1.0.0"]})
    assert Consent(True, digests=frozenset(("s", "*"))).refusal(item) is not None
    assert Consent(True, digests=frozenset((item.launch_digest,))).refusal(item) is None
