"""Servers that are started: honest ones are listed whole; every hostile one ends in time, with a reason, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time

import pytest
from connecting import MISSING, OFFICIAL, RAW, Run, alive, observed, raw

pytest.importorskip("mcp", reason=MISSING)
if sys.platform == "win32":
    pytest.skip("the raw server forks", allow_module_level=True)

MARK = f"mark-{secrets.token_hex(8)}"
TOKEN = "".join(("tok", "-", secrets.token_hex(12)))

# Behaviour: what its failure says (step; reason; hint).
FAILS = {
    "exits-first": r"start; the server exited with code 3; it last wrote: Missing API_TOKEN, which is <API_TOKEN>; set what it asks for",
    "dies-in-list": r"tools, page 1; the server exited with code 7; it last wrote: panic: \\x1b\[31mlost the database; ",
    "is-killed": r"tools, page 1; the server was ended by SIGKILL; ",
    "silent": r"handshake; no answer within 10 s; .*--timeout",
    "silent-list": r"tools, page 1; no answer within 10 s; ",
    "drip": r"tools, page 1; no answer within 10 s; ",
    "slow-pages": r"tools, page \d+; no answer within 10 s; ",
    "same-cursor": r"tools, page 2; the same cursor came twice",
    "new-cursors": r"tools, page 100; the list has more than 100 pages",
    "long-cursor": r"tools, page 1; the cursor of the next page is no text, or too long",
    "wants-input": r"tools, page 1; the server wants input before it lists anything; the gate answers no questions of a server",
    "many-repeats": r"tools, page 1; more than 1,000 objects with a repeated key; clients disagree on which value counts",
    "number-cursor": r"tools, page 1; the result has the wrong shape at nextCursor",
    "broken-json": r"tools, page 1; an answer is not JSON \(at character 51\)",
    "not-utf8": r"tools, page 1; an answer is not UTF-8 \(byte \d+\)",
    "surrogate": r"tools, page 1; an answer is no proper Unicode",
    "nan": r"tools, page 1; an answer is not JSON: it holds NaN",
    "infinite": r"tools, page 1; an answer is not JSON: it holds a number too large",
    "huge-number": r"tools, page 1; an answer is not to be read exactly",
    "boundless-number": r"tools, page 1; an answer is not JSON: it holds a number too large",
    "deep": r"tools, page 1; an answer is nested deeper than 128 levels",
    "rather-deep": r"tools, page 1; an answer is nested deeper than 128 levels",
    "junk-answer": r"tools, page 1; the server wrote a line that is not JSON .* where an answer belongs",
    "array-answer": r"tools, page 1; the server wrote a line that is no JSON-RPC message where an answer belongs",
    "text-result": r"tools, page 1; an answer is no proper JSON-RPC message",
    "no-list": r"tools, page 1; the result has the wrong shape at tools",
    "tool-is-text": r"tools, page 1; tool 1 has the wrong shape: it is no object",
    "null-schema": r'tools, page 1; tool "bad" has the wrong shape: inputSchema is null',
    "number-name": r"tools, page 1; tool 2 has the wrong shape: name is not text",
    "wrong-hint": r'tools, page 1; tool "a" has the wrong shape: annotations.readOnlyHint is not true or false',
    "bare-error": r"tools, page 1; an answer is no proper JSON-RPC message",
    "both-answers": r"tools, page 1; an answer is neither a result nor an error",
    "other-number": r"handshake; an answer came to a request that was not made \(777\)",
    "future": r"handshake; the server speaks protocol version 2099-01-01; known are 2024-11-05, .*2026-07-28",
    "other-era": r"handshake; the server speaks protocol version 2031-01-01; known are ",
    "later-era": r"handshake; the server speaks protocol version 2031-01-01; known are ",
    "new-hello": r"handshake; the server answers with error -32601: no; try the newest version of the server",
    "wrong-hello": r"handshake; the result has the wrong shape at capabilities; ",
    "asks-on": r"handshake; the server asks more than 100 questions",
    "failing-list": r"resources, page 1; the server answers with error -32603: connect ECONNREFUSED 127.0.0.1:5432; ",
    "fails-with-environment": r"tools, page 1; the server answers with error -32603: the token <API_TOKEN> is not valid; set what it asks for",
    "refuses-unnamed": r"tools, page 1; the server answers with error -32700: Parse error",
    "leaves-held-pipe": r"; the server exited with code 5",
}
# Behaviours whose servers are assessed, and the kinds of notes they earn.
PASSES = {
    "honest": [],
    "ignores-discover": [],
    "dies-of-discover": [],
    "slow-era": [],
    "new-era": [],
    "stubborn": [],
    "child": [],
    "daemon": [],
    "held-pipe": [],
    "flooded-errors": [],
    "notifications": [],
    "banner": ["not-json"],
    "log-line": ["not-json"],
    "same-key": ["duplicate-key"],
    "same-list": ["duplicate-key"],
    "large-number": [],
    "text-number": [],
    "answers-twice": ["two-answers"],
    "answers-the-same-twice": [],
    "unknown-members": [],
    "bad-header": [],
    "twins": ["duplicate-name"],
    "changing": [],
    "references": [],
    "patterns": [],
    "terminal-text": [],
    "unsorted": [],
    "asks": ["asked", "asked", "asked"],
    "asks-oddly": ["asked"],
    "misshapen-era": [],
    "three-lists": [],
    "refused-list": [],
    "pages-of-three": [],
    "empty-cursor": [],
    "shows-environment": [],
    "many-twins": ["duplicate-name"],
}


@pytest.fixture(scope="module")
def run() -> Run:
    """One run of all behaviours side by side."""
    given = {"API_TOKEN": TOKEN, "OWN": "mine"}
    return observed([raw(name, MARK, env=given, secrets=[TOKEN]) for name in (*FAILS, *PASSES)], environ=surroundings(), pass_env=["HANDED"])


def surroundings() -> dict[str, str]:
    kept = {"GITHUB_TOKEN": "not-for-servers", "HANDED": "over", "NOT_HANDED": "x", "LC_ALL": "C.UTF-8", "HOME": "/nowhere"}
    return {"PATH": os.environ["PATH"], **kept}


@pytest.mark.parametrize(("name", "said"), FAILS.items(), ids=FAILS)
def test_a_failure_is_one_line_that_says_step_and_reason(run: Run, name: str, said: str) -> None:
    text = run.failure(name)
    assert re.match(said, text) or (said.startswith(";") and re.search(said, text)), text
    assert text.isprintable()
    assert TOKEN not in text


@pytest.mark.parametrize(("name", "kinds"), PASSES.items(), ids=PASSES)
def test_odd_servers_are_assessed_and_noted(run: Run, name: str, kinds: list[str]) -> None:
    assert run.surface(name)["tools"] != [] or name == "same-list"
    assert run.notes(name) == kinds


def test_the_run_prints_nothing_and_ends_in_time(run: Run) -> None:
    assert run.printed == ""
    assert run.seconds < 60  # the limit is 10 s; the rest is seventy interpreters starting on few cores
    for one in run.seen.values():
        assert one["seconds"] < 20


def test_nothing_is_alive_afterwards(run: Run) -> None:
    kept = ("daemon", "held-pipe", "leaves-held-pipe") if sys.platform != "linux" else ()
    left = [line for line in alive(MARK) if not any(f" {name} " in line for name in kept)]
    assert left == []


def test_memory_stays_within_bounds(run: Run) -> None:
    assert run.megabytes < 400


def test_the_newer_era_is_found_however_slowly_it_answers(run: Run) -> None:
    assert run.surface("slow-era")["protocol_version"] == run.surface("new-era")["protocol_version"] == "2026-07-28"
    assert run.surface("new-era")["server_info"] == {"name": "raw", "version": "1", "x-more": 1}
    assert run.surface("new-era")["instructions"] == "new"


def test_the_older_era_is_the_fallback(run: Run) -> None:
    for name in ("honest", "ignores-discover", "dies-of-discover"):
        assert run.surface(name)["protocol_version"] == "2025-11-25"
    assert run.surface("honest")["server_info"] == {"name": "raw", "version": "1"}


def test_what_is_declared_is_kept_as_it_was_sent(run: Run) -> None:
    assert run.surface("unknown-members")["tools"] == [
        {
            "name": "a",
            "description": "Adds.",
            "inputSchema": {"type": "object"},
            "x-hidden": "read me",
            "annotations": {"readOnlyHint": True, "x-more": 1},
        }
    ]
    assert run.surface("bad-header")["tools"][0]["inputSchema"]["properties"]["p"]["x-mcp-header"] == "bad name"
    assert run.surface("large-number")["tools"][0]["x"] == int("9" * 300)
    assert run.surface("references")["tools"][0]["inputSchema"]["properties"]["x"] == {"$ref": "http://127.0.0.1:9/x"}


def test_lists_are_sorted(run: Run) -> None:
    assert run.names("unsorted") == ["Z", "a", "b"]
    three = run.surface("three-lists")
    assert [one["name"] for one in three["prompts"]] == ["a", "b"]
    assert [one["uri"] for one in three["resources"]] == ["a://2", "b://1"]
    assert [one["uriTemplate"] for one in three["resource_templates"]] == ["t://{id}"]


def test_pages_are_joined(run: Run) -> None:
    assert run.names("pages-of-three") == ["t1", "t2", "t3"]
    assert run.names("empty-cursor") == ["add"]


def test_one_failing_list_does_not_lose_the_others(run: Run) -> None:
    partial = run.seen["failing-list"]["partial"]
    assert [tool["name"] for tool in partial["tools"]] == ["add"]
    assert run.surface("refused-list")["resources"] == []


def test_both_values_of_a_repeated_key_are_told(run: Run) -> None:
    note = run.seen["same-key"]["notes"][0]
    assert (note["subject"], note["values"]) == ("tool:a", ["good", "evil"])
    hidden = run.seen["same-list"]["notes"][0]
    assert hidden["values"] == [[{"name": "hidden", "inputSchema": {}}], []]
    assert [tool["description"] for tool in run.seen["same-key"]["other"]["tools"]] == ["good"]
    assert [tool["name"] for tool in run.seen["same-list"]["other"]["tools"]] == ["hidden"]
    assert run.seen["twins"]["other"] is None


def test_two_tools_of_one_name_are_both_kept(run: Run) -> None:
    assert [tool["description"] for tool in run.surface("twins")["tools"]] == ["Adds.", "first", "second"]
    assert run.seen["twins"]["notes"][0]["subject"] == "tool:twin"


def test_a_server_gets_few_variables(run: Run) -> None:
    tools = {tool["name"]: tool["description"] for tool in run.surface("shows-environment")["tools"]}
    for wanted in ('"HANDED": "over"', '"OWN": "mine"', '"LC_ALL"', '"HOME"'):
        assert wanted in tools["environment"]
    assert "NOT_HANDED" not in tools["environment"]
    assert "GITHUB_TOKEN" not in tools["environment"]


def test_progress_names_each_step(run: Run) -> None:
    number = list(run.seen).index("pages-of-three")
    steps = [step for one, step in run.steps if one == number]
    assert steps == ["start", "handshake", "tools, page 1", "tools, page 2", "tools, page 3", "done"]
    assert (list(run.seen).index("silent"), "failed") in run.steps


# --- amounts, in a run of their own ------------------------------------------------------------------------------------

FLOODS = {
    "long-line": r"a message is larger than 16 MiB",
    "endless-line": r"a message is larger than 16 MiB",
    "in-all": r"the server sent more than 64 MiB in all",
    "many-values": r"the server sent more than 2,000,000 values",
}


@pytest.fixture(scope="module")
def floods() -> Run:
    return observed([*(raw(name, MARK) for name in FLOODS), raw("honest", MARK)], timeout_s=30)


@pytest.mark.parametrize(("name", "said"), FLOODS.items(), ids=FLOODS)
def test_a_flood_is_cut_off(floods: Run, name: str, said: str) -> None:
    assert re.search(said, floods.failure(name))


def test_a_flood_is_bounded_and_disturbs_nobody(floods: Run) -> None:
    assert floods.megabytes < 400
    assert floods.names("honest") == ["add"]
    assert floods.printed == ""


# --- time -------------------------------------------------------------------------------------------------------------


def test_servers_are_contacted_side_by_side() -> None:
    run = observed([raw("sleeps=2") | {"name": f"slow {number}"} for number in range(10)], timeout_s=15)
    assert all(run.names(name) == ["add"] for name in run.seen)
    assert run.seconds < 19  # one after the other they need 20


def test_no_more_than_so_many_at_once() -> None:
    run = observed([raw("sleeps=0.3") | {"name": str(number)} for number in range(4)], timeout_s=8, jobs=1)
    assert [run.names(str(number)) for number in range(4)] == [["add"]] * 4
    assert run.seconds > 1.2


def test_the_pinned_version_is_asked_for_first() -> None:
    asked = {"2025-06-18": "2025-06-18", "2026-07-28": "2026-07-28", "1999-01-01": "2026-07-28"}
    run = observed([raw("new-era", protocol_version=pinned) | {"name": pinned} for pinned in asked], timeout_s=8)
    assert {name: run.surface(name)["protocol_version"] for name in run.seen} == asked


def test_a_server_can_be_asked_without_being_told_who_asks() -> None:
    seen = [observed([raw("two-faced")], plain=plain).surface("two-faced")["tools"][0]["description"] for plain in (False, True)]
    assert seen == ["for mcp-audit-gate", "for mcp"]


def test_the_official_library_serves_both_eras() -> None:
    target = {"transport": "stdio", "command": sys.executable, "args": [OFFICIAL, "stdio"]}
    run = observed([{**target, "name": "new"}, {**target, "name": "old", "protocol_version": "2025-03-26"}], timeout_s=20)
    for name, version in (("new", "2026-07-28"), ("old", "2025-03-26")):
        surface = run.surface(name)
        assert (surface["protocol_version"], surface["instructions"], run.names(name)) == (version, "Ask.", ["add"])
        assert [one["name"] for one in surface["prompts"]] == ["greet"]
        assert [one["uriTemplate"] for one in surface["resource_templates"]] == ["note://{number}"]


UNSTARTED = {
    "no-program": ({"command": "there-is-no-such-program"}, "start; cannot start there-is-no-such-program: it is not on PATH; install it"),
    "no-file": ({"command": "./none"}, "start; cannot start ./none: there is no such file"),
    "no-folder": ({"cwd": "/there/is/no/such/folder"}, "start; the folder it is to start in, /there/is/no/such/folder, does not exist"),
    "nul": ({"args": ["a\0b"]}, "holds a NUL character"),
    "transport": ({"transport": "ws", "url": "ws://127.0.0.1:9"}, 'the transport "ws" is none that this program speaks'),
    "no-right": ({"command": "/etc/passwd"}, "start; cannot start /etc/passwd: "),
}


@pytest.fixture(scope="module")
def unstarted() -> Run:
    return observed([{**raw("honest"), **change, "name": name} for name, (change, _) in UNSTARTED.items()])


@pytest.mark.parametrize("name", UNSTARTED)
def test_what_cannot_be_started(unstarted: Run, name: str) -> None:
    assert UNSTARTED[name][1] in unstarted.failure(name)
    assert unstarted.seen[name]["contacted"] is (name == "transport")


def test_a_program_beside_the_config_is_not_found_through_path(tmp_path: object) -> None:
    run = observed(
        [{**raw("honest"), "command": "raw.py", "cwd": os.path.dirname(OFFICIAL)}], environ={"PATH": os.pathsep.join((".", "", "servers"))}
    )
    assert "it is not on PATH" in run.failure("honest")


@pytest.mark.parametrize("after", [0, 0.2, 0.5, 1])  # while the client library is loaded, and later
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_run_that_is_ended_ends_its_servers(sent: int, status: int, after: float) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    code = (
        "import os, sys; from mcp_audit_gate.live.connect import observe; from mcp_audit_gate.live.observation import Options, Target;"
        "observe([Target('x', 'stdio', sys.executable, tuple(sys.argv[1:]))], Options(os.environ))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, RAW, "silent", mark], stderr=subprocess.PIPE)
    until = time.monotonic() + 10
    while not any(f"{RAW} silent" in line and "observe" not in line for line in alive(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(after)
    process.send_signal(sent)
    _, printed = process.communicate(timeout=20)
    assert (process.returncode, alive(mark)) == (status, [])
    assert b"panicked" not in printed
    assert not printed or sent == signal.SIGINT  # KeyboardInterrupt is for the caller to catch


def test_a_list_too_long_to_be_pinned_is_given_up() -> None:
    assert observed([raw("many-items")], timeout_s=60.0).failure("many-items") == (
        "tools, page 1; more than 100,000 items; a list this long cannot be pinned"
    )
