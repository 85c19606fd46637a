"""Specimens of hostile texts: words and where they stand, whether a text quotes them as what it warns of, out."""

from __future__ import annotations

from mcp_audit_gate.pattern import lazy

# What a text speaks of that gives such specimens, and what leads up to one.
_TOPIC = lazy(
    r"(?i)\b(?:injections?|poison\w*|attack\w*|jailbreak\w*|phishing|malicious|suspicious|hostile|spoof\w*|concealment|rug pulls?|theft"
    r"|social engineering)\b"
)
_LEAD = lazy(
    r"(?i)(?:\b(?:such as|like|e\.g\.|examples?|samples?|phrases?|patterns?|sentences?|texts?|wordings?|saying|says|instance|string)\b"
    r"|^ {0,4}[-*•]|[,(:])[^.\n]{0,40}$"
)
_QUOTING = ('"', "`")
_BEFORE = 400  # characters in which both must stand


def is_specimen(text: str, start: int, end: int) -> bool:
    """True for words within a quotation, in one line, that is given as an example of a hostile text."""
    line = text[max(text.rfind("\n", 0, start) + 1, start - _BEFORE) : start]
    mark = next((mark for mark in _QUOTING if line.count(mark) % 2), "")
    if not mark or mark not in text[end : end + _BEFORE].partition("\n")[0]:
        return False
    quoted = len(line) - line.rfind(mark)
    return bool(_LEAD.search(line[:-quoted])) and bool(_TOPIC.search(text[max(0, start - _BEFORE) : start - quoted]))
