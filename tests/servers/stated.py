"""A server over pipes that declares what a JSON file says, read anew at every start: `stated.py FILE [LOG]`.

The file: {"tools": [...], "prompts": [...], "resources": [...], "resourceTemplates": [...], "instructions": ..., "dies": true,
"sleep": seconds, "wavers": true, "writes": a file to write to}. Each start and each request is a line of the log.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

FILE, LOG = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
STATE = json.loads(FILE.read_text("utf-8"))
LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}


def note(line: str) -> None:
    if LOG is not None:
        with LOG.open("a") as log:
            log.write(f"{line}\n")


def answer(message: dict) -> dict:
    method = message["method"]
    note(method)
    if method == "initialize":
        time.sleep(STATE.get("sleep", 0))
        capabilities = {"tools": {}, **({"prompts": {}} if STATE.get("prompts") else {}), **({"resources": {}} if STATE.get("resources") else {})}
        result = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "stated", "version": "1.0.0"}}
        if STATE.get("instructions"):
            result["instructions"] = STATE["instructions"]
        return {"result": result}
    if method in LISTS:
        items = STATE.get(LISTS[method], [])
        if STATE.get("wavers") and method == "tools/list":
            items = [*items, {"name": "clock", "description": f"Started as {os.getpid()}.", "inputSchema": {"type": "object"}}]
        if STATE.get("turns") and method == "tools/list":
            items = [*items, *STATE["turns"][(LOG.read_text().count("start ") - 1) % len(STATE["turns"])]]
        return {"result": {LISTS[method]: items}}
    return {"error": {"code": -32601, "message": "no such method"}}


note(f"start {os.getpid()} {os.getcwd()} {','.join(sorted(os.environ))}")
if STATE.get("writes"):
    with Path(STATE["writes"]).open("a") as target:
        target.write(" ")
if STATE.get("dies"):
    sys.exit("stated: told to die")
for line in sys.stdin:
    request = json.loads(line)
    if "id" in request and "method" in request:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer(request)}) + "\n")
        sys.stdout.flush()
