"""policy.load: which file is the policy, what `extends` reaches, and how layers become one."""

from __future__ import annotations

import pytest

from mcp_audit_gate.errors import PolicyError
from mcp_audit_gate.model import RuleInfo
from mcp_audit_gate.policy import load, syntax
from mcp_audit_gate.policy.policy import Policy, Terms
from mcp_audit_gate.sources.discover import WorkingTree

from .conftest import TODAY, Files


def info(name, severity="medium"):
    return RuleInfo(name, "family", severity, "", "", "", "", (), ("", ""), ("", ""))


def loaded(files, path="mcp-audit.yaml"):
    return load.load(Files(files), path, TODAY)


def refused(files, path=None):
    with pytest.raises(PolicyError) as caught:
        load.found(Files(files), TODAY) if path is None else loaded(files, path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -------------------------------------------------------------------------------------------------------------- which file


def test_no_file_is_the_preset_default_and_that_is_its_file():
    assert load.found(Files(), TODAY)._replace(layers=()) == Policy() == load.preset("default", TODAY)._replace(layers=())
    written = syntax.read("default", load.preset_text("default")).value
    assert loaded({"mcp-audit.yaml": load.preset_text("default")})._replace(name="preset:default", layers=()) == Policy()
    assert [layer.value for layer in load.built_in().layers] == [written]


def test_the_place_in_dot_github_comes_first():
    files = {"mcp-audit.yaml": "version: 1\nfail-on: low\n", ".github/mcp-audit.yaml": "version: 1\nfail-on: critical\n"}
    assert load.found(Files(files), TODAY)[:2] == (".github/mcp-audit.yaml", "critical")
    del files[".github/mcp-audit.yaml"]
    assert load.found(Files(files), TODAY)[:2] == ("mcp-audit.yaml", "low")


NEAR = (
    *("mcp-audit.yml", ".mcp-audit.yaml", ".mcp-audit.yml", "MCP-AUDIT.yaml", "mcp-audit.YAML", "mcp_audit.yaml", "mcpaudit.yaml", "mcp.audit.yml"),
    *("mcp-adit.yaml", "mcp-audti.yaml", "mpc-audit.yaml", "ncp-audit.yaml", "mcp audit.yaml", "mcp-audit-gate.yaml", "mcp--audit.yaml"),
)


@pytest.mark.parametrize("folder", ["", ".github/"])
@pytest.mark.parametrize("name", NEAR)
def test_a_name_that_is_nearly_right_is_an_error_and_no_silence(name, folder):
    said = refused({folder + name: "version: 1\n"})
    assert said.startswith(f"{folder}{name}: ")
    assert f"did you mean {folder}mcp-audit.yaml?" in said
    assert refused({folder + name: "version: 1\n", "mcp-audit.yaml": "version: 1\n"}) == said


FAR = (
    *("mcp-audit.lock.json", "mcp-audit.sarif", "mcp-audit.json", "mcp.yaml", "audit.yaml", "mcp-audit", "mcp-audit-strict.yaml", "mcp-audit2.yaml"),
    *(".github/workflows/mcp-audit.yml", "docs/mcp-audit.yml", "policies/mcp-audit.yml", "mcp-config.yml"),
)


@pytest.mark.parametrize("path", FAR)
def test_other_names_and_folders_are_nobodys_policy(path):
    assert load.found(Files({path: "x"}), TODAY).name == "preset:default"


def test_a_policy_that_cannot_be_read():
    assert "larger than 1 MiB" in refused({"mcp-audit.yaml": "#" * (2 << 20)})
    assert refused({}, "mcp-audit.yaml").startswith("mcp-audit.yaml:1:1: the policy cannot be read: ")


@pytest.mark.parametrize("name", ["mcp-audit.yaml", ".github/mcp-audit.yaml"])
def test_a_link_out_of_the_repository_is_refused(tmp_path, name):
    (tmp_path / "loose.yaml").write_text("version: 1\nfail-on: never\n")
    root = tmp_path / "root"
    (root / ".github").mkdir(parents=True)
    (root / name).symlink_to(tmp_path / "loose.yaml")
    with pytest.raises(PolicyError, match="a link that leaves the repository"):
        load.found(WorkingTree(str(root)), TODAY)


def test_a_folder_linked_out_of_the_repository_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mcp-audit.yaml").write_text("version: 1\nfail-on: never\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / ".github").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PolicyError, match=r"\.github: a link that leaves the repository"):
        load.found(WorkingTree(str(root)), TODAY)


def test_a_link_inside_and_what_is_no_file(tmp_path):
    (tmp_path / "base.yaml").write_text("version: 1\nfail-on: info\n")
    (tmp_path / "mcp-audit.yaml").symlink_to("base.yaml")
    assert load.found(WorkingTree(str(tmp_path)), TODAY).fail_on == "info"
    (tmp_path / "mcp-audit.yaml").unlink()
    (tmp_path / "mcp-audit.yaml").mkdir()
    with pytest.raises(PolicyError, match="a folder stands"):
        load.found(WorkingTree(str(tmp_path)), TODAY)


# ---------------------------------------------------------------------------------------------------------------- extends


def test_presets():
    strict = load.preset("strict", TODAY)
    assert (strict.fail_on, strict.lock, strict.exact_versions) == ("medium", True, True)
    assert (strict.severity(info("waiver-untrusted")), strict.severity(info("policy-relaxed"))) == ("low", "low")
    assert load.preset("advisory", TODAY).fail_on == "critical"
    assert [policy.name for policy in (strict, load.preset("advisory", TODAY))] == ["preset:strict", "preset:advisory"]


def test_extends_a_preset():
    policy = loaded({"mcp-audit.yaml": "version: 1\nextends: strict\nfail-on: high\nrules: {policy-relaxed: info}\n"})
    assert (policy.name, policy.fail_on, policy.lock) == ("mcp-audit.yaml", "high", True)
    assert policy.rules == {"waiver-untrusted": "low", "policy-relaxed": "info"}
    assert [layer.source for layer in policy.layers] == ["preset:default", "preset:strict", "mcp-audit.yaml"]


def test_extends_is_relative_to_the_file_that_says_it():
    files = {
        ".github/mcp-audit.yaml": "version: 1\nextends: ../policies/team.yaml\n",
        "policies/team.yaml": "version: 1\nextends: ./base.yaml\n",
        "policies/base.yaml": "version: 1\nfail-on: info\n",
    }
    assert load.found(Files(files), TODAY).fail_on == "info"


def chain(number):
    files = {f"p{n}.yaml": f"version: 1\nextends: p{n + 1}.yaml\n" for n in range(number)}
    return {**files, f"p{number}.yaml": "version: 1\nfail-on: info\n"}


def test_extends_goes_five_deep_and_no_deeper():
    assert loaded(chain(5), "p0.yaml").fail_on == "info"
    assert refused(chain(6), "p0.yaml") == "p5.yaml:2:10: `extends` goes deeper than 5 files; put what is shared into fewer files"


CIRCLES = {
    "itself": ({"a.yaml": "version: 1\nextends: a.yaml\n"}, "a.yaml:2:10: `extends` goes round in a circle: a.yaml > a.yaml"),
    "itself, spelt otherwise": ({"a.yaml": "version: 1\nextends: x/.././a.yaml\n"}, "a.yaml:2:10: `extends` goes round in a circle"),
    "another": (
        {"a.yaml": "version: 1\nextends: b.yaml\n", "b.yaml": "version: 1\nfail-on: low\nextends: a.yaml\n"},
        "b.yaml:3:10: `extends` goes round in a circle: a.yaml > b.yaml > a.yaml",
    ),
}


@pytest.mark.parametrize(("files", "message"), CIRCLES.values(), ids=CIRCLES)
def test_extends_in_a_circle(files, message):
    assert message in refused(files, "a.yaml")


OUTSIDE = {
    "../loose.yaml": "leads out of the repository",
    "x/../../loose.yaml": "leads out of the repository",
    "..": "leads out of the repository",
    "/etc/passwd": "absolute path",
    "~/loose.yaml": "absolute path",
    "https://policy.example.net/loose.yaml": "does not take an address",
    "file:///etc/passwd": "does not take an address",
    "git:x": "does not take an address",
    "C:/loose.yaml": "does not take an address",
    "'\\\\server\\share'": "absolute path",
    "'a\\b.yaml'": "with / between folders",
    "missing.yaml": 'names "missing.yaml", which cannot be read',
    "stricct": 'did you mean "strict"?',
}


@pytest.mark.parametrize(("target", "message"), OUTSIDE.items())
def test_extends_reads_nothing_outside_the_root(target, message):
    said = refused({"mcp-audit.yaml": f"version: 1\nextends: {target}\n", "../loose.yaml": "version: 1\n", "/etc/passwd": "version: 1\n"})
    assert said.startswith("mcp-audit.yaml:2:10: ")
    assert message in said


def test_extends_over_a_link_out_of_the_root(tmp_path):
    (tmp_path / "loose.yaml").write_text("version: 1\nfail-on: never\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "base.yaml").symlink_to(tmp_path / "loose.yaml")
    (root / "mcp-audit.yaml").write_text("version: 1\nextends: base.yaml\n")
    with pytest.raises(PolicyError, match=r"mcp-audit.yaml:2:10: .*a link that leaves the repository"):
        load.found(WorkingTree(str(root)), TODAY)


def test_a_fault_in_the_base_is_told_in_the_base():
    files = {"mcp-audit.yaml": "version: 1\nextends: base.yaml\n", "base.yaml": "version: 1\nfail-on: hgih\n"}
    assert refused(files).startswith("base.yaml:2:10: ")


# ------------------------------------------------------------------------------------------------------------------ layers

BASE = """version: 1
fail-on: low
max-risk: 5
require: {lock: true}
deny: {capabilities: [network], hosts: [a.example]}
allow: {servers: [a], hosts: [a.example]}
rules: {plain-http: low, legacy-sse: low}
servers: {Docs: {max-risk: 3, rules: {plain-http: info, legacy-sse: info}}, other: {max-risk: 1}}
exclude: [a/**]
waivers:
  - {rule: plain-http, path: ./a.json, reason: r, expires: 2027-01-31}
"""
TOP = """version: 1
extends: base.yaml
require: {exact-versions: true}
deny: {capabilities: [destructive, network], transports: [sse]}
allow: {servers: [b], packages: []}
rules: {plain-http: off}
servers: {docs: {rules: {plain-http: critical}}}
exclude: [b/**, a/**]
waivers:
  - {rule: legacy-sse, server: x, subject: "", owner: o, reason: s, expires: 2027-02-28}
"""


def test_layers_become_one():
    policy = loaded({"mcp-audit.yaml": TOP, "base.yaml": BASE})
    assert (policy.fail_on, policy.max_risk, policy.lock, policy.exact_versions) == ("low", 5.0, True, True)
    assert policy.deny == {"capabilities": ("network", "destructive"), "hosts": ("a.example",), "transports": ("sse",)}
    assert policy.allow == {"servers": ("b",), "hosts": ("a.example",), "packages": ()}
    assert policy.rules == {"plain-http": "off", "legacy-sse": "low"}
    assert policy.servers == {"docs": Terms(3.0, {"plain-http": "critical", "legacy-sse": "info"}), "other": Terms(1.0, {})}
    assert policy.exclude == ("a/**", "b/**")
    assert [(w.rule, w.path, w.server, w.subject, w.owner, str(w.expires), w.place.document.path) for w in policy.waivers] == [
        ("plain-http", "a.json", None, None, None, "2027-01-31", "base.yaml"),
        ("legacy-sse", None, "x", "", "o", "2027-02-28", "mcp-audit.yaml"),
    ]


def test_what_a_requirement_says_can_be_taken_back_but_only_aloud():
    files = {"base.yaml": "version: 1\nrequire: {lock: true, exact-versions: true}\n"}
    assert loaded({**files, "mcp-audit.yaml": "version: 1\nextends: base.yaml\nrequire: {lock: false}\n"})[3:5] == (False, True)


def test_severities():
    policy = loaded({"mcp-audit.yaml": TOP, "base.yaml": BASE})
    assert policy.severity(info("plain-http")) == "off"
    assert policy.severity(info("plain-http"), "DOCS") == "critical"
    assert policy.severity(info("legacy-sse"), "docs") == "info"
    assert policy.severity(info("legacy-sse"), "x") == "low"
    assert policy.severity(info("raw-ip-url", "critical"), "docs") == "critical"
    assert policy.severity(info("unpinned-package")) == policy.severity(info("floating-image-tag")) == "high"
    assert policy.severity(info("image-without-digest", "low")) == "low"
    own = loaded({"mcp-audit.yaml": "version: 1\nextends: strict\nrules: {unpinned-package: low}\n"})
    assert (own.severity(info("unpinned-package")), own.severity(info("floating-image-tag"))) == ("low", "high")
    assert (policy.limit("docs"), policy.limit("x"), Policy().limit("x")) == (3.0, 5.0, None)


def test_names_of_servers_are_compared_without_case_and_compatibility_forms():
    policy = loaded({"mcp-audit.yaml": "version: 1\nservers: {Größe: {max-risk: 2}}\n"})
    assert [policy.limit(name) for name in ("größe", "GRÖSSE", "Gro\u0308ße", "ｇröße", "grosse")] == [2.0, 2.0, 2.0, 2.0, None]


@pytest.mark.parametrize(
    ("glob", "covered", "left"),
    [
        (
            "tests/fixtures/**",
            ["tests/fixtures/a/.mcp.json", "tests/fixtures/.mcp.json", "Tests/Fixtures/x"],
            ["tests/.mcp.json", "a/tests/fixtures/x"],
        ),
        ("tests", ["tests/.mcp.json", "tests/a/b"], ["test", "a/tests/x"]),
        ("tests/", ["tests/.mcp.json"], ["tests2/x"]),
        ("/.mcp.json", [".mcp.json"], ["a/.mcp.json"]),
        ("**/fixtures/**", ["fixtures/x", "a/b/fixtures/c/d"], ["a/fixture/x"]),
        ("a/*/c.json", ["a/b/c.json"], ["a/b/b/c.json", "a/c.json"]),
        ("a/**/c.json", ["a/c.json", "a/b/b/c.json"], ["a/b/d.json"]),
        ("*.example.json", ["x.example.json"], ["a/x.example.json"]),
    ],
)
def test_exclude(glob, covered, left):
    policy = loaded({"mcp-audit.yaml": f"version: 1\nexclude: ['{glob}']\n"})
    assert [path for path in (*covered, *left) if policy.excludes(path)] == covered


def test_a_long_path_against_many_stars_takes_no_time():
    policy = Policy(exclude=("**/a/**/a/**/a/**/a/**/a/**/a/**/b",))
    assert not policy.excludes("a/" * 2000 + "c")
