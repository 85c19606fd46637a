"""The rules about what a change does to its own judge, and to servers that keep their name: the facts about them, without the checks.

Every run has these rules, and most compare nothing: `trusted` and `regressions`, which have the checks, are loaded by a run that does.
"""

from __future__ import annotations

from mcp_audit_gate.model import Rule, RuleInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcp_audit_gate.policy.compared import Comparison


def _none(comparison: Comparison) -> tuple[()]:
    """Nothing: trusted.hits, which knows what the lockfile tells besides, asks the checks."""
    return ()


_BASE = "version: 1\nfail-on: high\n"
_WEAKER = "version: 1\nfail-on: never\n"
_WAIVER = "  - rule: plain-http\n    path: .mcp.json\n    server: staging\n    reason: moves to TLS with OPS-112\n    expires: 2027-01-31\n"
_APART = "Put it into a change of its own, which then is policy-relaxed; until it is merged the policy of the trusted revision decides."

POLICY_WEAKENED = RuleInfo(
    id="policy-weakened",
    family="policy",
    severity="high",
    title="One change relaxes the policy and touches what the policy judges",
    why="The policy of the trusted revision decides all the same. Mixed into other work is how a relaxation slips through a review.",
    looks_at="The effective policy, `extends` included, against the one where the change began, by meaning: thresholds, severities, rules switched "
    "off, what is denied, allowed, required and excluded, and settings for one server; when the change also alters a config, client settings or "
    "the lockfile. Tightening, comments and order are no relaxation. A first policy is compared with the preset `default`.",
    fix=_APART,
    references=("CWE-863", "AML.T0081"),
    example_bad=("mcp-audit.yaml", _WEAKER),
    example_good=("mcp-audit.yaml", _BASE),
    needs=("trusted-ref",),
    precision="very-high",
)
POLICY_RELAXED = RuleInfo(
    id="policy-relaxed",
    family="policy",
    severity="medium",
    title="A change of the policy alone makes it weaker",
    why="This is legitimate, and somebody should say yes to exactly this.",
    looks_at="The same as policy-weakened, when nothing else that the gate reads is altered. Each relaxation is told.",
    fix="Review it line by line.",
    references=("CWE-863", "AML.T0081"),
    example_bad=("mcp-audit.yaml", _WEAKER),
    example_good=("mcp-audit.yaml", _BASE),
    needs=("trusted-ref",),
    precision="very-high",
)
WAIVER_UNTRUSTED = RuleInfo(
    id="waiver-untrusted",
    family="policy",
    severity="medium",
    title="A waiver comes with the change that it would excuse, so it is not applied",
    why="Whoever writes the fault could write its excuse in the same change. The finding stays until the waiver is on the trusted branch.",
    looks_at="Waivers that the trusted revision does not have, or has with an earlier last day or for less.",
    fix="Merge the waiver in a change of its own first.",
    references=("CWE-863",),
    example_bad=("mcp-audit.yaml", f"version: 1\nwaivers:\n{_WAIVER}"),
    example_good=("mcp-audit.yaml", "version: 1\nwaivers: []\n"),
    needs=("trusted-ref",),
    precision="very-high",
)
CONFIG_EXCLUDED = RuleInfo(
    id="config-excluded",
    family="policy",
    severity="low",
    title="The change adds or alters a config that the policy leaves out",
    why="Nobody judges what is excluded. Samples and fixtures are meant; a client that opens the folder reads them all the same.",
    looks_at="Configs under `exclude` of the trusted policy that are not as they were where the change began.",
    fix="Look at the file yourself, or narrow `exclude`.",
    references=("CWE-693",),
    example_bad=("fixtures/.mcp.json", '{"mcpServers": {"x": {"command": "sh", "args": ["x.sh"]}}}\n'),
    example_good=(".mcp.json", '{"mcpServers": {}}\n'),
    needs=("trusted-ref",),
    precision="very-high",
)
CONFIG_VANISHED = RuleInfo(
    id="config-vanished",
    family="input",
    severity="high",
    title="A config, the lockfile or the policy is gone, and what it governed is still there",
    why="Deleting or renaming the file that is judged, or that judges, is the easiest way around a gate. This cannot be waived.",
    looks_at="Files of the trusted revision that the tree lacks: a config whose servers are still pinned or approved by name and that no other "
    "config declares; the lockfile while servers are configured; the policy while there are configs. A config that was renamed and is still found, "
    "and one that was removed with its pins and approvals, are left out.",
    fix="Restore the file, or remove all of it: the pins with mcp-audit pin --prune, and the approvals.",
    references=("CWE-693",),
    example_bad=("mcp-audit.lock.json", '{\n  "name": "docs",\n  "tools": []\n}\n'),
    example_good=("mcp-audit.lock.json", '{\n  "lockfileVersion": 1,\n  "servers": []\n}\n'),
    needs=("trusted-ref",),
    precision="very-high",
)


_LAUNCHED = '{"mcpServers": {"docs": {"command": "npx", "args": ["-y", "@acme/docs-mcp@%s"]}}}\n'
_DOCS = '{"mcpServers": {"docs": {"type": "http", "url": "https://mcp.example.com/v1"%s}}}\n'

AUTH_WEAKENED = RuleInfo(
    id="auth-weakened",
    family="drift",
    severity="high",
    title="A server lost its protection under the name it had",
    why="People approved a server that was asked for with a credential, over an encrypted and checked connection. The name is the same, so nobody "
    "is asked again, and whoever answers in its place is believed.",
    looks_at="Servers that are what they were where the change began: a credential header or OAuth settings that are gone with nothing in their "
    "place, https that became http, certificates that are no longer checked. A header that was renamed, another kind of authentication and http "
    "on this machine are left out; another host or package is launch-changed.",
    fix="Restore it. A client that now finds OAuth by itself wants a waiver that says so.",
    references=("CWE-306", "SAFE-T1407"),
    example_bad=(".mcp.json", _DOCS % ""),
    example_good=(".mcp.json", _DOCS % ', "headers": {"Authorization": "Bearer ${DOCS_TOKEN}"}'),
    needs=("trusted-ref",),
)
VERSION_DOWNGRADED = RuleInfo(
    id="version-downgraded",
    family="drift",
    severity="medium",
    title="A server goes back to a lower version, or on to a pre-release",
    why="Faults that were mended come back with the old version, and nobody maintains a pre-release. Rollbacks happen, and have a reason.",
    looks_at="Exact versions of packages and version tags of images in configs and lockfile, and what a floating launch resolved to, in the order of "
    "the ecosystem: npm, PyPI, Go, NuGet, JSR. Other packages, digests and commits have no order. It is told instead of version-changed.",
    fix="Say in the change why it goes back, or stay on the newer version.",
    references=("CWE-1395",),
    example_bad=(".mcp.json", _LAUNCHED % "1.3.9"),
    example_good=(".mcp.json", _LAUNCHED % "1.4.2"),
    needs=("trusted-ref",),
)


REGISTRY_FILE_CHANGED = RuleInfo(
    id="registry-file-changed",
    family="packages",
    severity="medium",
    title="One change alters a server and the registry that packages come from",
    why="The same name is another package in another registry. Each half looks harmless in a review; together they start a stranger's code.",
    looks_at="`.npmrc`, `.yarnrc.yml`, `pip.conf` and `uv.toml` at the root and beside configs: lines that name a registry or index and are new, "
    "when the change also adds or alters a server that fetches packages of that kind; such a file that cannot be read, too. Comments and "
    "tokens are left out.",
    fix="Put the registry into a change of its own.",
    references=("CWE-427",),
    example_bad=(".npmrc", "registry=https://npm.example.net/\n"),
    example_good=(".npmrc", "fund=false\n"),
    needs=("trusted-ref",),
)

# Scope "change": the whole comparison.
RULES: tuple[Rule, ...] = tuple(
    Rule(info, _none, "change")
    for info in (
        POLICY_WEAKENED,
        POLICY_RELAXED,
        WAIVER_UNTRUSTED,
        CONFIG_EXCLUDED,
        CONFIG_VANISHED,
        AUTH_WEAKENED,
        VERSION_DOWNGRADED,
        REGISTRY_FILE_CHANGED,
    )
)
