"""Holds SARIF files against Microsoft's validator: python .ci/validate_sarif.py MULTITOOL FILE… Ends with 1 when it objects.

MULTITOOL is the program inside the npm package @microsoft/sarif-multitool. Its npm command cuts `--rule-kind` at the semicolon, and
its exit status says nothing, so the program is called itself and its own report is read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# SARIF2003 wants the address of the repository, which a plain folder does not have. SARIF2006 opens every address named. SARIF2009 wants
# rule ids like CA1000; ours are statements of the fault.
IGNORED = {"SARIF2003", "SARIF2006", "SARIF2009"}


def main(tool: str, *files: str) -> int:
    """Prints each objection; 1 when there is one, or when the validator did not finish."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.sarif")
        options = ["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning;Note", "-o", str(report), "--log", "ForceOverwrite"]
        env = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
        done = subprocess.run([tool, "validate", *files, *options], env=env, capture_output=True, text=True, timeout=300, check=False)
        if not report.exists():
            print(done.stdout[-2000:] + done.stderr[-2000:])
            return 1
        run = json.loads(report.read_text("utf-8-sig"))["runs"][0]
    objections = [result for result in run.get("results", []) if result["ruleId"].partition(".")[0] not in IGNORED]
    for result in objections[:50]:
        place = result["locations"][0]["physicalLocation"]
        line = place.get("region", {}).get("startLine", 1)
        message = result["message"]
        print(f"{place['artifactLocation'].get('uri', '')}:{line}: {result['ruleId']}: {message.get('text') or message.get('arguments')}")
    finished = run["invocations"][0]["executionSuccessful"]
    print(f"{len(files)} files, {len(objections)} objections" + ("" if finished else "; the validator did not finish"))
    return 1 if objections or not finished else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
