"""What a model answered about a batch of tools: the body of an answer in; suspicions, and each tool without a usable verdict, out.

Nothing of it is believed: an answer can only add suspicions, and its words are shown only where they are the tool's own.
"""

from __future__ import annotations

from mcp_audit_gate.live.strict import Unfit, read
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.model import Suspicion
from mcp_audit_gate.record import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_audit_gate.live.outgoing import Tool
    from mcp_audit_gate.model import Json, Pointer

VERDICTS = ("suspicious", "ordinary", "unknown")
_ENDED = {
    "refusal": "the model refused to answer",
    "max_tokens": "the answer reached its limit of length",
    "model_context_window_exceeded": "the request is too long for the model",
}
_SHORTEST_QUOTE, _QUOTE = 4, 100


class Judged(NamedTuple):
    """What an answer comes to. unknown: a tool, or None for the answer as a whole, and why it has no verdict."""

    suspicions: tuple[Suspicion, ...] = ()
    unknown: tuple[tuple[Tool | None, str], ...] = ()


class _MalformedError(ValueError):
    """The answer is of no use; says why."""


def schema(signs: Mapping[str, str]) -> dict[str, object]:
    """The JSON Schema that the answer must follow."""
    tool = {
        "id": {"type": "string"},
        "verdict": {"type": "string", "enum": list(VERDICTS)},
        "signs": {"type": "array", "items": {"type": "string", "enum": list(signs)}},
        "quote": {"type": "string"},
    }
    return _object({"tools": {"type": "array", "items": _object(tool)}})


def _object(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def judged(batch: Mapping[str, Tool], body: bytes, model: str, signs: Mapping[str, str]) -> Judged:
    """The verdicts of an answer, by the ids under which the tools were sent."""
    try:
        found = _verdicts(_text(body))
    except _MalformedError as error:
        return Judged((), tuple((tool, str(error)) for tool in batch.values()))
    answers: dict[str, list[Json]] = {}
    for one in found:
        answers.setdefault(_id(one), []).append(one)
    suspicions: list[Suspicion] = []
    unknown: list[tuple[Tool | None, str]] = []
    for key, tool in batch.items():
        given = answers.pop(key, [])
        fit = [one for one in given if isinstance(one, dict) and _is_fit(one, signs)]
        suspect = next((one for one in fit if one["verdict"] == "suspicious"), None)
        if suspect is not None:
            suspicions.append(_suspicion(tool, suspect, model, signs))
        if reason := _doubt(given, fit):
            unknown.append((tool, reason))
    if answers:
        count = sum(map(len, answers.values()))
        unknown.append((None, f"the answer judges {count} tool{'' if count == 1 else 's'} that the model was not asked about"))
    return Judged(tuple(suspicions), tuple(unknown))


def _doubt(given: Sequence[Json], fit: Sequence[dict[str, Json]]) -> str:
    """Why a tool has no verdict, "" when it has one."""
    if not given:
        return "the model left it out"
    if len(given) > 1:
        return "the model answered more than once"
    if not fit:
        return "its verdict has the wrong form"
    return "the model could not tell" if fit[0]["verdict"] == "unknown" else ""


def _text(body: bytes) -> str:
    """The text that the model wrote. Raises _MalformedError."""
    message = _json(body, "what the API sent")
    content = message.get("content")
    if message.get("type") != "message" or not isinstance(content, list):
        raise _MalformedError("what the API sent is no message of a model")
    ended = message.get("stop_reason")
    if ended != "end_turn":
        raise _MalformedError(_ENDED.get(str(ended), f"the answer ended early ({visible(str(ended), 40)})"))
    texts = [block.get("text") for block in content if isinstance(block, dict) and block.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def _verdicts(text: str) -> list[Json]:
    """The list of verdicts. Raises _MalformedError."""
    value = _json(text.encode("utf-8", "surrogatepass"), "the answer")
    tools = value.get("tools")
    if value.keys() != {"tools"} or not isinstance(tools, list):
        raise _MalformedError("the answer has the wrong form")
    return tools


def _json(data: bytes, what: str) -> dict[str, Json]:
    try:
        message = read(data)
    except Unfit as error:
        raise _MalformedError(f"{what} is {error.reason}") from error
    if message.repeated or not isinstance(message.value, dict):
        raise _MalformedError(f"{what} has the wrong form")
    return message.value


def _id(one: Json) -> str:
    key = one.get("id") if isinstance(one, dict) else None
    return key if isinstance(key, str) else ""


def _is_fit(one: dict[str, Json], signs: Mapping[str, str]) -> bool:
    """True for a verdict that follows the schema."""
    named = one.get("signs")
    return (
        one.keys() == {"id", "verdict", "signs", "quote"}
        and one["verdict"] in VERDICTS
        and isinstance(named, list)
        and all(isinstance(sign, str) and sign in signs for sign in named)
        and isinstance(one["quote"], str)
    )


def _suspicion(tool: Tool, one: dict[str, Json], model: str, signs: Mapping[str, str]) -> Suspicion:
    """The suspicion in our words; the model's are shown only where the tool's text really holds them."""
    named = one["signs"]
    told = [says for sign, says in signs.items() if isinstance(named, list) and sign in named] or [signs["other"]]
    quote = str(one["quote"]).strip()
    held = len(quote) >= _SHORTEST_QUOTE and any(quote in text for text in tool.texts)
    words = f' ("{visible(quote, _QUOTE)}")' if held else ""
    at, text = _place(tool)
    message = f'Tool "{visible(tool.name, 80)}" is suspect to the model {model}: its text {", ".join(told)}{words}.'
    return Suspicion(tool.about, at, max(0, text.find(quote)) if held else 0, tool.item.subject, tool.texts, message)


def _place(tool: Tool) -> tuple[Pointer, str]:
    """Where the text of a tool stands below its pin: the description, else the name."""
    description = tool.item.definition.get("description")
    return ((*tool.item.at, "description"), description) if isinstance(description, str) else ((*tool.item.at, "name"), tool.item.name)
