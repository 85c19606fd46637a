"""A Report made by hand, and a stand-in for the reader of secrets, so that the writers are tried without the stages before them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import settings

from mcp_audit_gate.metadata import credentials
from mcp_audit_gate.model import (
    Capability,
    Entry,
    Finding,
    Input,
    Launch,
    Location,
    Mode,
    NotAssessed,
    Report,
    Risk,
    RuleInfo,
    Server,
    Verdict,
)
from mcp_audit_gate.report import Look, write
from mcp_audit_gate.sources.document import Document

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

SECRET = "q7Rk2ZtW9" + "xLmB4vHsYc8NpJd3FgTf6"
TEXT = f"""{{
  "mcpServers": {{
    "alpha": {{"type": "http", "url": "http://mcp.example.com/alpha"}},
    "beta": {{
      "command": "npx",
\t\t"args": ["-y", "@acme/search"],
      "env": {{"TOKEN": "{SECRET}"}}
    }}
  }}
}}
"""
RULES = (
    ("duplicate-key", "input", "medium"),
    ("literal-secret", "secrets", "critical"),
    ("plain-http", "transport", "high"),
    ("server-note", "flow", "info"),
    ("unpinned-package", "packages", "medium"),
)


def rule(name, family, severity):
    """What is known about a made-up rule."""
    return RuleInfo(
        id=name,
        family=family,
        severity=severity,
        title=f"The fault {name}",
        why=f"Why {name} matters.",
        looks_at="What is looked at.",
        fix=f"Mend {name}.",
        references=("CWE-319", "OWASP MCP07", "https://example.com/advisory"),
        example_bad=(".mcp.json", '{"bad": "```"}\n'),
        example_good=(".mcp.json", '{"good": 1}\n'),
    )


NO_RISK = Risk(0.0, ())


class Builder:
    """Makes reports over one config, or over what a test gives it."""

    secret = SECRET
    text = TEXT

    def document(self, path=".mcp.json", text=TEXT, data=None):
        return Document(path, text.encode() if data is None else data, text, {}, lambda: None)

    def at(self, token, document=None):
        """The location of a piece of text in a document."""
        document = document or self.document()
        start = document.text.index(token)
        return document.lines.location(document.path, start, start + len(token))

    def finding(self, name="plain-http", location=None, **more):
        values = {
            "rule": name,
            "severity": {item[0]: item[2] for item in RULES}.get(name, "high"),
            "message": f'server "alpha" has {name}',
            "server": "alpha",
            "subject": "/url",
            "location": location or self.at('"http://mcp.example.com/alpha"'),
            "related": (),
            "fingerprint": f"f-{name}",
            "remediation": f"mend {name}",
            "status": "blocking",
        }
        return Finding(**{**values, **more})

    def server(self, name="alpha", path=".mcp.json", line=3, capabilities=(), risk=NO_RISK, launch=None, client="claude-code"):
        entry = Entry(SimpleNamespace(path=path), client, name, "server", {}, ("mcpServers", name), (), (Launch(transport="http"),))
        launch = {"transport": "http", "url": "http://mcp.example.com/alpha"} if launch is None else launch
        return Server(entry, Location(path, line, 5, line, 12), launch, False, capabilities, risk, ("launch",))

    def report(self, findings=None, **more):
        document = self.document()
        values = {
            "mode": Mode(),
            "inputs": (Input(".mcp.json", "claude-code", "/mcpServers", document.data, 2, "parsed"),),
            "servers": (
                self.server(capabilities=(Capability("", "network", "declared", "an address"),), risk=Risk(1.5, (("network", "declared", 1.5),))),
                self.server("beta", line=4, launch={"transport": "stdio", "command": "npx", "args": ["-y", "@acme/search"]}),
            ),
            "findings": self.findings() if findings is None else tuple(findings),
            "not_assessed": (),
            "verdict": Verdict("failed", 1, ("2 findings at or above high",)),
            "rules": tuple(rule(*item) for item in RULES),
            "severities": {item[0]: item[2] for item in RULES},
            "documents": {".mcp.json": document},
        }
        return Report(**{**values, **more})

    def findings(self):
        """One of each status, sorted as the engine sorts."""
        waiver = {"rule": "duplicate-key", "path": ".mcp.json", "reason": "known, see OPS-1", "owner": "platform", "expires": "2027-01-31"}
        return (
            self.finding("literal-secret", self.at(f'"{SECRET}"'), server="beta", subject="/env/TOKEN"),
            self.finding(),
            self.finding("duplicate-key", self.at('"command"'), server="beta", subject="/command", status="waived", waiver=waiver),
            self.finding("unpinned-package", self.at('"@acme/search"'), server="beta", subject="/args/1", status="baseline"),
            self.finding("server-note", self.at('"beta"'), server="beta", subject="", status="reported"),
        )

    def hostile_names(self):
        """Names of servers, made to break out of one format or another."""
        return (
            "evil\n::error title=pwn::x",
            "a\r\n::add-mask::pwn",
            "##[error]pwn",
            "`pwn` | <img src=x onerror=pwn()> [x](http://pwn.test) @pwn ```",
            "]]>&amp;<script>pwn</script>",
            "\x1b[31mpwn\x07\x9b1m",
            "\u202epwn\u2066\u200b\U000e0041",
            "\x00pwn\x0b\ufffe",
            "pwn%0A::error::%25",
            "\ud800pwn",
            'x"]; click x "javascript:pwn" --> y',
            "</title><h1>pwn",
            "::stop-commands::pwn",
            "\u2028::warning::pwn\x85",
            "%%{init: pwn}%%",
            "\\",
            "",
            "`",
            "a" * 10_000,
        )

    def hostile(self):
        """A report in which every raw text is hostile: names, paths, launches, subjects, waivers, things not assessed."""
        findings, servers, inputs, gaps = [], [], [], []
        for number, name in enumerate(self.hostile_names()):
            path = f"{name[:300]}/.mcp.json"
            place = Location(path, number + 1, 2, number + 1, 9)
            waiver = {"rule": name, "reason": name, "owner": name, "expires": "2027-01-31"}
            for status in ("blocking", "waived", "baseline"):
                more = {"waiver": waiver} if status == "waived" else {}
                findings.append(
                    self.finding(
                        "plain-http",
                        place,
                        server=name,
                        subject=f"tool:{name}",
                        related=(place,),
                        status=status,
                        fingerprint=f"{number}-{status}",
                        **more,
                    )
                )
            capability = Capability(f"tool:{name}", "network", "low", name)
            servers.append(
                self.server(name, path, number + 1, (capability,), launch={"command": name, "args": [name], "env": {name: name}}, client="x")
            )
            inputs.append(Input(path, "x", name, b"{}", 1, "excluded" if number % 2 else "parsed", name))
            gaps.append(NotAssessed("config", path, name, "a reason", "a hint"))
        gaps.append(NotAssessed("pin", None, None, "a reason"))
        return self.report(findings, servers=tuple(servers), inputs=tuple(inputs), not_assessed=tuple(gaps))

    def written(self, form, report=None, **look):
        """A format as text."""
        return write(form, self.report() if report is None else report, Look(**look)).decode()


@pytest.fixture
def make():
    return Builder()


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    """Stands in for metadata.credentials: the one secret of TEXT, wherever it turns up."""

    def secret_spans(document):
        return tuple((start, start + len(SECRET)) for start in range(len(document.text)) if document.text.startswith(SECRET, start))

    monkeypatch.setattr(credentials, "secret_spans", secret_spans)
