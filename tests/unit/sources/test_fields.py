from __future__ import annotations

import pytest

from mcp_audit_gate.sources.fields import understand_entry

BUNDLE = "https://git.example.net/acme/box/releases/latest/download/box.mcpb"


def read(value):
    return understand_entry(value, False).launches[0]


@pytest.mark.parametrize(
    ("value", "package"),
    [
        ({"registryType": "npm", "identifier": "@acme/docs", "version": "1.2.3"}, ("npm", "@acme/docs", "1.2.3", "exact")),
        ({"registryType": "pypi", "identifier": "docs", "version": "1.2.3"}, ("pypi", "docs", "1.2.3", "exact")),
        ({"registry_type": "nuget", "identifier": "Acme.Docs"}, ("nuget", "Acme.Docs", "", "none")),
        ({"registryType": "mcpb", "identifier": BUNDLE}, ("mcpb", "box.mcpb", "latest", "tag")),
        ({"registryType": "mcpb", "identifier": BUNDLE, "fileSha256": "0" * 64}, ("mcpb", "box.mcpb", "latest", "exact")),
        ({"registryType": "npm", "identifier": "docs", "fileSha256": "0" * 64}, ("npm", "docs", "", "none")),
        ({"command": "npx", "args": [BUNDLE], "fileSha256": "0" * 64}, ("mcpb", "box.mcpb", "latest", "tag")),
    ],
)
def test_a_package_of_the_registry(value, package):
    found = read(value).package
    assert (found.ecosystem, found.name, found.version, found.pin) == package


def test_members_of_the_registry_do_not_hide_a_program():
    launch = read({"registryType": "npm", "identifier": "@acme/docs", "version": "1.2.3", "command": "npx", "args": ["left"]})
    assert [word.text for word in launch.words] == ["npx", "left"]


def test_an_image_of_the_registry_is_a_container():
    launch = read({"registryType": "oci", "identifier": "ghcr.io/acme/box", "version": "1.2.3"})
    assert (launch.runner, launch.image.name, launch.image.tag) == ("docker run", "ghcr.io/acme/box", "1.2.3")


def test_values_that_compare_equal_and_read_otherwise_are_told_apart():
    texts = [read({"command": "serve", "args": [value]}).arguments[0].text for value in (1, True, 1.0, "1")]
    assert texts == ["1", "true", "1.0", "1"]


def test_the_order_of_variables_is_that_of_the_entry():
    one, other = {"A": "1", "B": "2"}, {"B": "2", "A": "1"}
    assert [variable.name for env in (one, other) for variable in read({"command": "serve", "env": env}).env] == ["A", "B", "B", "A"]
