from __future__ import annotations

import time

import pytest

from mcp_audit_gate.rules import paths, scope
from unit.rules.test_packages import entry

SERVER = "@modelcontextprotocol/server-filesystem@2026.8.31"
IMAGE = "acme/box@sha256:" + "0123456789abcdef" * 4


def found(check, *words, **more):
    """(pointer below the entry, value) of every hit."""
    return [(hit.place.pointer[2:], hit.value) for hit in check(entry(*words, **more))]


def _spelled(value):
    return " ".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/.",
        "/*",
        "/../",
        "C:\\",
        "C:/",
        "d:",
        "\\\\?\\C:\\",
        "/mnt/c",
        "/etc",
        "/etc/",
        "/var",
        "/root",
        "/home",
        "/Users",
        "~",
        "~/",
        "~/**",
        "~alice",
        "$HOME",
        "${HOME}",
        "${env:HOME}",
        "${userHome}",
        "{env:HOME}",
        "%USERPROFILE%",
        "/home/alice",
        "/Users/alice/",
        "/Users/${USER}",
        "C:\\Users",
        "C:\\Users\\alice",
        "/mnt/c/Users/alice",
        "/home/alice/..",
        "/home/alice/src/../..",
        "/usr/../",
        "~/src/..",
        "~/..",
        "$HOME/../",
        "../../../../../..",
        "./../../../../../",
        "file:///",
        "${ROOT:-/}",
        "${ROOT:-/home/alice}",
    ],
)
def test_a_whole_disk_or_home_is_too_broad_as_root_and_as_mount(path):
    assert [at for at, _ in found(scope.broad_path, "npx", "-y", SERVER, path)] == [("args", 2)]
    if not path.startswith(("\\", "file:", "../..", "d:")):
        assert [at for at, _ in found(scope.broad_path, "docker", "run", "-v", f"{path}:/data", IMAGE)] == [("args", 2)]


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "./",
        "./docs",
        "docs",
        "..",
        "../other",
        "../../..",
        "${workspaceFolder}",
        "${workspaceFolder}/docs",
        "$PWD",
        "$(pwd)",
        "~/docs",
        "$HOME/docs",
        "/home/alice/docs",
        "/home/alice/../alice/docs",
        "/srv/data",
        "/var/lib/data",
        "/usr/local/share",
        "/tmp/data",
        "/Users/your-username",
        "/Users/YOUR_USERNAME",
        "/Users/username",
        "/home/<user>",
        "/home/{user}",
        "/Users/Shared",
        "C:\\work",
        "C:\\Users\\alice\\docs",
        "/mnt/data",
        "${ROOT}",
        "${ROOT:-./docs}",
        "/home/linuxbrew",
    ],
)
def test_a_folder_the_workspace_and_a_placeholder_are_not_too_broad(path):
    assert found(scope.broad_path, "npx", "-y", SERVER, path) == []
    assert found(scope.broad_path, "docker", "run", "-v", f"{path}:/data", IMAGE) == []


@pytest.mark.parametrize(
    ("words", "at"),
    [
        (("uvx", "mcp-server-filesystem==1.0.0", "/"), 1),
        (("mcp-server-filesystem", "./docs", "/"), 1),
        (("python", "-m", "mcp_server_filesystem", "/"), 2),
        (("uv", "run", "mcp-server-filesystem", "/"), 2),
        (("node", "./vendor/server-filesystem/dist/index.js", "/"), 1),
        (("npx", "-y", "@acme/fs-mcp@1.0.0", "--root", "/"), 3),
        (("npx", "-y", "@acme/fs-mcp@1.0.0", "--root=/"), 2),
        (("npx", "-y", "@acme/fs-mcp@1.0.0", "--read-only", "/"), 3),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--allowed-dir", "/"), 3),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--allowed-dir=/"), 2),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--allowed-directories", "./docs", "~"), 4),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--allowed-paths", "./docs,/etc"), 3),
        (("docker", "run", "-v", "/:/host:ro", IMAGE), 2),
        (("docker", "run", "--volume=/:/host", IMAGE), 1),
        (("docker", "run", "-v/home/alice:/host", IMAGE), 1),
        (("docker", "run", "--mount", "type=bind,source=/,target=/host", IMAGE), 2),
        (("docker", "run", "--mount", "type=bind,src=$HOME,dst=/host,readonly", IMAGE), 2),
        (("docker", "run", "-itv", "/:/host", IMAGE), 2),
        (("podman", "run", "-v", "C:\\:/host", IMAGE), 2),
        (("cmd", "/c", "npx", "-y", SERVER, "C:\\"), 4),
    ],
    ids=_spelled,
)
def test_roots_and_mounts_are_read_by_flag_and_program(words, at):
    assert [pointer for pointer, _ in found(scope.broad_path, *words)] == [("args", at)]


@pytest.mark.parametrize(
    ("name", "value", "hits"),
    [
        ("MCP_FS_ROOTS", "/", 1),
        ("MCP_FS_ROOTS", "/srv/docs:/", 1),
        ("ALLOWED_DIRS", "./docs,/home", 1),
        ("ALLOWED_DIRS", '["./docs", "/"]', 1),
        ("ALLOWED_DIRECTORIES", "C:\\work;C:\\", 1),
        ("ALLOWED_DIRS", "/srv/docs:/srv/notes", 0),
        ("ALLOWED_DIRS", "C:\\work", 0),
        ("ALLOWED_DIRS", "${workspaceFolder}", 0),
        ("BLOCKED_DIRS", "/", 0),
        ("URL_PREFIX", "/", 0),
    ],
)
def test_variables_that_name_roots(name, value, hits):
    assert [at for at, _ in found(scope.broad_path, "npx", "-y", "@acme/docs-mcp@1.0.0", env={name: value})] == [("env", name)] * hits


@pytest.mark.parametrize(
    "words",
    [
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "/"),
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "--path", "/"),
        ("npx", "-y", "@acme/fs-mcp@1.0.0", "--url-prefix", "/"),
        ("npx", "-y", "@acme/fs-mcp@1.0.0", "--deny", "/"),
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "--allowed-dir", "./docs", "--base", "/"),
        ("docker", "run", "-v", "./data:/", IMAGE),
        ("docker", "run", "-v", "data:/data", IMAGE),
        ("docker", "run", "-v", "/data", IMAGE),
        ("docker", "run", "--mount", "type=volume,source=data,target=/", IMAGE),
        ("docker", "run", "--tmpfs", "/", IMAGE),
        ("docker", "run", "-w", "/", "-e", "ALLOWED_DIRS=/", IMAGE),
        ("docker", "run", "mcp/filesystem@sha256:" + "0" * 64, "/"),
        ("curl", "/"),
    ],
    ids=_spelled,
)
def test_prefixes_container_sides_volumes_and_other_servers_are_quiet(words):
    assert found(scope.broad_path, *words) == []


@pytest.mark.parametrize(
    ("words", "at", "segment"),
    [
        (("npx", "-y", SERVER, "~/.ssh"), 2, ".ssh"),
        (("npx", "-y", SERVER, "$HOME/.gnupg"), 2, ".gnupg"),
        (("npx", "-y", SERVER, "/home/alice/.aws"), 2, ".aws"),
        (("npx", "-y", SERVER, "~/.azure"), 2, ".azure"),
        (("npx", "-y", SERVER, "C:\\Users\\alice\\.kube"), 2, ".kube"),
        (("npx", "-y", SERVER, "~/.config/gcloud"), 2, ".config/gcloud"),
        (("npx", "-y", SERVER, "~/.docker/config.json"), 2, ".docker/config.json"),
        (("npx", "-y", SERVER, "~/.netrc"), 2, ".netrc"),
        (("npx", "-y", SERVER, "~/.npmrc"), 2, ".npmrc"),
        (("npx", "-y", SERVER, "~/.pypirc"), 2, ".pypirc"),
        (("npx", "-y", SERVER, "~/.password-store/work"), 2, ".password-store"),
        (("npx", "-y", SERVER, "~/Library/Keychains"), 2, "library/keychains"),
        (("npx", "-y", SERVER, "~/Library/Application Support/Google/Chrome"), 2, "application support/google/chrome"),
        (("npx", "-y", SERVER, "C:\\Users\\alice\\AppData\\Local\\Google\\Chrome\\User Data"), 2, "google/chrome/user data"),
        (("npx", "-y", SERVER, "/proc"), 2, "/proc"),
        (("npx", "-y", SERVER, "/proc/self"), 2, "/proc"),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--key", "~/.ssh/id_rsa"), 3, "id_rsa"),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--key=keys/id_ed25519"), 2, "id_ed25519"),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "./.env"), 2, ".env"),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--read", "~/.aws/credentials"), 3, ".aws"),
        (("npx", "-y", "@acme/docs-mcp@1.0.0", "--allowed-dir", "~/.ssh"), 3, ".ssh"),
        (("docker", "run", "-v", "~/.ssh:/root/.ssh:ro", IMAGE), 2, ".ssh"),
        (("docker", "run", "-v", "${HOME}/.kube/config:/kube:ro", IMAGE), 2, ".kube"),
        (("docker", "run", "-v", "~/.aws:/root/.aws", "acme/aws-mcp@sha256:" + "0" * 64), 2, ".aws"),
        (("docker", "run", "--mount", "type=bind,source=/home/alice/.aws,target=/aws,readonly", IMAGE), 2, ".aws"),
        (("docker", "run", "-v", "./.env:/app/.env", IMAGE), 2, ".env"),
        (("docker", "run", "-v", "/proc:/host/proc:ro", IMAGE), 2, "/proc"),
    ],
    ids=_spelled,
)
def test_a_credential_store_is_sensitive_as_root_mount_and_file(words, at, segment):
    assert found(scope.sensitive_path, *words) == [(("args", at), segment)]
    assert found(scope.broad_path, *words) == []


@pytest.mark.parametrize(
    "words",
    [
        ("uvx", "awslabs.aws-api-mcp-server==1.0.0"),
        ("uvx", "--from", "awslabs.aws-api-mcp-server==1.0.0", "awslabs.aws-api-mcp-server"),
        ("npx", "-y", "mcp-remote@0.1.37", "https://host.api.aws/mcp"),
        ("npx", "-y", "mcp-remote@0.1.37", "https://host.example.com/.ssh/id_rsa"),
        ("npx", "-y", SERVER, "./docs.ssh", "./my.aws", "./.sshfs", "./id_rsa_docs"),
        ("npx", "-y", SERVER, "~/.ssh/id_rsa.pub"),
        ("npx", "-y", SERVER, "./.env.example", "./.env.sample"),
        ("npx", "-y", SERVER, "./.env/lib"),
        ("npx", "-y", SERVER, "/srv/proc"),
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "--kubeconfig", "~/.kube/config"),
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "--env-file", ".env"),
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "--exclude", ".env", "--deny=~/.ssh"),
        ("npx", "-y", "@acme/ssh-mcp@1.0.0", "--key=~/.ssh/id_ed25519"),
        ("ssh", "-i", "~/.ssh/id_ed25519", "host.example.com"),
        ("docker", "run", "-v", "~/.aws:/root/.aws:ro", "acme/aws-mcp@sha256:" + "0" * 64),
        ("docker", "run", "-v", "~/.kube/config:/kube:ro", "acme/kubernetes-mcp@sha256:" + "0" * 64),
        ("docker", "run", "-v", "./data:/root/.ssh", IMAGE),
        ("docker", "run", "--env-file", ".env", IMAGE),
        ("docker", "run", IMAGE, "--key", "/root/.ssh/id_rsa"),
        ("node", "--env-file=.env", "server.js"),
        ("npx", "-y", "@acme/docs-mcp@1.0.0", "Never read .env or ~/.ssh"),
    ],
    ids=_spelled,
)
def test_names_that_only_look_alike_and_own_credentials_are_quiet(words):
    assert found(scope.sensitive_path, *words) == []


def test_variables_that_locate_the_servers_own_credentials_are_quiet():
    env = {
        "KUBECONFIG": "~/.kube/config",
        "GOOGLE_APPLICATION_CREDENTIALS": "~/.config/gcloud/key.json",
        "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    }
    assert found(scope.sensitive_path, "npx", "-y", "@acme/docs-mcp@1.0.0", env=env) == []
    assert found(scope.sensitive_path, "npx", "-y", "@acme/docs-mcp@1.0.0", env={"ALLOWED_DIRS": "./docs,~/.ssh"}) == [
        (("env", "ALLOWED_DIRS"), ".ssh")
    ]


@pytest.mark.parametrize(
    ("words", "env", "hits"),
    [
        (("npx", "-y", "@acme/data-mcp@1.0.0", "--allow-write"), {}, [("args", 2)]),
        (("npx", "-y", "@acme/data-mcp@1.0.0", "--read-write=true"), {}, [("args", 2)]),
        (("npx", "-y", "@acme/data-mcp@1.0.0", "--allow-write=false"), {}, []),
        (("npx", "-y", "@acme/data-mcp@1.0.0"), {"READ_ONLY": "false"}, [("env", "READ_ONLY")]),
        (("npx", "-y", "@acme/data-mcp@1.0.0"), {"DATA_MCP_READONLY": "0"}, [("env", "DATA_MCP_READONLY")]),
        (("npx", "-y", "@acme/data-mcp@1.0.0"), {"ALLOW_DELETE_OPERATION": "true"}, [("env", "ALLOW_DELETE_OPERATION")]),
        (("npx", "-y", "@acme/data-mcp@1.0.0"), {"ALLOW_DELETE_OPERATION": "false", "READ_ONLY": "true"}, []),
        (("npx", "-y", "@acme/data-mcp@1.0.0"), {"READ_ONLY": "${READ_ONLY}", "THREAD_ONLY": "false", "OVERWRITE": "true"}, []),
        (("deno", "run", "--allow-write=./data", "npm:@acme/data-mcp@1.0.0"), {}, []),
        (("docker", "run", "-e", "READ_ONLY=false", IMAGE), {}, []),
    ],
    ids=_spelled,
)
def test_switches_that_turn_writing_on(words, env, hits):
    assert [at for at, _ in found(scope.write_enabled, *words, env=env)] == hits


def test_messages_name_server_field_and_what_it_gets():
    [broad] = scope.broad_path(entry("npx", "-y", SERVER, "/Users/alice"))
    assert broad.message == 'Server "docs" may reach a whole home of the machine that runs it (args[2]).'
    [mount] = scope.broad_path(entry("docker", "run", "-v", "/etc:/x", IMAGE))
    assert mount.message == 'Server "docs" mounts the whole folder /etc of the machine that runs it (args[2]).'
    [sensitive] = scope.sensitive_path(entry("npx", "-y", SERVER, "/Users/alice/.ssh"))
    assert sensitive.message == 'Server "docs" is given SSH keys (.ssh in args[2]).'


def test_the_gates_before_the_table_let_everything_in_it_pass():
    lists = paths.table()
    stores = [*lists["sensitive"]["anywhere"], *lists["sensitive"]["last"]]
    assert all(any(part in store for part in paths.STORES_HOLD) for store in stores)
    assert all(any(part in name for part in paths.VARIABLES_HOLD) for name in lists["root_variables"])
    assert all(paths.FLAGS_HOLD in flag for flag in lists["root_flags"])
    assert all(any(part in word for part in paths.FILESYSTEM_WORDS_HOLD) for word in lists["filesystem_words"])
    assert all(scope.FLAGS_SAY in flag for flag in lists["write_flags"])
    assert all(any(part in name for part in scope.VARIABLES_SAY) for name in lists["write_variables"] + lists["readonly_variables"])


def test_the_table_is_in_lower_case_and_its_services_belong_to_stores():
    lists = paths.table()
    stores = lists["sensitive"]["anywhere"] | lists["sensitive"]["last"]
    assert all(store == store.lower() for store in stores)
    assert set(lists["services"]) <= set(stores.values())


@pytest.mark.parametrize("check", [rule.check for rule in scope.RULES], ids=lambda check: check.__name__)
@pytest.mark.parametrize("piece", ["/", "../", "a/", ":", "${", "~", ".ssh/", "C:", ",", "=", "%HOME%", "$HOME"])
def test_hostile_paths_take_no_time(check, piece):
    text = piece * (100_000 // len(piece))
    entries = [
        entry("npx", SERVER, text),
        entry("docker", "run", "-v", text, IMAGE),
        entry("npx", "x", "--allowed-dir", text, env={"ALLOWED_DIRS": text}),
    ]
    start = time.process_time()
    for one in entries:
        list(check(one))
    assert time.process_time() - start < 0.5
