"""Accounts and wallets written into a text together with words that steer a payment to them: a text in, places out."""

from __future__ import annotations

from mcp_audit_gate.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ACCOUNT = lazy(
    r"\b(?:[A-Z]{2}\d{2}(?:(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?|(?: ?[A-Z0-9]{4}){2} ?[A-Z0-9]{3})"
    r"|0x(?!0{8}|[eE]{8})[0-9a-fA-F]{40}|bc1[a-z0-9]{20,60}|T[1-9A-HJ-NP-Za-km-z]{33}"
    r"|acct_[A-Za-z0-9]{8,40}|\d{4}(?:[ -]\d{4}){2,4}|\d{4,9}(?:-\d{4,12}){1,2}|\d{14,24})\b"
)
_PAYING = (
    "pay",
    "transfer",
    "iban",
    "beneficiar",
    "recipient",
    "receive",
    "wallet",
    "remit",
    "supplier",
    "invoice",
    "settle",
    "deposit",
    "refund",
    "account",
    "payee",
    "payout",
    "escrow",
    "vault",
    "para g",
    "bank details",
)
_STEERING = lazy(
    r"\b(?:set|sets|use|replaced?|substitutes?|routed?|instead|states?|changed?|forward|redirect|superseded|needs?|goes|accrues?|always|made|sent|sends|rest|those|payee|beneficiary|yaz\w{1,8})\b"
)
_EXAMPLE = lazy(r"\be\.g\b|\bexample|\bsuch as\b|\binstance\b|\bsample\b|\bformat|\bplaceholder|\bcontract\b|\btoken address|\blike\b|\bdefault")
_BEFORE, _AFTER = 140, 80
# Accounts of few digits begin so, or are one word of so many characters.
_FEW_DIGITS, _LONG = ("0x", "bc1", "acct_"), 34


def told(text: str) -> Iterator[tuple[int, int]]:
    """Where a text tells to pay into an account that it names; what it names as an example is left alone."""
    low = text.lower()
    if not any(word in low for word in _PAYING) or not _may_name(text):
        return
    for found in _ACCOUNT.finditer(text):
        start = max(low.rfind(end, 0, found.start()) for end in (". ", "\n", "? ", "! ")) + 1
        start = max(start, found.start() - _BEFORE)
        around = low[start : found.end()] + low[found.end() : found.end() + _AFTER].partition(". ")[0]
        if _STEERING.search(around) and any(word in around for word in _PAYING) and not _EXAMPLE.search(around):
            yield start, found.end()


def _may_name(text: str) -> bool:
    """False for a text that _ACCOUNT surely does not fit: most have no digit."""
    if sum(map(text.count, "0123456789")) > 4 or any(start in text for start in _FEW_DIGITS):
        return True
    return "T" in text and max(map(len, text.split())) >= _LONG
