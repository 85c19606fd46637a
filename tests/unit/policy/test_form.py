"""policy.form and policy.syntax against the published schema: what one refuses the other refuses, where a schema can say it."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from mcp_audit_gate.errors import PolicyError
from mcp_audit_gate.policy import form, syntax
from mcp_audit_gate.policy.policy import FIXED

TODAY = date(2026, 12, 1)
SCHEMA = json.loads(files("mcp_audit_gate").joinpath("schemas/policy.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker(["date"]))


def waiver(**members):
    """A policy with one waiver; a member that is None is left out."""
    given = {"rule": "plain-http", "path": ".mcp.json", "reason": "moves soon", "expires": "2027-01-31", **members}
    lines = [f"{key}: {value}" for key, value in given.items() if value is not None]
    return "version: 1\nwaivers:\n  - " + "\n    ".join(lines) + "\n"


CONTRACT = """version: 1
extends: strict                    # a preset, or a file inside the repository, relative to this one
fail-on: high
max-risk: 7.5                      # 0-10, per server
require: {lock: true, exact-versions: true}
deny: {capabilities: [shell_execution], transports: [sse], hosts: ["*.ngrok.app"]}
allow: {servers: [github, "docs-*"], packages: ["npm:@modelcontextprotocol/*"], hosts: ["*.example.com"], registries: ["https://npm.example.com"]}
rules: {unpinned-package: high, server-removed: off}
servers:
  github: {max-risk: 9, rules: {capability-gained: critical}}
exclude: ["tests/fixtures/**"]
waivers:
  - rule: plain-http
    path: .mcp.json
    server: staging
    reason: internal host, moves to TLS with OPS-112
    owner: platform-team
    expires: 2027-01-31             # at most 365 days ahead
"""

GOOD = {
    "the contract's example": CONTRACT,
    "nothing but the version": "version: 1\n",
    "a document start": "---\nversion: 1\n...\n",
    "a mark and CRLF": "\ufeffversion: 1\r\nfail-on: low\r\n",
    "flow style": "{version: 1, fail-on: never}",
    "every level": "version: 1\nrules: {plain-http: critical, legacy-sse: info, unpinned-package: medium, url-package: 'off', raw-ip-url: low}\n",
    "off as a reader of YAML 1.1 sees it": "version: 1\nrules: {plain-http: false}\n",
    "a rule of a later part": "version: 1\nrules: {server-added: high, waiver-untrusted: low}\n",
    "a fixed rule's severity": "version: 1\nrules: {config-unreadable: critical}\n",
    "limits": "version: 1\nmax-risk: 0\nservers: {a: {max-risk: 10}, b: {}}\n",
    "empty lists": "version: 1\nallow: {servers: [], packages: [], hosts: [], registries: []}\ndeny: {}\nexclude: []\nwaivers: []\n",
    "hosts": 'version: 1\ndeny: {hosts: [localhost, "*", "*.Example.COM.", 10.0.0.1, "::1", "*.ngrok.*"]}\n',
    "registries": "version: 1\nallow: {registries: [npm.example.com, 'https://pypi.example.com:8443/simple']}\n",
    "packages": "version: 1\nallow: {packages: ['npm:*', 'pypi:Acme_Docs==1', 'oci:ghcr.io/acme/*']}\n",
    "names like words of YAML 1.1": "version: 1\nservers: {on: {max-risk: 1}, yes: {max-risk: 2}}\n",
    "a fingerprint alone": waiver(path=None, fingerprint="0123456789abcdef" * 2),
    "a subject that is the entry": waiver(subject='""'),
    "a date in quotes": waiver(expires='"2027-01-31"'),
    "the last possible day": waiver(expires="2027-12-01"),
    "a day that has passed": waiver(expires="2020-02-29"),
}

# Document, what the error says, where; `schema` is false for what only the loader can tell.
BAD = {
    "unknown key": ("version: 1\nfail_onn: high\n", 'unknown key "fail_onn"; known here: version, extends', "2:1"),
    "unknown key below": ("version: 1\nrequire: {locks: true}\n", 'did you mean "lock"?', "2:11"),
    "unknown key in a server": ("version: 1\nservers: {a: {maxrisk: 1}}\n", 'did you mean "max-risk"?', "2:15"),
    "no version": ("fail-on: high\n", "`version` is missing here; add", "1:1"),
    "a newer version": ("version: 2\n", "this program reads version 1", "1:10"),
    "a version in quotes": ('version: "1"\n', '`version` is "1"', "1:10"),
    "a version that is true": ("version: true\n", "`version` is true", "1:10"),
    "unknown level": ("version: 1\nfail-on: hgih\n", 'did you mean "high"?', "2:10"),
    "a level that is no text": ("version: 1\nfail-on: [high]\n", "`fail-on` is a list", "2:10"),
    "fail-on off": ("version: 1\nfail-on: off\n", '`fail-on` is "off"', "2:10"),
    "never as a rule's level": ("version: 1\nrules: {plain-http: never}\n", "the level of a rule", "2:21"),
    "no as a rule's level": ("version: 1\nrules: {plain-http: no}\n", "the level of a rule", "2:21"),
    "true as a rule's level": ("version: 1\nrules: {plain-http: true}\n", "the level of a rule", "2:21"),
    "NaN": ("version: 1\nmax-risk: .nan\n", "a number from 0 to 10", "2:11"),
    "infinity": ("version: 1\nmax-risk: .inf\n", "a number from 0 to 10", "2:11"),
    "a number in quotes": ('version: 1\nmax-risk: "7"\n', 'a number from 0 to 10, not "7"; write for example 7.5, without quotes', "2:11"),
    "a number out of range": ("version: 1\nmax-risk: 70\n", "a number from 0 to 10, not 70", "2:11"),
    "a negative number": ("version: 1\nmax-risk: -1\n", "a number from 0 to 10", "2:11"),
    "a truth value for a number": ("version: 1\nmax-risk: true\n", "a number from 0 to 10, not true", "2:11"),
    "an empty number": ("version: 1\nmax-risk:\n", "a number from 0 to 10, not empty", "2:1"),
    "a truth value in quotes": ('version: 1\nrequire: {lock: "false"}\n', "`lock` must be true or false", "2:17"),
    "yes for true": ("version: 1\nrequire: {lock: yes}\n", "`lock` must be true or false", "2:17"),
    "a list of rules": ("version: 1\nrules: [plain-http]\n", "`rules` must be a mapping, not a list", "2:8"),
    "a truth value for rules": ("version: 1\nrules: true\n", "`rules` must be a mapping, not a truth value", "2:8"),
    "text for servers": ("version: 1\nservers: github\n", "`servers` must be a mapping, not text", "2:10"),
    "a list for a mapping": ("version: 1\nrequire: [lock]\n", "`require` must be a mapping, not a list", "2:10"),
    "a mapping for a list": ("version: 1\nexclude: {a: b}\n", "`exclude` must be a list, not a mapping", "2:10"),
    "text for a list": ("version: 1\nexclude: tests/**\n", "`exclude` must be a list, not text", "2:10"),
    "an empty list value": ("version: 1\nwaivers:\n", "`waivers` must be a list, not empty; write [one, two], or [] for none", "2:1"),
    "a number for text": ("version: 1\nextends: 5\n", "`extends` must be text, not a number; write it in quotes", "2:10"),
    "a list at the top": ("- version: 1\n", "a policy must be a mapping, not a list", "1:1"),
    "text at the top": ("version\n", "a policy must be a mapping, not text", "1:1"),
    "a blank text": ('version: 1\nextends: " "\n', "`extends` is empty", "2:10"),
    "unknown capability": ("version: 1\ndeny: {capabilities: [shell]}\n", "a capability", "2:23"),
    "unknown transport": ("version: 1\ndeny: {transports: [sse, stdioo]}\n", 'did you mean "stdio"?', "2:26"),
    "a host with a scheme": ('version: 1\ndeny: {hosts: ["https://x.example"]}\n', "the host alone", "2:16"),
    "a host with a port": ('version: 1\nallow: {hosts: ["x.example:8443"]}\n', "the host alone", "2:17"),
    "a package without a kind": ('version: 1\nallow: {packages: ["@acme/docs"]}\n', "write npm:NAME", "2:20"),
    "a package without a name": ('version: 1\nallow: {packages: ["npm:"]}\n', "write npm:NAME", "2:20"),
    "a registry with a path alone": ('version: 1\nallow: {registries: ["/simple"]}\n', "no host", "2:22"),
    "a backslash in a glob": ("version: 1\nexclude: ['tests\\**']\n", "write / between folders", "2:11"),
    "an exception in a glob": ("version: 1\nexclude: ['!a']\n", "no exceptions", "2:11"),
    "a glob that leads out": ("version: 1\nexclude: ['../x/**']\n", "out of the repository", "2:11"),
    "off for what cannot be": ("version: 1\nrules: {config-unreadable: off}\n", "`config-unreadable` cannot be switched off", "2:28"),
    "off for a waiver rule in a server": ("version: 1\nservers: {a: {rules: {waiver-unused: off}}}\n", "cannot be switched off", "2:38"),
    "a waiver without a reason": (waiver(reason=None), "`reason` is missing here", "3:5"),
    "a waiver with a blank reason": (waiver(reason='" "'), "`reason` is empty", "5:13"),
    "a waiver without a last day": (waiver(expires=None), "`expires` is missing here", "3:5"),
    "a waiver without a rule": ("version: 1\nwaivers:\n  - path: .mcp.json\n    reason: x\n    expires: 2027-01-31\n", "`rule` is missing", "3:5"),
    "a waiver for everything of a rule": (waiver(path=None), "would cover every finding", "3:5"),
    "a misspelt member of a waiver": (waiver(reson="x"), 'did you mean "reason"?', "7:5"),
    "a wildcard for the rule": (waiver(rule='"*"'), "without wildcard", "3:11"),
    "a wildcard for the path": (waiver(path='"**/.mcp.json"'), "takes no wildcard", "4:11"),
    "a wildcard for the server": (waiver(server="docs-*"), "takes no wildcard", "7:13"),
    "a server that is a number": (waiver(server="5"), "must be text, not a number; write it in quotes", "7:13"),
    "an empty server": (waiver(server='""'), "`server` is empty", "7:13"),
    "half a fingerprint": (waiver(fingerprint="abcdef12"), "no fingerprint", "7:18"),
    "a fingerprint in capitals": (waiver(fingerprint="0123456789ABCDEF" * 2), "no fingerprint", "7:18"),
    "a date of another country": (waiver(expires="31.01.2027"), "no date; write YYYY-MM-DD", "6:14"),
    "a date and a time": (waiver(expires="2027-01-31T00:00:00"), "no date", "6:14"),
    "a date without separators": (waiver(expires="20270131"), "no date", "6:14"),
    "a date of weeks": (waiver(expires="2027-W05-1"), "no date", "6:14"),
    "an impossible date": (waiver(expires="2027-02-30"), "no date", "6:14"),
    "a month in one digit": (waiver(expires="2027-1-031"), "no date", "6:14"),
    **{f"a waiver for {rule}": (waiver(rule=rule), f"`{rule}` cannot be waived", "3:11") for rule in sorted(FIXED)},
}
ONLY_THE_LOADER = {
    "unknown rule": ("version: 1\nrules: {plain-htp: off}\n", 'did you mean "plain-http"?', "2:9"),
    "unknown rule of a server": ("version: 1\nservers: {a: {rules: {plain-htp: off}}}\n", 'did you mean "plain-http"?', "2:23"),
    "a waiver for an unknown rule": (waiver(rule="plain-htp"), 'did you mean "plain-http"?', "3:11"),
    "a waiver for too long": (waiver(expires="2027-12-02"), "more than 365 days ahead; write 2027-12-01", "6:14"),
    "servers that differ in case": ("version: 1\nservers: {Docs: {}, docs: {}}\n", "the same server", "2:21"),
    "a registry that is a reference": ("version: 1\nallow: {registries: ['https://%HOST%/x']}\n", "no address with a host", "2:22"),
}


def value_of(text):
    return syntax.read("mcp-audit.yaml", text.encode("utf-8")).value


def refused(text):
    with pytest.raises(PolicyError) as caught:
        form.check(syntax.read("mcp-audit.yaml", text.encode("utf-8") if isinstance(text, str) else text), TODAY)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_policies_pass_both(text):
    form.check(syntax.read("mcp-audit.yaml", text.encode("utf-8")), TODAY)
    assert not [error.message for error in VALIDATOR.iter_errors(value_of(text))]


@pytest.mark.parametrize(("text", "message", "place"), BAD.values(), ids=BAD)
def test_bad_policies_fail_both(text, message, place):
    said = refused(text)
    assert said.startswith(f"mcp-audit.yaml:{place}: ")
    assert message in said
    assert list(VALIDATOR.iter_errors(value_of(text)))


@pytest.mark.parametrize(("text", "message", "place"), ONLY_THE_LOADER.values(), ids=ONLY_THE_LOADER)
def test_what_no_schema_can_say(text, message, place):
    said = refused(text)
    assert said.startswith(f"mcp-audit.yaml:{place}: ")
    assert message in said
    assert not list(VALIDATOR.iter_errors(value_of(text)))


BOMB = "version: 1\nx0: &a0 [lol]\n" + "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)) + "exclude: *a11\n"
SYNTAX = {
    "a repeated key": ("version: 1\nfail-on: high\nmax-risk: 9\nfail-on: never\n", 'the key "fail-on" stands here and at 2:1', "4:1"),
    "a repeated key below": ("version: 1\nrequire:\n  lock: true\n  'lock': false\n", "stands here and at 3:3", "4:3"),
    "an anchor": ("version: 1\nrequire: &r {lock: false}\n", "anchors and aliases are not allowed", "2:10"),
    "an anchor at a key": ("version: 1\n&k require: {lock: false}\n", "anchors and aliases are not allowed", "2:1"),
    "an alias bomb": (BOMB, "anchors and aliases are not allowed", "2:5"),
    "a tag": ("version: !!int 1\n", "the tag tag:yaml.org,2002:int is not allowed", "1:10"),
    "a tag of Python": ("version: 1\nexclude: !!python/object/apply:os.system [id]\n", "is not allowed", "2:10"),
    "a tag of one's own": ("version: 1\nexclude: !env X\n", "the tag !env is not allowed", "2:10"),
    "the tag for no tag": ("version: 1\nexclude: ! X\n", "the tag ! is not allowed", "2:10"),
    "a merge key": ("version: 1\n<<: {fail-on: never}\n", "merge keys (<<) are not allowed", "2:1"),
    "two documents": ("version: 1\n---\nversion: 1\nfail-on: never\n", "a second document", "2:1"),
    "an empty second document": ("version: 1\n---\n", "a second document", "2:1"),
    "a number as a key": ("version: 1\nservers: {5: {max-risk: 1}}\n", "a key must be text; write it in quotes", "2:11"),
    "a list as a key": ("version: 1\nservers: {[a]: {max-risk: 1}}\n", "a key must be text", "2:11"),
    "nothing": ("", "the policy is empty", "1:1"),
    "only comments": ("# version: 1\n", "the policy is empty", "1:1"),
    "only null": ("~\n", "the policy is empty", "1:1"),
    "broken YAML": ("version: 1\nrules: {plain-http: off\nfail-on: high\n", "not valid YAML", "3:8"),
    "a tab for a blank": ("version: 1\nrequire:\n\tlock: true\n", "not valid YAML", "3:1"),
    "a control character": ("version: 1\nextends: a\x01b\n", "not valid YAML", "2:11"),
    "too deep": ("version: 1\nexclude: " + "[" * 100_000 + "\n", "nested deeper than 16 levels", "2:25"),
    "UTF-16": ("version: 1\n".encode("utf-16"), "UTF-16, not UTF-8", "1:1"),
    "UTF-16 without a mark": ("version: 1\nextends: ä\n".encode("utf-16-le"), "not UTF-8", "1:1"),
    "an invalid byte": (b"version: 1\nextends: a\xff\n", "not UTF-8", "2:11"),
    "a large file of LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer", "1:1"),
}


@pytest.mark.parametrize(("text", "message", "place"), SYNTAX.values(), ids=SYNTAX)
def test_yaml_that_hides_what_it_means_is_refused(text, message, place):
    said = refused(text)
    assert said.startswith(f"mcp-audit.yaml:{place}: ")
    assert message in said


def test_the_schema_is_a_schema_and_knows_every_key():
    Draft202012Validator.check_schema(SCHEMA)
    example = value_of(CONTRACT)
    assert set(example) == set(SCHEMA["properties"])
    assert sorted(SCHEMA["$defs"]["fixed"]["enum"]) == sorted(FIXED)


@pytest.mark.parametrize("name", ["default", "strict", "advisory"])
def test_presets_are_valid(name):
    from mcp_audit_gate.policy.load import preset_text

    text = preset_text(name).decode("utf-8")
    form.check(syntax.read(name, text.encode()), TODAY)
    if name == "default":  # what stands in comments as an example must be right too
        examples = "".join(f"{line[2:]}\n" for line in text.splitlines() if re.match(r"# ( +\S|[a-z-]+:( |$))", line))
        form.check(syntax.read(name, f"version: 1\n{examples}".encode()), TODAY)
        assert set(value_of(f"version: 1\n{examples}")) == set(SCHEMA["properties"]) - {"extends", "fail-on"}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("waiver-unused", "it keeps the waivers themselves in view"),
        ("policy-weakened", "a policy that excuses its own weakening would decide nothing"),
        ("lock-tampered", "it says that something was not judged, and what was not judged must not pass"),
    ],
)
def test_each_fixed_rule_has_its_reason(rule, reason):
    assert form.why_fixed(rule) == reason
