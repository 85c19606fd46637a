from __future__ import annotations

import time

import pytest

from mcp_audit_gate.model import Word
from mcp_audit_gate.sources import specs

SHA = "a" * 40
AT = ("args", 1)


def read(ecosystem, text):
    package = specs.package(ecosystem, Word(text, AT))
    return None if package is None else (package.ecosystem, package.name, package.version, package.pin)


NPM = [
    # argument -> name, version, pin
    ("https://raw.githubusercontent.com/acme/left/main/left.tgz", "", "", "url"),
    ("https://codeload.github.com/acme/left/tar.gz/main", "", "", "url"),
    ("https://my.github.example.com/left.tgz", "", "", "url"),
    ("https://git.example.net/acme/.git/left.tgz", "", "", "url"),
    ("HTTPS://files.example.com/left.tgz", "", "", "url"),
    ("https://git.example.net/acme/left.git", "left", "", "branch"),
    ("https://git.example.net/acme/left.git?x=1", "left.git?x=1", "", "branch"),
    (f"https://git.example.net/acme/left.git#{SHA}", "left", SHA, "commit"),
    ("https://github.com/acme/left", "left", "", "branch"),
    ("https://gitlab.com/acme/left/", "left", "", "branch"),
    ("https://bitbucket.org/acme/left#main", "left", "main", "branch"),
    ("https://me@github.com/acme/left", "left", "", "branch"),
    (f"https://github.com/acme/left#{SHA}", "left", SHA, "commit"),
    ("https://github.com/acme/left/archive/main.tar.gz", "", "", "url"),
    ("https://github.com/acme", "", "", "url"),
    ("https://github.com.example.net/acme/left", "", "", "url"),
    ("left@https://files.example.com/left.tgz", "left", "", "url"),
    ("left@git+https://git.example.net/acme/left", "left", "", "branch"),
    (f"left@git+https://git.example.net/acme/left#{SHA}", "left", SHA, "commit"),
    (f"left@acme/right#{SHA}", "left", SHA, "commit"),
    ("@acme/left@github:acme/left", "@acme/left", "", "branch"),
    ("left@file:./left", "left", "file:./left", "local"),
    ("left@workspace:*", "left", "workspace:*", "local"),
    ("left@~1.4", "left", "~1.4", "range"),
    ("https://registry.npmjs.org/left/-/left-1.2.3.tgz", "left", "1.2.3", "exact"),
    ("https://registry.npmjs.org/@acme/left/-/left-1.2.3.tgz#sha512=x", "@acme/left", "1.2.3", "exact"),
    ("https://registry.yarnpkg.com/left/-/left-2.0.0-rc.1.tgz", "left", "2.0.0-rc.1", "exact"),
    ("https://registry.npmjs.org/left/-/right-1.2.3.tgz", "", "", "url"),
    ("https://registry.npmjs.org/left/latest", "", "", "url"),
    ("https://registry.npmjs.org@files.example.com/left/-/left-1.2.3.tgz", "", "", "url"),
    ("http://registry.npmjs.org/left/-/left-1.2.3.tgz", "", "", "url"),
    ("left@${VERSION:-1.2.3}", "left", "1.2.3", "exact"),
    ("left@${VERSION:-latest}", "left", "latest", "tag"),
    ("${PACKAGE:-left}@1.2.3", "left", "1.2.3", "exact"),
    ("${PACKAGE:-https://files.example.com/left.tgz}", "", "", "url"),
    ("${SCOPE}/left@${VERSION:-1.2.3}", "${SCOPE}/left", "1.2.3", "reference"),
    ("${PACKAGE:-}", "${PACKAGE:-}", "", "reference"),
]


@pytest.mark.parametrize(("text", "name", "version", "pin"), NPM, ids=[row[0] for row in NPM])
def test_npm(text, name, version, pin):
    package = specs.package("npm", Word(text, AT))
    assert (package.ecosystem, package.name, package.version, package.pin) == ("npm", name, version, pin)
    assert (package.text, package.at) == (text, AT)


PYPI = [
    ("https://files.pythonhosted.org/packages/ab/cd/ef/left_mcp-1.2.3-py3-none-any.whl", "left_mcp", "1.2.3", "exact"),
    ("https://files.pythonhosted.org/packages/ab/left-mcp-1.2.3.tar.gz#sha256=x", "left-mcp", "1.2.3", "exact"),
    ("https://files.pythonhosted.org.example.com/packages/ab/left-1.2.3.tar.gz", "", "", "url"),
    ("https://github.com/acme/left", "", "", "url"),
    ("left @ https://files.example.com/left.whl", "left", "", "url"),
    ("left==${VERSION:-1.2.3}", "left", "1.2.3", "exact"),
    ("left@1.0.post1.dev2", "left", "1.0.post1.dev2", "exact"),
    ("left@1!2.0rc1+local.1", "left", "1!2.0rc1+local.1", "exact"),
    ("left@main", "left", "main", "tag"),
]


@pytest.mark.parametrize(("text", "name", "version", "pin"), PYPI, ids=[row[0] for row in PYPI])
def test_pypi(text, name, version, pin):
    assert read("pypi", text) == ("pypi", name, version, pin)


def test_other_ecosystems():
    assert read("go", "example.com/acme/left") == ("go", "example.com/acme/left", "", "locked")
    assert read("go", "example.com/acme/left@${VERSION:-v1.2.3}") == ("go", "example.com/acme/left", "v1.2.3", "exact")
    assert read("nuget", "Acme.Left@${VERSION:-1.*}") == ("nuget", "Acme.Left", "1.*", "range")
    assert read("deno", "jsr:@acme/left@${VERSION:-1.2.3}") == ("jsr", "@acme/left", "1.2.3", "exact")
    assert read("deno", "npm:left@https://files.example.com/left.tgz") == ("npm", "left", "", "url")
    assert read("deno", "server.ts") is None


@pytest.mark.parametrize(
    ("address", "version", "pin"),
    [
        ("https://git.example.net/acme/box/releases/download/v1.2.3/box.mcpb", "1.2.3", "exact"),
        ("https://git.example.net/acme/box/releases/latest/download/box.MCPB?x", "latest", "tag"),
        ("https://files.example.com/box.dxt", "", "url"),
    ],
)
@pytest.mark.parametrize("ecosystem", ["npm", "pypi"])
def test_a_bundle_is_one_whoever_fetches_it(ecosystem, address, version, pin):
    package = specs.package(ecosystem, Word(address, AT))
    assert (package.ecosystem, package.version, package.pin, package.source) == ("mcpb", version, pin, address)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("left", ["left"]),
        ("left==1.0,right", ["left", "right"]),
        ("left>=1,<2, right", ["left", "right"]),
        ("left[a,b]==1.0,right", ["left", "right"]),
        ("https://files.example.com/a,b.whl", [""]),
        ("", []),
        (",", [","]),
    ],
)
def test_requirements(text, names):
    assert [package.name for package in specs.requirements(Word(text, AT))] == names


@pytest.mark.parametrize(
    ("text", "parts", "known"),
    [
        ("acme/box:${TAG:-latest}", ("acme/box", "latest", ""), True),
        ("${IMAGE:-acme/box:1.2@sha256:00}", ("acme/box", "1.2", "sha256:00"), True),
        ("${HOST}/acme/box:${TAG:-1}", ("${HOST}/acme/box", "1", ""), False),
        ("acme/box:${TAG}", ("acme/box", "${TAG}", ""), False),
        ("acme/box", ("acme/box", "", ""), True),
    ],
)
def test_the_default_of_an_image_is_its_value(text, parts, known):
    image = specs.image(Word(text, AT))
    assert (image.name, image.tag, image.digest) == parts
    assert image.text == text
    assert specs.is_known(image) is known


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "@",
        "${",
        "${a:-",
        "https://",
        ",",
        "-1",
        "/",
        "=",
        ".tgz",
        "[",
        "[,",
        "1a-",
        "rc",
        "x==1.",
        "a@1a-",
        "https://registry.npmjs.org/a/-/",
        ".git/",
        "a-",
    ],
)
@pytest.mark.parametrize("start", ["", "a@1", "https://files.pythonhosted.org/", "https://registry.npmjs.org/"])
def test_hostile_arguments_take_linear_time(start, piece):
    word = Word(start + piece * (100_000 // len(piece)) + "!", AT)
    begin = time.process_time()
    for ecosystem in ("npm", "pypi", "go", "nuget", "deno"):
        specs.package(ecosystem, word)
    list(specs.requirements(word))
    specs.image(word)
    assert time.process_time() - begin < 1.0  # 0.1 on an idle machine


def test_a_version_that_holds_versions_is_read_once():
    assert read("npm", "a" + "@b" * 20_000 + "@x/y")[1::2] == ("a", "tag")
    assert read("npm", "a@acme/left#main") == ("npm", "a", "main", "branch")
