"""Makes the pictures of the README from real runs on examples/repository: docs/images.

    python scripts/screenshots.py

report-light.png and report-dark.png are the HTML report in headless Chromium (`chromium` or `google-chrome` on the PATH).
terminal.svg is drawn here from what a scan prints in colour; scripts/generate.py keeps it current.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mcp_audit_gate.rules import advisories  # noqa: E402 - of this checkout, whether or not another one is installed

IMAGES = ROOT / "docs" / "images"
COMMAND = ("scan", "--skip-connect")
COLUMNS = 80
COLOURS = {"31": "#ff8a80", "33": "#f0b35a", "36": "#7fd1e0", "34": "#8ab8ff", "32": "#7bd69b"}
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_ADVANCE, _LINE, _MARGIN, _BAR = 8.4, 19, 20, 38
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main() -> int:
    """Writes the pictures; 1 when there is no browser for those of the page."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / "terminal.svg").write_bytes(terminal().encode())
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print("no Chromium: only terminal.svg was made")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        scan("-o", f"html={page}")
        for name, scheme in (("light", 1), ("dark", 0)):
            shoot(browser, page, IMAGES / f"report-{name}.png", f"--blink-settings=preferredColorScheme={scheme}", f"--user-data-dir={folder}/{name}")
    return 0


def terminal() -> str:
    """A failing run in a terminal, as SVG."""
    return svg(f"$ mcp-audit {' '.join(COMMAND)}\n{scan('--color=always')}")


def scan(*options: str) -> str:
    """What a scan of the example prints, as on the day of the advisories."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder, "repository")
        shutil.copytree(ROOT / "examples" / "repository", repository)
        (repository / ".git").mkdir()
        return _scan(repository, *options)


def _scan(repository: Path, *options: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-B", "-m", "mcp_audit_gate", *COMMAND, *options, "--now", advisories.collected()]
    done = subprocess.run(command, cwd=repository, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if done.returncode != 1:
        raise SystemExit(f"exit code {done.returncode}, expected 1\n{done.stderr}")
    return done.stdout


def shoot(browser: str, page: Path, target: Path, *flags: str) -> None:
    """The page as a picture."""
    size = ("--window-size=1120,1180", "--force-device-scale-factor=1", "--hide-scrollbars")
    subprocess.run([browser, *_FLAGS, *flags, *size, f"--screenshot={target}", page.as_uri()], capture_output=True, timeout=120, check=True)


def svg(text: str) -> str:
    """Terminal output with its colours as a picture of a window."""
    lines = text.rstrip("\n").split("\n")
    width, height = round(2 * _MARGIN + COLUMNS * _ADVANCE), 2 * _MARGIN + _BAR + _LINE * len(lines) - 20
    rows = "\n".join(f'<text x="{_MARGIN}" y="{_BAR + _MARGIN + _LINE * number}">{spans(line)}</text>' for number, line in enumerate(lines))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>A failing run of mcp-audit in a terminal of {COLUMNS} columns</title>
<style>text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6e8ea; white-space: pre }}</style>
<rect width="{width}" height="{height}" rx="10" fill="#15181b"/>
<g fill="#444b52"><circle cx="22" cy="20" r="6"/><circle cx="42" cy="20" r="6"/><circle cx="62" cy="20" r="6"/></g>
{rows}
</svg>
"""


def spans(line: str) -> str:
    """A line with a span for each run of a colour, each held to the grid of cells."""
    parts, style, column = [], "", 0
    for number, piece in enumerate(_SGR.split(line)):
        if number % 2:
            codes = piece.split(";")
            colour = next((COLOURS[code] for code in codes if code in COLOURS), "")
            style = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "1" in codes else "")
        elif piece:
            at = _MARGIN + column * _ADVANCE
            parts.append(
                f'<tspan x="{at:g}" textLength="{len(piece) * _ADVANCE:g}"{style} xml:space="preserve">{html.escape(piece, quote=False)}</tspan>'
            )
            column += len(piece)
    return "".join(parts)


if __name__ == "__main__":
    sys.exit(main())
