"""Shows that a target can fail: breaks the product on purpose in a copy, and fuzzes until that is found: `python fuzz/broken.py [TARGET…]`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS = 60
# Target, module, what it says, and what it says once it is broken.
FAULTS = (
    ("json", "sources/jsonc.py", 'text[before] not in "{[,:"', 'text[before] not in "{,:"'),
    ("toml", "sources/tomls.py", "[(item.start, item.start, item)]", "[(item.start, item.start, made)]"),
    ("yaml", "sources/yamls.py", "if event.anchor and self._anchors[event.anchor] is None:", "if event.anchor:"),
    ("markdown", "sources/parse.py", r'lazy(r"^---[^\S\n]*$", re.M)', 'lazy(r"^---", re.M)'),
    ("canonical", "lock/canonical.py", "if count <= point <= 21:", "if count <= point <= 20:"),
    ("lock", "lock/spelling.py", 'if key[:1] == "$" and _MARKED.fullmatch(key) else key', "if key == LINES else key"),
    ("lock-bytes", "lock/lockfile.py", 'or not isinstance(record.get("name"), str) or', "or"),
    ("visible", "metadata/text.py", "(0x2028, 0x202E),", "(0x2028, 0x202D),"),
    ("folded", "metadata/normal.py", 'return char if parts == char else "".join(_TABLE[ord(part)] for part in parts)', "return parts"),
    ("uri", "report/escape.py", '"_" if segment == ".." else segment', "segment"),
    ("commands", "report/escape.py", 'return message(text).replace("%", "%25")', "return message(text)"),
    ("prose", "report/escape.py", 'fence = "`" * (1 + max(', 'fence = "`" * (0 + max('),
    ("markup", "report/escape.py", """.replace('"', "&quot;")""", ""),
    ("sarif-message", "report/escape.py", '.replace("](", "] (")', ""),
    ("report-text", "report/text.py", "{escape.line(line)}", "{line}"),
    ("report-json", "report/json.py", r'.replace("##[", "#\\u0023[")', ""),
    ("report-junit", "report/junit.py", "{escape.markup(escape.message(case.message))}", "{escape.message(case.message)}"),
    ("report-sarif", "report/sarif.py", "level=LEVELS[finding.severity]", "level=finding.severity"),
    ("report-github", "report/github.py", "escape.command_data(_about(finding))", "_about(finding)"),
    ("report-markdown", "report/markdown.py", "return escape.code(server.entry.name), f", "return server.entry.name, f"),
    ("report-html", "report/html.py", "{escape.markup(name) or '(no name)'}", "{name or '(no name)'}"),
    ("drift", "lock/drift.py", 'if plain(before or "") == plain(after or ""):', 'if len(plain(before or "")) == len(plain(after or "")):'),
    ("schemas", "lock/schemas.py", "(NARROWED, new.required - old.required,", "(NARROWED, new.required - new.required,"),
    ("policy", "policy/form.py", "if spot.value != VERSION or", "if spot.value is None or"),
    ("policy-plain", "policy/plain.py", r"""if close < 0 or "\\" in inner or""", "if close < 0 or"),
    ("yaml-scalar", "policy/scalars.py", '"y", "n", "yes", "no",', '"y", "n", "no",'),
    ("unwrap", "sources/wrappers.py", '"nice": (("-n", "--adjustment"), 0),', '"nice": ((), 0),'),
    (
        "line",
        "sources/wrappers.py",
        "tuple(Word(word.text, string.at) for word in words)",
        "tuple(Word(word.text, (*string.at, 0)) for word in words)",
    ),
    ("shell", "sources/shell.py", "pieces.append(text[at + 1 : end])", "pieces.append(text[at + 1 : end + 1])"),
    ("dotenv", "sources/parse.py", r"(?<=[\r\u2028\u2029])", r"(?<=[\u2028\u2029])"),
    ("crushrc", "sources/parse.py", "Node(words[at].start, words[at].end, words[at].text)", "Node(word.start, word.end, words[at].text)"),
    ("message", "live/strict.py", "if len(value) != len(pairs):", "if len(value) + 1 < len(pairs):"),
    ("events", "live/events.py", 'value.removeprefix(b" ")', 'value.lstrip(b" ")'),
    ("git", "sources/git.py", "at = end + 2 + int(size)", "at = end + 1 + int(size)"),
    ("scan", "sources/document.py", "return line, offset - self._starts[line - 1] + 1", "return line, offset + 1"),
    ("edit", "fix/tokens.py", "if not quotes or _read(piece):", "if piece:"),
)


def main(names: list[str]) -> int:
    """Prints for each fault what it took to find it; 1 when one was not found."""
    missed = 0
    for target, module, old, new in FAULTS:
        if not names or target in names:
            found = _found(target, module, old, new)
            missed += found is None
            took = "NOT FOUND" if found is None else f"{found['cpu']:.1f} s of CPU, {found['executions']} inputs"
            print(f"{target}: {took}: {module}: {old!r} became {new!r}", flush=True)
    return 1 if missed else 0


def _found(target: str, module: str, old: str, new: str) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("mcp_audit_gate", "fuzz", "policies"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".work"))
        path = copy / "mcp_audit_gate" / module
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise SystemExit(f"{module} does not hold this exactly once: {old}")
        path.write_text(text.replace(old, new), "utf-8")
        done = subprocess.run(
            [sys.executable, str(copy / "fuzz" / "run.py"), target, str(SECONDS)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return line if done.returncode == 1 and "Uncaught Python exception" in done.stdout else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
