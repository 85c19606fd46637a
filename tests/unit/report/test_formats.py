"""What holds for every format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mcp_audit_gate
from mcp_audit_gate.report import FORMATS, Look, write

from .conftest import SECRET

every = pytest.mark.parametrize("form", FORMATS)


def test_the_formats():
    assert FORMATS == ("text", "json", "sarif", "junit", "github", "markdown", "html")


@every
def test_the_same_report_gives_the_same_bytes(make, form):
    for report in (make.report(), make.hostile()):
        assert write(form, report, Look()) == write(form, report, Look())


@every
def test_bytes_are_utf8_with_lf_and_a_final_newline(make, form):
    for report in (make.report(), make.hostile(), make.report((), servers=(), inputs=())):
        data = write(form, report, Look())
        assert data.decode("utf-8").endswith("\n")
        assert b"\r" not in data
        assert not data.startswith(b"\xef\xbb\xbf")


@every
def test_no_secret(make, form):
    text = make.written(form)
    assert not any(SECRET[start : start + 6] in text for start in range(len(SECRET) - 5))


# In SARIF an undeclared rule is a bug.
@pytest.mark.parametrize("form", sorted({*FORMATS} - {"sarif"}))
def test_no_format_minds_an_unknown_rule(make, form):
    assert "not-declared" in make.written(form, make.report([make.finding("not-declared")]))


@pytest.mark.parametrize(
    ("form", "kept_out"),
    [
        ("text", {"sarif_om", "attr", "hashlib", "typing", "html", "xml", "mcp_audit_gate.report.sarif", "mcp_audit_gate.report.json"}),
        ("json", {"sarif_om", "attr", "typing", "mcp_audit_gate.report.sarif", "mcp_audit_gate.report.text"}),
        ("github", {"sarif_om", "attr", "hashlib", "typing", "mcp_audit_gate.report.excerpt"}),
    ],
)
def test_a_format_imports_what_it_needs(form, kept_out):
    program = f"import sys, mcp_audit_gate.report as r; __import__(r.WRITERS[{form!r}]); print(*sys.modules)"
    root = Path(mcp_audit_gate.__file__).parents[1]
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert f"mcp_audit_gate.report.{form}" in loaded
    assert loaded & kept_out == set()
