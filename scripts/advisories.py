"""Renews mcp_audit_gate/data/advisories.json from files of OSV records (https://ossf.github.io/osv-schema/). Needs no network.

    python scripts/advisories.py --collected 2026-11-22 --from EXPORT [--from EXPORT …] [--source TEXT …] [--keep ID …]
    python scripts/advisories.py --check

EXPORT is a JSON file with one record or a list, or a folder of such files, as OSV publishes them for an ecosystem. Records of
packages that are in the file already, or whose name says that they are about MCP, are taken; ranges, fixed versions, severity and
numbers come from OSV, the summary and the replacement stay as they were. A new record gets a summary made from its kind of fault,
to be replaced by hand. Records that OSV does not have (abandoned packages, images) stay. What was withdrawn goes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from mcp_audit_gate.rules import versions

DATA = Path(__file__).resolve().parents[1] / "mcp_audit_gate" / "data" / "advisories.json"
ECOSYSTEMS = ("npm", "PyPI", "Docker", "Go", "RubyGems", "crates.io", "GitHub Actions", "app")
KINDS = ("vulnerability", "malicious", "deprecated")
FIELDS = (
    "id",
    "aliases",
    "ecosystem",
    "package",
    "kind",
    "affected",
    "fixed",
    "severity",
    "cvss",
    "summary",
    "replacement",
    "published",
    "url",
    "confidence",
)
OPTIONAL = {"cvss", "replacement", "published"}
LABELS = {"critical": "critical", "high": "high", "moderate": "medium", "medium": "medium", "low": "low"}
MCP_NAME = re.compile(r"(?:^|[^a-z0-9])mcp(?:[^a-z0-9]|$)|modelcontextprotocol")
MAX_WORDS = 12
# Own words for the kinds of fault that servers have most often; https://cwe.mitre.org, seen 2026-11-22.
FAULTS = {
    "CWE-22": "reads or writes files outside its folder",
    "CWE-59": "follows links out of its folder",
    "CWE-77": "command injection",
    "CWE-78": "command injection",
    "CWE-79": "script injection",
    "CWE-88": "argument injection",
    "CWE-89": "query injection",
    "CWE-94": "code injection",
    "CWE-200": "tells secrets to those who should not have them",
    "CWE-287": "authentication can be passed by",
    "CWE-306": "no authentication where it is needed",
    "CWE-346": "accepts requests from any origin",
    "CWE-350": "web pages reach it by DNS rebinding",
    "CWE-352": "web pages can send requests to it",
    "CWE-400": "can be made to use up memory or time",
    "CWE-502": "unpacks objects it should not trust",
    "CWE-506": "malicious code in published releases",
    "CWE-601": "sends people on to any address",
    "CWE-862": "no authorisation where it is needed",
    "CWE-863": "authorisation can be passed by",
    "CWE-918": "fetches addresses inside the network",
    "CWE-1188": "open by default",
}

Record = dict[str, Any]


def read_export(path: Path) -> list[Record]:
    """Every OSV record in a file, or in the JSON files below a folder."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    found: list[Record] = []
    for file in files:
        value = json.loads(file.read_text("utf-8"))
        found += value if isinstance(value, list) else [value]
    return found


def convert(osv: Record) -> list[Record]:
    """Our records for one OSV record: one for each ecosystem and package it names."""
    merged: dict[tuple[str, str], list[Record]] = {}
    for affected in osv.get("affected", []):
        package = affected.get("package", {})
        ecosystem = package.get("ecosystem", "")
        if ecosystem in ECOSYSTEMS:
            merged.setdefault((ecosystem, normal_name(ecosystem, package.get("name", ""))), []).append(affected)
    return [_record(osv, ecosystem, name, parts) for (ecosystem, name), parts in merged.items()]


def normal_name(ecosystem: str, name: str) -> str:
    """A package's name as the file spells it (PEP 503 for PyPI)."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name


def _record(osv: Record, ecosystem: str, name: str, parts: list[Record]) -> Record:
    numbers = [osv["id"], *osv.get("aliases", [])]
    malicious = any(number.startswith("MAL-") for number in numbers)
    chosen = _number(numbers, malicious)
    ranges = [spec for part in parts for spec in ranges_of(part, ecosystem)]
    score = base_score(osv)
    record = {
        "id": chosen,
        "aliases": sorted(set(numbers) - {chosen}),
        "ecosystem": ecosystem,
        "package": name,
        "kind": "malicious" if malicious else "vulnerability",
        "affected": ["*"] if "*" in ranges else sorted(set(ranges), key=ranges.index),
        "fixed": _fixed(parts, ecosystem),
        "severity": "critical" if malicious else _severity(osv, score),
        "cvss": None if malicious else score,
        "summary": _summary(osv, malicious),
        "published": osv.get("published", "")[:10] or None,
        "url": _url(numbers, chosen),
        "confidence": "high",
    }
    return {key: value for key, value in record.items() if value is not None}


def _number(numbers: list[str], malicious: bool) -> str:
    for prefix in ("MAL-", "CVE-", "GHSA-") if malicious else ("CVE-", "GHSA-"):
        for number in sorted(numbers):
            if number.startswith(prefix):
                return number
    return numbers[0]


def _url(numbers: list[str], chosen: str) -> str:
    advisory = next((number for number in sorted(numbers) if number.startswith("GHSA-")), None)
    return f"https://github.com/advisories/{advisory}" if advisory else f"https://osv.dev/vulnerability/{chosen}"


def ranges_of(affected: Record, ecosystem: str) -> list[str]:
    """The ranges of one `affected` item in the grammar of the file; `*` when nothing bounds them."""
    found: list[str] = []
    last_known = str(affected.get("database_specific", {}).get("last_known_affected_version_range", "")).replace(" ", "")
    for part in affected.get("ranges", []):
        if part.get("type") in ("SEMVER", "ECOSYSTEM"):
            found += _range(part.get("events", []), last_known)
    if found in ([], ["*"]) and affected.get("versions"):
        return [f"=={version}" for version in sorted(affected["versions"], key=lambda text: versions.key(ecosystem, text) or ())]
    return found or ["*"]


def _range(events: list[dict[str, str]], last_known: str) -> list[str]:
    found: list[str] = []
    lower: str | None = None
    for event in events:
        if "introduced" in event:
            lower = event["introduced"]
        upper = f"<{event['fixed']}" if "fixed" in event else f"<={event['last_affected']}" if "last_affected" in event else None
        if upper and lower is not None:
            found.append(upper if lower == "0" else f">={lower},{upper}")
            lower = None
    if lower is not None:
        bounds = [bound for bound in ("" if lower == "0" else f">={lower}", last_known) if bound]
        found.append(",".join(bounds) or "*")
    return found


def _fixed(parts: list[Record], ecosystem: str) -> list[str]:
    fixed = {
        event["fixed"]
        for part in parts
        for one in part.get("ranges", [])
        if one.get("type") != "GIT"
        for event in one.get("events", [])
        if "fixed" in event
    }
    return sorted(fixed, key=lambda text: versions.key(ecosystem, text) or ())


def _severity(osv: Record, score: float | None) -> str:
    if score is not None:
        return band(score)
    label = str(osv.get("database_specific", {}).get("severity", "")).lower()
    # Without a score or a label nothing may block.
    return LABELS.get(label, "medium")


def band(score: float) -> str:
    """The severity of a CVSS score."""
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


def _summary(osv: Record, malicious: bool) -> str:
    if malicious:
        return FAULTS["CWE-506"]
    for weakness in osv.get("database_specific", {}).get("cwe_ids", []):
        if weakness in FAULTS:
            return FAULTS[weakness]
    return "published fault, see the record"


def base_score(osv: Record) -> float | None:
    """The CVSS 3 base score of a record, from its vector; None without one."""
    for item in osv.get("severity", []):
        if item.get("type") == "CVSS_V3":
            return cvss3(item["score"])
    return None


def cvss3(vector: str) -> float:
    """The base score of a CVSS 3.0 or 3.1 vector (https://www.first.org/cvss/v3.1/specification-document, section 7.1)."""
    part = dict(item.split(":", 1) for item in vector.split("/")[1:])
    changed = part["S"] == "C"
    grade = {"N": 0.0, "L": 0.22, "H": 0.56}
    left = 1.0
    for letter in "CIA":
        left *= 1 - grade[part[letter]]
    base = 1 - left
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    rights = {"N": 0.85, "L": 0.68 if changed else 0.62, "H": 0.5 if changed else 0.27}[part["PR"]]
    reach = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}[part["AV"]] * {"L": 0.77, "H": 0.44}[part["AC"]] * {"N": 0.85, "R": 0.62}[part["UI"]]
    if impact <= 0:
        return 0.0
    return _round_up(min((1.08 if changed else 1) * (impact + 8.22 * reach * rights), 10))


def _round_up(number: float) -> float:
    tenths = round(number * 100_000)
    return tenths / 100_000 if tenths % 10_000 == 0 else (tenths // 10_000 + 1) / 10


def merge(old: list[Record], exported: list[Record], keep: frozenset[str] = frozenset()) -> list[Record]:
    """The old records, renewed by the exported ones; those that were withdrawn are left out, those with a number in `keep` stay."""
    known = {(record["ecosystem"], record["package"]) for record in old}
    records = {_key(record): record for record in old}
    for osv in exported:
        for new in convert(osv):
            wanted = (new["ecosystem"], new["package"]) in known or MCP_NAME.search(new["package"].lower())
            if not wanted or keep & {new["id"], *new["aliases"]}:
                continue
            before = _same(records, new)
            if before:
                del records[_key(before)]
            if not osv.get("withdrawn"):
                kept: Record = {key: before[key] for key in ("id", "summary", "replacement", "published") if key in before} if before else {}
                aliases = {*new["aliases"], *(before["aliases"] if before else ()), new["id"]} - {kept.get("id", new["id"])}
                renewed = {**new, **kept, "aliases": sorted(aliases)}
                records[_key(renewed)] = renewed
    return sorted(records.values(), key=_place)


def _same(records: dict[tuple[str, str, str], Record], new: Record) -> Record | None:
    """The record of the same package that shares a number with the new one."""
    numbers = {new["id"], *new["aliases"]}
    about = (record for record in records.values() if (record["ecosystem"], record["package"]) == (new["ecosystem"], new["package"]))
    return next((record for record in about if numbers & {record["id"], *record["aliases"]}), None)


def _key(record: Record) -> tuple[str, str, str]:
    return record["id"], record["ecosystem"], record["package"]


def _place(record: Record) -> tuple[int, str, str]:
    place = ECOSYSTEMS.index(record["ecosystem"]) if record["ecosystem"] in ECOSYSTEMS else len(ECOSYSTEMS)
    return place, record["package"], record["id"]


def problems(records: list[Record]) -> list[str]:
    """What is wrong with the records, a line each; nothing when they can be shipped."""
    found = [f"{record.get('id')} {record.get('package')}: {problem}" for record in records for problem in _problems(record)]
    keys = [_key(record) for record in records]
    found += [f"{key[0]} {key[2]}: stands twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
    if [_place(record) for record in records] != sorted(_place(record) for record in records):
        found.append("the records are not sorted by ecosystem, package and id")
    return found


def _problems(record: Record) -> list[str]:
    unknown, missing = set(record) - set(FIELDS), set(FIELDS) - OPTIONAL - set(record)
    if unknown or missing:
        return [f"members {sorted(unknown | missing)} are unknown or missing"]
    tests: dict[str, bool] = {
        "an unknown ecosystem": record["ecosystem"] not in ECOSYSTEMS,
        "an unknown kind": record["kind"] not in KINDS,
        "an unknown severity": record["severity"] not in LABELS.values(),
        "an unknown confidence": record["confidence"] not in ("high", "medium"),
        "a name that is not in its ecosystem's normal form": record["package"] != normal_name(record["ecosystem"], record["package"]),
        "no range": not record["affected"],
        "a severity outside the band of its score": "cvss" in record and band(record["cvss"]) != record["severity"],
        f"a summary of more than {MAX_WORDS} words": len(record["summary"].split()) > MAX_WORDS,
        "text that JSON would escape": json.dumps(record, ensure_ascii=False).count("\\") > 0,
    }
    return [problem for problem, wrong in tests.items() if wrong] + _range_problems(record)


def _range_problems(record: Record) -> list[str]:
    ecosystem = record["ecosystem"] if record["ecosystem"] in ("npm", "PyPI", "Docker", "Go", "RubyGems", "crates.io") else "npm"
    found: list[str] = []
    for spec in record["affected"]:
        try:
            for version in record["fixed"]:
                if spec != "*" and versions.within(ecosystem, version, spec) is not False:
                    found.append(f"the fixed version {version} lies in {spec}, or is none")
            for bound in () if spec == "*" else spec.split(","):
                if versions.key(ecosystem, versions.split_bound(bound)[1]) is None:
                    found.append(f"{spec} holds no version")
        except ValueError as error:
            found.append(str(error))
    return found


def text_of(data: Record) -> str:
    """The file, one record a line and one spelling of it, as mcp_audit_gate.rules.advisories expects it."""
    sources = ",\n".join(json.dumps(source, ensure_ascii=False) for source in data["sources"])
    rows = ({field: record[field] for field in FIELDS if field in record} for record in data["records"])
    records = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{{\n"schema": {data["schema"]},\n"collected": "{data["collected"]}",\n"sources": [\n{sources}\n],\n"records": [\n{records}\n]\n}}\n'


def main(arguments: list[str] | None = None) -> int:
    """Writes or checks the file; 0 when it is in order, 1 when it is not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the file to renew (default: the one the package ships)")
    parser.add_argument("--from", dest="exports", type=Path, action="append", default=[], metavar="EXPORT", help="a file or folder of OSV records")
    parser.add_argument("--collected", metavar="DATE", help="the day the exports were made, YYYY-MM-DD")
    parser.add_argument("--source", action="append", default=[], help="a line for the list of sources")
    parser.add_argument(
        "--keep", action="append", default=[], metavar="ID", help="a number whose records were corrected by hand and stay as they are"
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    if options.exports and not re.fullmatch(r"\d{4}-\d\d-\d\d", options.collected or ""):
        parser.error("--from needs --collected YYYY-MM-DD")
    data = json.loads(options.data.read_text("utf-8"))
    if options.exports:
        exported = [record for path in options.exports for record in read_export(path)]
        data["records"] = merge(data["records"], exported, frozenset(options.keep))
        data["collected"] = options.collected
        data["sources"] = list(dict.fromkeys([*data["sources"], *options.source]))
    found = problems(data["records"])
    for problem in found:
        print(problem, file=sys.stderr)
    if not found and not options.check:
        options.data.write_text(text_of(data), "utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
