"""What a newer text says that the older one did not: an order to the model, an address, path or foreign tool with one, a hidden character."""

from __future__ import annotations

from mcp_audit_gate.metadata import grammar, words
from mcp_audit_gate.metadata.carriers import loose
from mcp_audit_gate.metadata.judgement import judge
from mcp_audit_gate.metadata.normal import folded
from mcp_audit_gate.metadata.signals import of_texts
from mcp_audit_gate.metadata.text import visible
from mcp_audit_gate.metadata.texts import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_audit_gate.metadata.judgement import Judgement
    from mcp_audit_gate.metadata.words import Names

_SHOWN = 80
_MOST = 500
# With an address only words that send or load; a link to read more is a link.
_SENDING = ("SEND", "PASS", "REDIRECT", "CHANGE", "MUST")
_ACTING = ("SEND", "PASS", "REDIRECT", "CHANGE", "MUST", "CALL", "READ", "WRITE", "DESTROY", "ADD")


def introduced(before: str, after: str, names: Names) -> tuple[str, ...]:
    """What the newer text newly brings, in words, untrusted parts escaped; nothing for a rewording or an honest link."""
    if before == after:
        return ()
    return tuple(dict.fromkeys((*_orders(before, after, names), *_addresses(before, after, names), *_hidden(before, after))))


def _orders(before: str, after: str, names: Names) -> Iterator[str]:
    new = _judged(after, names)
    if not new.level:
        return
    old = _judged(before, names)
    known = {signal.group for signal in old.signals} if old.level else set()
    about = grammar.shipped().about
    told = [f'{about[one.name]["says"]} ("{visible(one.quote, _SHOWN)}")' for one in new.signals if one.group not in known]
    if told:
        yield f"an instruction to the model: {', '.join(told)}"


def _judged(text: str, names: Names) -> Judgement:
    return judge(of_texts([Text((), text)], names))


def _addresses(before: str, after: str, names: Names) -> Iterator[str]:
    """Addresses, paths and tools of other servers that stand for the first time, in a sentence that gives an order."""
    bits = grammar.shipped().bits
    plain, old = folded(after), folded(before)
    sending, acting = (sum(bits[name] for name in group) for group in (_SENDING, _ACTING))
    looked = 0
    for sentence in words.sentences(plain, names):
        orders = 0
        for mask, start, end in sentence:
            orders |= mask if _is_base(plain[start:end]) else 0
        for classes, start, end in sentence:
            kind = "the address" if classes & (bits["URL"] | bits["MAIL"]) else "the path" if classes & (bits["PATH"] | bits["KEYFILE"]) else ""
            kind = kind or ("another server's tool" if classes & bits["OTHERS"] else "")
            if not kind or not orders & (sending if kind == "the address" else acting):
                continue
            looked += 1
            # Each look walks the older text; a text with more of them is told by what it has beyond the limit.
            if looked > _MOST or plain[start:end] not in old:
                yield f"{kind} {visible(plain[start:end], _SHOWN)} with a directive"
            if looked > _MOST:
                return


def _is_base(word: str) -> bool:
    """True for a verb that orders; `reads`, `reading` and `sent` tell."""
    return not word.lower().endswith(("s", "ing", "ed"))


def _hidden(before: str, after: str) -> Iterator[str]:
    old = {before[at] for at in loose(before)}
    new = [after[at] for at in loose(after) if after[at] not in old]
    if new:
        yield "hidden characters (" + ", ".join(dict.fromkeys(f"U+{ord(char):04X}" for char in new[:8])) + ")"
