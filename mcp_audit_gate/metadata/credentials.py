"""Credentials in text: a string of a config and the name it stands under in; what of it is a secret, and the text without it, out.

Two ways to look. `judge` says what a rule may report: a vendor's format, or a telling name and randomness together. What is shown or
stored is masked by a wider reading (`mask`, `secret_spans`): a format with a wrong checksum, a short password under a telling name.
The words are in data/credentials.json, which is read when a text could hold a credential at all.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left

from mcp_audit_gate.metadata import formats
from mcp_audit_gate.metadata.addresses import INTERNAL, LOOPBACK, host_kind
from mcp_audit_gate.metadata.formats import LITERAL, WALLET, credential
from mcp_audit_gate.metadata.formats import Credential as Credential
from mcp_audit_gate.metadata.naming import is_key_name, telling
from mcp_audit_gate.metadata.naming import is_secret_name as is_secret_name
from mcp_audit_gate.metadata.placeholders import blank, data_file, is_made_up, is_plain, is_scattered, is_words
from mcp_audit_gate.metadata.placeholders import is_placeholder as is_placeholder
from mcp_audit_gate.metadata.placeholders import is_reference as is_reference
from mcp_audit_gate.metadata.placeholders import without_references as without_references
from mcp_audit_gate.metadata.strings import Text, strings, value_names
from mcp_audit_gate.model import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_audit_gate.metadata.strings import Spanned
    from mcp_audit_gate.model import Json


MASK = "<secret>"
IN_URL, PROBABLE = "credential-in-url", "probable-secret"
RULES = (LITERAL, WALLET, IN_URL, PROBABLE)  # the narrower first: it wins where two speak of the same text

_URL_PASSWORD, _URL_TOKEN, _RANDOM, _NAMED = "password in a URL", "token in a URL", "probable secret", "value under a secret's name"
_SHORTEST_RANDOM, _SHORTEST_IN_URL, _SHORTEST_MASKED = 16, 8, 6
_USER_FLAGS = ("-u", "-U", "--user", "--proxy-user")  # user:password follows (curl)
_LONGEST = 4096  # characters of a value that are looked at to tell whether it is random


def reference_form(client: str) -> str:
    """How the client writes a reference to a variable (`${env:NAME}`), or ""."""
    form: str = data_file()["reference"]["forms"].get(client, "")
    return form


# ------------------------------------------------------------------------------------------------------------------ judging


def judge(text: str, name: str | None = None) -> tuple[Credential, ...]:
    """The credentials in one string of a config; `name` is the variable, header, flag or key whose value it is."""
    return _find(text, name, wide=False) if _worth(text, name, _SHORTEST_RANDOM) else ()


def judge_all(value: Json, name: str | None = None) -> list[tuple[Text, tuple[Credential, ...]]]:
    """The strings of a value under a name that hold credentials, with these. Beside an AWS access key id a nameless secret key is seen, too."""
    texts = [one for one in strings(value, name) if len(one.text) >= _SHORTEST_IN_URL]  # what is shorter holds none
    found = [(one, judge(one.text, one.name)) for one in texts]
    if any(
        "AKIA" in one.text and re.search(r"(?<![A-Z0-9])AKIA[A-Z2-7]{16}(?![A-Z0-9])", one.text) and not is_placeholder(one.text) for one in texts
    ):
        found = [(one, judge(one.text, "AWS_SECRET_ACCESS_KEY" if formats.is_aws_secret(one.text) else one.name)) for one in texts]
    return [(one, credentials) for one, credentials in found if credentials]


def formed(text: str) -> tuple[Credential, ...]:
    """The credentials in a text of any kind that their form alone tells, in base64 too."""
    return _settled([*formats.find(text), *(one for one in _encoded(text, wide=False) if one.rule == LITERAL)])


def _worth(text: str, name: str | None, shortest: int) -> bool:
    """False when nothing in the text can be a credential, told without tables and patterns."""
    if len(text) < min(shortest, _SHORTEST_IN_URL):
        return False
    if formats.has_gate(text) or formats.may_be_wallet(text, name) or ("://" in text and ("@" in text or ("=" in text and telling(text)))):
        return True
    if len(text) < shortest:
        return False
    named = (name is not None and telling(name)) or (("=" in text or ":" in text or "--" in text) and telling(text))
    named = (
        named or text[:7].lower().startswith(("bearer ", "basic ")) or (":" in text and (name in _USER_FLAGS or "-u " in text or "--user" in text))
    )
    return (named and len(without_references(text)) >= shortest) or "ewo" in text


def _find(text: str, name: str | None, wide: bool) -> tuple[Credential, ...]:
    blanked = blank(text)
    found = [*formats.find(text, name, wide), *_in_urls(blanked)]
    if wide or not any(one.rule in (LITERAL, WALLET) for one in found):
        found += [*_named(blanked, name, wide), *_assigned(blanked, wide), *_pairs(blanked, name, wide), *_encoded(text, wide)]
    return _settled(found)


def _settled(found: list[Credential]) -> tuple[Credential, ...]:
    """Those that stand, in order: of two that overlap the one of the narrower rule, then the longer."""
    kept: list[Credential] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        while kept and one.start < kept[-1].end and _rank(one) < _rank(kept[-1]):
            kept.pop()
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def _rank(one: Credential) -> tuple[int, int]:
    return RULES.index(one.rule), -one.length


def _named(blanked: str, name: str | None, wide: bool) -> Iterator[Credential]:
    """The value as a whole, or each part of a header: random, or with `wide` anything literal. Behind `Bearer` any name will do."""
    scheme = _scheme().match(blanked)
    start = scheme.end() if scheme else 0
    value = blanked[start:].rstrip()
    if name is None or not is_secret_name(name, wide):
        header = name is not None and "header" in name.lower()
        schemed = blanked[:7].lower().startswith(("bearer ", "basic ")) and not re.search(r"\s", value)
        if not (schemed or (wide and name is not None and is_key_name(name))):
            return
        wide, name = wide and schemed and header, ""
    if wide and _is_masked(value.replace("\0", "")):
        yield credential(_NAMED, PROBABLE, blanked, start, start + len(value))
    elif wide or "auth" in name.lower() or "cookie" in name.lower() or not re.search(r"\s", value):
        for piece in _pieces().finditer(blanked, start):
            if is_random(piece[1]) and not _is_default_pair(piece[1]):
                yield credential(_RANDOM, PROBABLE, blanked, piece.start(1), piece.end(1))


def _pairs(blanked: str, name: str | None, wide: bool) -> Iterator[Credential]:
    """The password of `curl -u user:password`; `docker run -u 1000:1000` and the like have none."""
    if ":" not in blanked:
        return
    texts = [_pair().fullmatch(blanked)] if name in _USER_FLAGS else _user_flag().finditer(blanked) if "-u" in blanked else ()
    for found in texts:
        if found and (is_random(found[1]) or (wide and _is_masked(found[1]) and not found[1].isdigit() and not is_words(found[1]))):
            yield credential(_RANDOM, PROBABLE, blanked, found.start(1), found.end(1))


@functools.cache
def _pair() -> re.Pattern[str]:
    return re.compile(r"[^\s:/@\0]{0,100}:([^\s\0/]{6,})")


@functools.cache
def _user_flag() -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(?:-u|--user|--proxy-user)[ =]{1,3}[\"']?[^\s:/@\0\"']{0,100}:([^\s\0\"'/;|&]{6,})")


def _is_default_pair(piece: str) -> bool:
    """True for the base64 of `user:password`, as Basic authorisation has it."""
    user, colon, password = formats.decoded(piece).partition(":")
    return bool(colon) and _is_default(user, password, "")


@functools.cache
def _scheme() -> re.Pattern[str]:
    return re.compile(r"\s*(?:(?:Bearer|Basic|Token|ApiKey|Api-Key|Digest|Bot)[ \t]+)?", re.IGNORECASE)


@functools.cache
def _pieces() -> re.Pattern[str]:
    """Literal runs; what stands before `=` in a cookie or parameter is no part of them."""
    return re.compile(r"(?:(?<![^\s;,])[A-Za-z][\w.-]{0,40}=(?![=\s;,]|$))?([^\s;,\"'\0]+)")


def _assigned(blanked: str, wide: bool) -> Iterator[Credential]:
    """Values that stand in the text behind a telling name: `-e TOKEN=…`, `--token=…`, `Authorization: Bearer …`, JSON in a string."""
    if not ("=" in blanked or ":" in blanked or "--" in blanked) or not telling(blanked):
        return
    done = 0
    for found in _names().finditer(blanked):
        bare = found[0][-1] not in ":="
        if found.start() < done or (bare and not found[1].startswith("-")):
            continue
        named = is_secret_name(found[1], wide)
        if not named and not (wide and is_key_name(found[1])):
            continue
        value = _value().match(blanked, found.end())
        if value:
            done = value.end()  # so that `token=token=…` is walked once
            if is_random(value[1]) or (wide and named and _is_masked(value[1])):
                parameter = found.start() and blanked[found.start() - 1] == ";"
                kind, rule = (_URL_PASSWORD, IN_URL) if parameter else (_RANDOM, PROBABLE)
                yield credential(kind, rule, blanked, value.start(1), value.end(1))


@functools.cache
def _names() -> re.Pattern[str]:
    return re.compile(r"(?<![A-Za-z0-9_.-])(-{0,2}[A-Za-z_][A-Za-z0-9_.-]{2,80})(?:[\\\"']{0,4}\s{0,3}[:=]|[ \t]{1,3}(?![-\s]))")


@functools.cache
def _value() -> re.Pattern[str]:
    scheme = r"(?:Bearer|Basic|Token|ApiKey)"
    literal = r"((?:[^\s\"'`,;&<>(){}\[\]\\\0]|\\/){6,})"
    return re.compile(rf"\s{{0,3}}[\\\"']{{0,4}}(?:{scheme}\s{{1,3}})?(?!{scheme}[\s\0]){literal}", re.IGNORECASE)


def _encoded(text: str, wide: bool) -> Iterator[Credential]:
    """Credentials inside base64 JSON (`?config=eyJ…`), one level deep; all of it is taken for the secret."""
    if "eyJ" not in text and "ewo" not in text:
        return
    for found in re.finditer(r"(?<![A-Za-z0-9+/_.-])(?:eyJ|ewo)[A-Za-z0-9+/_-]{30,}(?![A-Za-z0-9+/_.-])", text):
        inner = formats.decoded(found[0])
        for one in [*formats.find(inner, None, wide), *_assigned(inner, wide)][:1]:
            yield credential(f"{one.kind} in base64", one.rule, text, found.start(), found.end())


# --------------------------------------------------------------------------------------------------------------------- URLs


def _in_urls(blanked: str) -> Iterator[Credential]:
    """Passwords before the host, and query or connection-string parameters that are credentials."""
    if "://" not in blanked:
        return
    for start, end, host in _users(blanked):
        user, colon, password = blanked[start:end].partition(":")
        if colon and password.replace("\0", "") and not _is_default(user, password.replace("\0", ""), host):
            yield credential(_URL_PASSWORD, IN_URL, blanked, end - len(password), end)
        if not password.replace("\0", "") and is_random(user) and not formats.is_public_address(host, blanked[end + 1 + len(host) :]):
            yield credential(_URL_TOKEN, IN_URL, blanked, start, start + len(user))
    if "=" in blanked and telling(blanked):
        for found in _parameters().finditer(blanked):
            literal = found[2].replace("\0", "")
            if len(literal) >= _SHORTEST_IN_URL and _is_parameter(found[1], literal):
                yield credential(_URL_TOKEN, IN_URL, blanked, found.start(2), found.end(2))


def _users(blanked: str) -> Iterator[tuple[int, int, str]]:
    """First offset and end of each URL's user part, and the host behind it."""
    at = blanked.find("://")
    while at >= 0:
        authority = _authority().match(blanked, at + 3)
        assert authority is not None, "the pattern matches nothing, too"
        user, sign, host = authority.group().rpartition("@")
        if sign:
            yield at + 3, at + 3 + len(user), host
        at = blanked.find("://", authority.end())


@functools.cache
def _authority() -> re.Pattern[str]:
    return re.compile(r"[^\s/?#\"'<>\\]*")


@functools.cache
def _parameters() -> re.Pattern[str]:
    return re.compile(r"[?&;#]([A-Za-z][A-Za-z0-9_.-]{0,60})=([^\s&;#\"'<>\\]{8,})")


def _is_parameter(name: str, value: str) -> bool:
    bare = name.lower().replace("_", "").replace("-", "")
    if is_placeholder(value) or value.lower() in data_file()["sample passwords"]:
        return False
    return bare in data_file()["query names"] or (is_secret_name(name, wide=True) and not is_plain(value) and not is_words(value))


def _is_default(user: str, password: str, host: str) -> bool:
    """True for a pair that stands in every tutorial: `user:password@` anywhere, `postgres:postgres@` on a machine of one's own."""
    low, data = password.lower(), data_file()
    if is_placeholder(password) or low in data["sample passwords"]:
        return True
    if low in ("token", "key", "apikey", "api_key") or (low in data["default passwords"] and user.lower() in data["sample users"]):
        return True
    near = host_kind(host.partition(",")[0].replace("\0", "")) in (LOOPBACK, INTERNAL, "")
    return near and (low in data["default passwords"] or low == user.lower() or is_words(password))


# --------------------------------------------------------------------------------------------------------------- randomness


def is_random(value: str) -> bool:
    """True for a literal of 16 or more characters that looks generated: no placeholder, path, address, number, digest or words."""
    if len(value) < _SHORTEST_RANDOM or is_plain(value):
        return False
    value = value[:_LONGEST]
    if not is_scattered(value):
        return False
    return not (is_made_up(value, value) or is_words(value) or formats.is_public_token(value) or value.startswith(tuple(data_file()["publishable"])))


def _is_masked(value: str) -> bool:
    """True for what is hidden under a secret's name although it may be too short or too plain to report."""
    if len(value) < _SHORTEST_MASKED or (not value.isdigit() and is_plain(value)):
        return False
    return not is_placeholder(value) and not formats.is_public_token(value) and not value.startswith(tuple(data_file()["publishable"]))


# ------------------------------------------------------------------------------------------------------------------ masking


def mask(text: str, name: str | None = None) -> str:
    """The text with `<secret>` for each secret in it; of a URL the whole user part, nothing else of the rest."""
    return _replaced(text, _hidden(text, name))


def masked_name(name: str) -> str:
    """A name, or a message that repeats one, with `<secret>` for what has a vendor's format; the end of a long one may be cut off (`…`)."""
    if formats.has_gate(name):
        name = _replaced(name, formats.find(name, None, wide=True))
        if "…" in name:
            name = _cut_off().sub(lambda found: MASK if formats.has_gate(found[0]) else found[0], name)
    return name


@functools.cache
def _cut_off() -> re.Pattern[str]:
    return re.compile(r"(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{19,1000}…")


def masked_value(name: str, value: str) -> str:
    """The value of a variable or header: `<secret>` when it is one; in an address only its secret parts are replaced."""
    found = _hidden(value, name)
    if not found:
        return value
    return _replaced(value, found) if "://" in value and all(one.rule != PROBABLE for one in found) else MASK


def masked_url(url: str) -> str:
    """The address with `<secret>` for a user part, a query value or a part of the path that is a secret."""
    return mask(url)


def masked_args(words: list[str]) -> list[str]:
    """The arguments with `<secret>` for values of flags, assignments and headers, and for parts of addresses, that are secrets."""
    return [_masked_word(word, name) for word, name in zip(words, value_names([*words]))]


def _masked_word(word: str, name: str | None) -> str:
    found = _hidden(word, name)
    if not found:
        return word
    head = _assignment().match(word)
    if head and "://" not in word and all(one.start >= head.end() for one in found):
        return head.group() + MASK
    return MASK if name is not None and is_secret_name(name, wide=True) and "://" not in word else _replaced(word, found)


@functools.cache
def _assignment() -> re.Pattern[str]:
    return re.compile(r"(-{0,2}[A-Za-z_][A-Za-z0-9_.-]*)(?:=|:[ \t]*)")


def _hidden(text: str, name: str | None) -> tuple[Credential, ...]:
    """What of a text is masked; forty random characters are, whatever their name: an AWS key may stand nearby."""
    if formats.is_aws_secret(text):
        return (credential(_NAMED, PROBABLE, text, 0, len(text)),)
    return _find(text, name, wide=True) if _worth(text, name, _SHORTEST_MASKED) else ()


def _replaced(text: str, found: Iterable[Credential]) -> str:
    spans = [(one.start, one.end) for one in found]
    starts = [start for start, _ in spans]
    spans += [(start, end) for start, end, _ in _users(blank(text)) if bisect_left(starts, start) < bisect_left(starts, end)]
    pieces, done = [], 0
    for start, end in merged(spans):
        pieces += [text[done:start], MASK]
        done = end
    return "".join((*pieces, text[done:]))


def secret_spans(document: Spanned) -> tuple[tuple[int, int], ...]:
    """Sorted spans of the document's text that must not be shown: every secret in its values, comments and other text."""
    text = document.text
    spans = [(one.start, one.end) for one in _find(text, None, wide=True)]
    for one in strings(document.value):
        found = _hidden(one.text, one.name)
        head = found and "://" not in one.text and _assignment().match(one.text)
        if head and is_secret_name(head[1], wide=True) and all(hit.start >= head.end() for hit in found):
            found = (credential(_NAMED, PROBABLE, one.text, head.end(), len(one.text)),)  # what stands behind a comma belongs to it, too
        if found:
            spans += _mapped(text, document.span(Place(document, one.at, one.nth)), one.text, found)
    return merged(spans)


def _mapped(text: str, span: tuple[int, int], value: str, found: Iterable[Credential]) -> list[tuple[int, int]]:
    """Where the secrets of a value stand in the file; the whole value when it is written in another way than it reads."""
    start, end = span
    quotes = int(end - start > 1 and text[start] in "\"'" and text[end - 1] == text[start])
    if text[start + quotes : end - quotes] != value:
        return [(start + quotes, end - quotes)]
    return [(start + quotes + one.start, start + quotes + one.end) for one in found]


def merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The spans in order, those that meet as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)
