"""The tap between a transport and the client library: every message of a server is read here first, strictly and within caps.

Raw bytes in; out goes what the library needs to go on, the raw answers for the surface, notes, and the first fault, which ends the session.
"""

from __future__ import annotations

import json

from mcp_audit_gate.live.observation import Failure, Note
from mcp_audit_gate.live.strict import Unfit, read, size
from mcp_audit_gate.metadata.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_audit_gate.live.strict import Message
    from mcp_audit_gate.model import Json

    Object = dict[str, Json]

MESSAGE_BYTES = 16 << 20
TOTAL_BYTES = 64 << 20
VALUES = 2_000_000
LISTS = {"tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resourceTemplates"}
IDENTITY = {
    "tools": ("tool", "name"),
    "prompts": ("prompt", "name"),
    "resources": ("resource", "uri"),
    "resourceTemplates": ("template", "uriTemplate"),
}
REQUESTS, REPEATS, NOTES = 100, 1000, 200
# How long a request may stay open after a line that is no answer: a log line is followed by one, a broken answer is not.
PATIENCE_S = 1.0
ASKED = {
    "sampling/createMessage": "a model's answer (sampling)",
    "elicitation/create": "an answer from a person (elicitation)",
    "roots/list": "the folders of the client (roots)",
}


class Answer:
    """The raw answer to one of our requests: `result`, or the `error` object."""

    __slots__ = ("error", "result")

    def __init__(self, result: Json, error: Json) -> None:
        self.result = result
        self.error = error


class Wire:
    """All that is known about the talk with one server. `step` names what is being done; `failure` is the first fault."""

    def __init__(self, clean: Callable[[str], str], progress: Callable[[str], None]) -> None:
        import asyncio

        self.clean = clean
        self.failure: Failure | None = None
        self.notes: list[Note] = []
        self.broken = asyncio.Event()
        self.answers: dict[str, Answer] = {}
        # Results as a client takes them that does not take the last of equal keys.
        self.others: list[tuple[str, Object]] = []
        self.stray = ""
        # Why a request got no JSON-RPC answer (an HTTP status), and what to try: a fault only if nothing else works.
        self.refusal = ""
        self.advice = ""
        self.status = 0
        self.total = 0
        # A program has our first message and has said nothing yet.
        self.unheard = False
        self._progress = progress
        self._step = "start"
        self._open: dict[int, str] = {}
        self._answered: dict[int, tuple[str, int]] = {}
        self._values = 0
        self._requests = 0
        self._repeats = 0
        self._noted: set[tuple[str, str]] = set()

    @property
    def step(self) -> str:
        """What the gate is doing (`handshake`, `tools, page 2`)."""
        return self._step

    @step.setter
    def step(self, step: str) -> None:
        self._step = step
        self._progress(step)

    def fail(self, reason: str, hint: str = "") -> None:
        """Ends the session; the first reason counts."""
        if self.failure is None:
            self.failure = Failure(self._step, reason, hint)
        self.broken.set()

    def note(self, kind: str, subject: str, message: str, values: tuple[Json, ...] = ()) -> None:
        """Keeps something a person should know, once for each kind and subject."""
        if (kind, message) not in self._noted and len(self.notes) < NOTES:
            self._noted.add((kind, message))
            self.notes.append(Note(kind, subject, message, values))

    def sent(self, message: Object) -> None:
        """Remembers a request of ours, so that its answer is known again."""
        number, method = message.get("id"), message.get("method")
        if isinstance(number, int) and isinstance(method, str):
            self.answers.pop(method, None)
            self._open[number] = method

    def spend(self, size: int) -> bool:
        """Counts bytes received; False, and the session over, when there were too many."""
        self.total += size
        self.unheard = False
        if self.total > TOTAL_BYTES:
            self.fail(f"the server sent more than {TOTAL_BYTES >> 20} MiB in all", "a server that floods its client cannot be pinned")
        return self.failure is None

    def too_long(self) -> None:
        """Ends the session because of one message beyond the cap."""
        self.fail(f"a message is larger than {MESSAGE_BYTES >> 20} MiB", "a server with a list this large cannot be pinned")

    def receive(self, data: bytes) -> Object | None:
        """What the client library is to see of one message; None when it needs nothing of it."""
        if not data.strip() or self.failure is not None:
            return None
        self._values += size(data)
        if self._values > VALUES:
            self.fail(f"the server sent more than {VALUES:,} values", "a server that floods its client cannot be pinned")
            return None
        try:
            message = read(data)
        except Unfit as error:
            self._unfit(error, data)
            return None
        value = message.value
        if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
            self._unfit(Unfit("no JSON-RPC message", parsed=False), data)
            return None
        if "method" in value:
            return self._incoming(value)
        if "id" in value and ("result" in value) != ("error" in value):
            return self._answer(value, message, hash(data.strip()))
        self._unfit(Unfit("neither a result nor an error"), data)
        return None

    def _unfit(self, error: Unfit, data: bytes) -> None:
        """A broken answer ends the session at once; other text does when no answer follows it soon, and never before the first answer."""
        if error.parsed or b'"jsonrpc"' in data:
            self.fail(
                f"an answer is {error.reason}",
                "the server is broken or hostile; tell its authors",
            )
            return
        self.note("not-json", "", "writes text that is no message where messages belong")
        if self._answered and self._open:
            import asyncio

            waiting = dict(self._open)
            asyncio.get_running_loop().call_later(PATIENCE_S, self._give_up, waiting, error.reason)

    def _give_up(self, waiting: dict[int, str], reason: str) -> None:
        if waiting.keys() & self._open.keys():
            self.fail(
                f"the server wrote a line that is {reason} where an answer belongs",
                "a stdio server must write nothing but messages to standard output",
            )

    def _incoming(self, value: Object) -> Object | None:
        """A request of the server goes to the library, which refuses it; notifications are of no use to us."""
        method = value["method"]
        if "id" not in value or not isinstance(method, str):
            return None
        self._requests += 1
        if self._requests > REQUESTS:
            self.fail(f"the server asks more than {REQUESTS} questions", "a server that floods its client cannot be pinned")
            return None
        if method in ASKED:
            self.note("asked", "", f"asks for {ASKED[method]} while being listed; refused")
        elif method != "ping":
            self.note("asked", "", f"asks the client for {visible(method, 80)}; refused")
        return value

    def _answer(self, value: Object, message: Message, digest: int) -> Object | None:
        number = self._meant(value)
        again = self._answered.get(number) if number is not None else None
        if number is not None and again is not None:
            if digest != again[1]:
                self.note("two-answers", "", f"answers one request ({again[0]}) twice, and differently", (value.get("result"),))
            return None
        if number is None or number not in self._open:
            self.stray = f"an answer came to a request that was not made ({visible(json.dumps(value['id']), 40)})"
            self.note("stray-answer", "", "answers a request that was not made")
            return None
        method = self._open.pop(number)
        self._answered[number] = (method, digest)
        self.answers[method] = Answer(value.get("result"), value.get("error"))
        self._note_repeats(method, message)
        for other in message.others:
            result = other.get("result") if isinstance(other, dict) else None
            if isinstance(result, dict):
                self.others.append((method, result))
        return {**value, "id": number, **({"result": _emptied(method, value["result"])} if "result" in value else {})}

    def _meant(self, value: Object) -> int | None:
        """The request that an answer is about; an error without a number is about the only one that is open."""
        if value["id"] is None and "error" in value and len(self._open) == 1:
            return next(iter(self._open))
        return _number(value["id"])

    def _note_repeats(self, method: str, message: Message) -> None:
        self._repeats += len(message.repeated)
        if self._repeats > REPEATS:
            self.fail(f"more than {REPEATS:,} objects with a repeated key", "clients disagree on which value counts; tell the server's authors")
        key = LISTS.get(method, "")
        for one in message.repeated[:REPEATS]:
            subject, where = _subject(key, one.at, message.value)
            self.notes.append(Note("duplicate-key", subject, f"the key {visible(one.key, 80)} stands {len(one.values)} times in {where}", one.values))


def _number(value: Json) -> int | None:
    """A request's number as the library takes it: "1" is 1."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return value if isinstance(value, int) else None


def _emptied(method: str, result: Json) -> Json:
    """A result without its items, which are judged raw and cost the library seconds; the rest is the library's to check."""
    key = LISTS.get(method)
    return {**result, key: []} if key and isinstance(result, dict) and isinstance(result.get(key), list) else result


def _subject(key: str, at: tuple[str | int, ...], value: Json) -> tuple[str, str]:
    """Whose the place is (`tool:NAME`, or ""), and the place in words."""
    if len(at) >= 3 and at[:2] == ("result", key) and isinstance(at[2], int) and isinstance(value, dict):
        kind, name = IDENTITY[key]
        result = value["result"]
        items = result[key] if isinstance(result, dict) else None
        item = items[at[2]] if isinstance(items, list) else None
        if isinstance(item, dict) and isinstance(item.get(name), str):
            below = "/".join(str(step) for step in at[3:])
            return f"{kind}:{item[name]}", f"{kind} {visible(str(item[name]), 80)}" + (f" (/{visible(below, 120)})" if below else "")
    return "", "an answer"
