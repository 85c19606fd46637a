from __future__ import annotations

import json
import time

import pytest
from fakes import base64_url, random, token
from hypothesis import given
from hypothesis import strategies as st

from mcp_audit_gate.metadata import credentials, formats, placeholders
from mcp_audit_gate.metadata.credentials import (
    is_placeholder,
    is_reference,
    is_secret_name,
    judge,
    judge_all,
    mask,
    masked_args,
    masked_url,
    masked_value,
    secret_spans,
    without_references,
)
from mcp_audit_gate.sources.parse import parse

GITHUB, RANDOM, SHORT, HEX = token("github"), token("random32"), token("random22"), token("hex32")
LITERAL, PROBABLE, IN_URL = "literal-secret", "probable-secret", "credential-in-url"


def rules(text, name=None):
    return [found.rule for found in judge(text, name)]


# ------------------------------------------------------------------------------------------- references and placeholders


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("${VAR}", ""),
        ("$VAR", ""),
        ("${env:VAR}", ""),
        ("{env:VAR}", ""),
        ("${input:api-token}", ""),
        ("${{ secrets.X }}", ""),
        ("{{placeholder}}", ""),
        ("%API_TOKEN%", ""),
        ("${user_config.x}", ""),
        ("{file:./token.txt}", ""),
        ("$(pass show docs)", ""),
        ("$env:TOKEN", ""),
        ("${VAR:-}", ""),
        ("${VAR:-default}", "default"),
        ("${env:VAR:-default}", "default"),
        ("${A:-${B:-inner}}", "inner"),
        ("Bearer ${VAR}", "Bearer "),
        ("${A}-${B}", "-"),
        ("plain", "plain"),
        ("pa$$word", "pa$$word"),
        ("a$Bc9", "a$Bc9"),
        ("100%", "100%"),
        ("%2F%20x", "%2F%20x"),
        ("${unclosed", "${unclosed"),
        ("{}", "{}"),
    ],
)
def test_without_references(text, literal):
    assert without_references(text) == literal
    assert is_reference(text) == (literal == "")


@pytest.mark.parametrize("text", ["op://vault/item/field", "vault:secret/data/docs#token", "  ${VAR} "])
def test_is_reference(text):
    assert is_reference(text)


@pytest.mark.parametrize("text", ["", "Bearer ${VAR}", "\0", "optional", "a"])
def test_is_no_reference(text):
    assert not is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "YOUR_API_KEY",
            "your-token-here",
            "<token>",
            "{{token}}",
            "xxxx",
            "XXXXXXXX",
            "changeme",
            "REPLACE_ME",
            "example",
            "dummy",
            "REDACTED",
        ),
        *(
            "FAKE0123abc",
            "aaaaaaaa",
            "********",
            "...",
            "sk-…",
            "xoxb-your-bot-token",
            "[your key]",
            "AKIA" + "IOSFODNN7EXAMPLE",
            "xoxb-<your-token>",
        ),
    ],
)
def test_is_placeholder(text):
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["hunter2", "postgres", GITHUB, RANDOM, HEX, "correct horse"])
def test_is_no_placeholder(text):
    assert not is_placeholder(text)


# ------------------------------------------------------------------------------------------------------- vendors' formats

FORMATS = {
    "github": "GitHub token",
    "github-app": "GitHub token",
    "github-fine": "GitHub token",
    "gitlab": "GitLab token",
    "anthropic": "Anthropic key",
    "openai": "OpenAI key",
    "google": "Google API key",
    "slack": "Slack token",
    "npm": "npm token",
    "pypi": "PyPI token",
    "sendgrid": "SendGrid key",
    "stripe": "Stripe key",
    "huggingface": "Hugging Face token",
    "digitalocean": "DigitalOcean token",
    "jwt": "signed token (JWT)",
}


@pytest.mark.parametrize(
    "shape", ["{}", "Bearer {}", "--token={}", "https://mcp.example.com/v1?access={}", "${{TOKEN:-{}}}", 'curl -H "X: {}"', " {}\n"]
)
@pytest.mark.parametrize("kind", FORMATS)
def test_format_is_found_anywhere_in_a_string(kind, shape):
    value = token(kind)
    assert judge(shape.format(value)) == (
        credentials.Credential(
            FORMATS[kind], LITERAL, shape.format(value).index(value), shape.format(value).index(value) + len(value), len(value), value
        ),
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_random_key_is_taken_for_a_placeholder(seed):
    for kind in FORMATS:
        assert rules(token(kind, seed)) == [LITERAL], kind
    for kind in ("random32", "random22", "hex32"):
        assert rules(token(kind, seed), "API_TOKEN") == [PROBABLE], kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("gh" + "s_" + random(30) + "." + random(60) + "." + random(43), "GitHub installation token"),
        ("gh" + "r_" + random(76), "GitHub token"),
        ("glp" + "at-" + random(40) + ".01." + "0w1a2b3c4", "GitLab token"),
        ("sk-" + random(20) + "T3Blbk" + "FJ" + random(20, 2), "OpenAI key"),
        (
            "xo" + "xp-" + "-".join((random(12, 1, "123456789"), random(12, 2, "123456789"), random(13, 3, "123456789"), token("hex32"))),
            "Slack token",
        ),
        (
            "xa" + "pp-1-A" + random(10, 1, "ABCDEFGH123") + "-" + random(13, 2, "123456789") + "-" + random(64, 3, "0123456789abcdef"),
            "Slack app token",
        ),
        ("https://hooks.slack.com/services/T" + random(10) + "/B" + random(10) + "/" + random(24), "Slack webhook"),
        ("GOCS" + "PX-" + random(28), "Google client secret"),
        (token("private-key"), "private key"),
        (token("private-key").replace("\\n", "\n").replace("PRIVATE", "OPENSSH PRIVATE"), "private key"),
        (token("private-key").replace("\\n", "\n").partition("-----END")[0], "private key"),
        (
            "PuTTY-User-Key-File-3: ssh-rsa\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 2\n" + random(64) + "\n" + random(64, 1) + "\nPrivate-MAC: ab",
            "PuTTY private key",
        ),
        ("https://x.example.com/?config=" + base64_url(json.dumps({"t": GITHUB})), "GitHub token in base64"),
        ("AK" + "IA" + random(16, 1, "ABCDEFGHIJ234567") + ":" + token("aws-secret"), "AWS secret access key"),
    ],
    ids=lambda value: value[:6] if "_" in value[:6] else value.replace(" ", "-") if len(value) < 30 else "",
)
def test_other_formats(text, kind):
    assert [found.kind for found in judge(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(token("github-wrong"), id="wrong checksum"),
        pytest.param(GITHUB[:-1] + ("0" if GITHUB[-1] != "0" else "1"), id="one digit off"),
        pytest.param(GITHUB + "a", id="too long"),
        pytest.param(GITHUB[:-1], id="too short"),
        pytest.param("x" + token("google"), id="in the middle of a word"),
        pytest.param("gh" + "p_" + "x" * 36, id="one letter"),
        pytest.param("gh" + "p_" + "FAKE" * 9, id="FAKE"),
        pytest.param(token("github-typed"), id="counting"),
        pytest.param("glp" + "at-your-personal-access-token", id="words"),
        pytest.param("glp" + "at-personal_access_token_", id="other words"),
        pytest.param(token("aws-id"), id="AWS id"),
        pytest.param(token("aws-secret"), id="AWS secret without a name"),
        pytest.param(token("stripe-public"), id="publishable"),
        pytest.param(token("jwt-anon"), id="anon"),
        pytest.param(base64_url('{"alg":"none"}') + "." + base64_url('{"sub":"9021"}') + "." + random(43), id="unsigned"),
        pytest.param(base64_url("[1,2,3,4,5,6,7]") + "." + base64_url('{"sub":"9021"}') + "." + random(43), id="no JWT"),
        pytest.param(
            "eyJhbGciOiJIUzI1NiJ9." + base64_url('{"sub":"1234567890"}') + "." + "SflKxwRJSMeKKF2QT4fw" + "pMeJf36POk6yJV_adQssw5c", id="jwt.io"
        ),
        pytest.param("-----BEGIN " + "PRIVATE KEY-----\n...\n-----END " + "PRIVATE KEY-----", id="elided key"),
        pytest.param("-----BEGIN PUBLIC KEY-----\n" + random(200) + "\n-----END PUBLIC KEY-----", id="public key"),
        pytest.param(
            "the block after -----BEGIN " + "PRIVATE KEY----- holds the key and must never be committed to a repository or sent by mail", id="prose"
        ),
        pytest.param(HEX, id="hexadecimal without a name"),
    ],
)
def test_no_credential_by_form(text):
    assert judge(text, "UPSTREAM") == ()


def test_an_aws_secret_counts_under_its_name():
    for name in ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key", "secretAccessKey", "AWS_SECRET"):
        assert [(found.kind, found.rule) for found in judge(token("aws-secret"), name)] == [("AWS secret access key", LITERAL)]


def test_an_aws_secret_counts_beside_its_id():
    value = {"env": {"FIRST": token("aws-id"), "SECOND": token("aws-secret"), "THIRD": "info"}}
    assert [(text.at, found[0].rule) for text, found in judge_all(value)] == [(("env", "SECOND"), LITERAL)]
    assert judge_all({"env": {"SECOND": token("aws-secret")}}) == []


def test_the_gates_in_code_are_those_of_the_data_file():
    gates = {gate for row in placeholders.data_file()["formats"] for gate in row["gates"]}
    assert gates | {"PRIVATE KEY", "PuTTY-User-Key", "AKIA"} == set(formats.GATES)


def test_every_row_of_the_data_file_matches_something_known():
    """A row that nothing here matches would be untested."""
    known = [token(kind) for kind in FORMATS] + [text for mark in test_other_formats.pytestmark for text, _ in mark.args[1]]
    known += ["xo" + "xe.xoxp-1-" + random(163), "xo" + "xd-" + random(60), "api_" + "org_" + random(34, 1, "abcdefghijklmnopqrstuvwxyz")]
    for row in placeholders.data_file()["formats"]:
        assert any(found.kind == row["kind"] and any(gate in text for gate in row["gates"]) for text in known for found in formats.find(text)), row[
            "pattern"
        ]


# ------------------------------------------------------------------------------------------------------ names and randomness


@pytest.mark.parametrize(
    "name",
    [
        *("API_TOKEN", "token", "apiKey", "APIKEY", "OPENAI_API_KEY", "CLIENT_SECRET", "clientSecret", "DB_PASSWORD", "PASSWD", "AWS_ACCESS_KEY"),
        *(
            "PRIVATE_KEY",
            "SESSION_COOKIE",
            "Authorization",
            "Proxy-Authorization",
            "X-API-Key",
            "x-goog-api-key",
            "X-Auth-Key",
            "xi-api-key",
            "CREDENTIAL",
        ),
        *("--token", "--api-key", "--key", "--bearer", "-token", "GITHUB_TOKEN_2", "TOKEN_PROD", "X-Auth-Token", "JWT_SECRET_KEY", "--auth"),
    ],
)
def test_secret_names(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "MAX_TOKENS",
            "DEFAULT_MINIMUM_TOKENS",
            "TOKENIZERS_PARALLELISM",
            "YOUTUBE_TOKEN_PATH",
            "AWS_ACCESS_KEY_ID",
            "AUTH_TYPE",
            "GITHUB_CLIENT_ID",
        ),
        *(
            "TOKEN_URL",
            "secretName",
            "password-file",
            "bearer_token_env_var",
            "bearerTokenEnvVar",
            "KEY",
            "MONKEY",
            "KEYBOARD",
            "PASSENGER",
            "author",
        ),
        *(
            "STRIPE_PUBLISHABLE_API_KEY",
            "TOKEN_EXPIRY",
            "apiKeyHelper",
            "--token-file",
            "--author",
            "--keyword",
            "SECRET_SHA256",
            "",
            "_",
            "env_keys",
            "AUTH_USER",
        ),
    ],
)
def test_other_names(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("API_TOKEN", RANDOM),
        ("API_TOKEN", HEX),
        ("API_TOKEN", f"  {RANDOM} "),
        ("API_TOKEN", "${API_TOKEN:-" + RANDOM + "}"),
        ("Authorization", f"Bearer {RANDOM}"),
        ("Authorization", RANDOM),
        ("Authorization", f"Basic {base64_url('deploy:' + SHORT)}"),
        ("Authorization", f"Basic {base64_url('deploy:' + SHORT)}=="),
        ("API_TOKEN", SHORT + "="),
        ("Authorization", f'Digest username="deploy", response="{HEX}"'),
        ("X-API-Key", HEX),
        ("API_KEY", "acme-" + "4d5f9b898fe6" + "6d2a2d17"),
        ("API_KEY", "acme_live_" + "4d5f9b898fe6" + "6d2a2d17"),
        ("Cookie", f"theme=dark; session={RANDOM}"),
        ("--token", RANDOM),
        ("--key", "b7c1f03e-4a86-4d92-9e15-c80f2a6d7b34"),
        ("GITHUB_TOKEN", token("github-wrong")),
        (None, f"--token={RANDOM}"),
        (None, f"API_KEY={RANDOM}"),
        (None, f"Authorization: Bearer {RANDOM}"),
        (None, f"Authorization:{RANDOM}"),
        (None, f"env LOG=info API_KEY={RANDOM} node server.js"),
        (None, f'{{"Authorization": "Bearer {RANDOM}"}}'),
        (None, f"note: token={RANDOM}"),
        (None, f"--note=x password: '{SHORT}'"),
    ],
)
def test_probable_secret(name, text):
    assert rules(text, name) == [PROBABLE]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("API_TOKEN", RANDOM[:15]),
        ("API_TOKEN", "aabbaabbaabbaabb1"),
        ("API_TOKEN", "acme-00000000aaaa1111"),
        ("API_TOKEN", "dev-token-deadbeef"),
        ("API_TOKEN", "${API_TOKEN}"),
        ("API_TOKEN", "COPILOT_MCP_DOCS_API_KEY"),
        ("API_TOKEN", "/run/secrets/docs_token_v2"),
        ("API_TOKEN", "../config/secrets/Docs-2026.json"),
        ("API_TOKEN", "C:\\Users\\Public\\keys\\Deploy01.pem"),
        ("API_TOKEN", "https://vault.example.com/v1/secret/docs/A7x"),
        ("API_TOKEN", "1234567890123456789"),
        ("API_TOKEN", "2026-01-01 00:00:00.000"),
        ("API_TOKEN", "sha256:" + HEX + HEX),
        ("API_TOKEN", "true"),
        ("API_TOKEN", "default-credential"),
        ("API_TOKEN", "local-development-token"),
        ("API_TOKEN", "SuperSecretPassword123"),
        ("API_TOKEN", "supersecretjwtkey2024"),
        ("API_TOKEN", "a token for the docs server, ask the platform team"),
        ("API_TOKEN", token("stripe-public")),
        ("API_TOKEN", token("jwt-anon")),
        ("API_TOKEN", "00000000-0000-0000-0000-000000000000"),
        ("API_TOKEN", "12345678-1234-1234-1234-123456789012"),
        ("Authorization", "Bearer ${API_TOKEN}"),
        ("Authorization", "Bearer <your token>"),
        ("Authorization", f"Basic {base64_url('username:password')}"),
        ("WORKSPACE", RANDOM),
        ("TOKEN_FILE", RANDOM),
        (None, RANDOM),
        (None, f"--project={RANDOM}"),
        (None, f"mcp/time@sha256:{HEX}{HEX}"),
        (None, "--token=${TOKEN}"),
        (None, "Authorization: Bearer ${TOKEN_OF_THE_DOCS_SERVER}"),
    ],
)
def test_no_probable_secret(name, text):
    assert judge(text, name) == ()


# ---------------------------------------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"https://deploy:{SHORT}@mcp.example.com/v1", SHORT),
        (f"postgresql://app:{SHORT}@db.example.com:5432/app?sslmode=require", SHORT),
        (f"redis://:{SHORT}@10.0.0.7:6379", SHORT),
        (f"--url=https://deploy:{SHORT}@mcp.example.com/v1", SHORT),
        (f"postgres://app:{SHORT}@localhost/app", SHORT),
        ("postgres://postgres:postgres@db.example.com/app", "postgres"),
        ("https://deploy:hunter2@mcp.example.com", "hunter2"),
        (f"mongodb://app:{SHORT}@one.example.com,two.example.com/app", SHORT),
        (f"${{URL:-https://deploy:{SHORT}@mcp.example.com}}", SHORT),
        ("https://mcp.example.com/?key=12345678", "12345678"),
        (f"https://mcp.example.com/?a=1&api_key={SHORT}&b=2", SHORT),
        (f"https://mcp.example.com/#access_token={SHORT}", SHORT),
        (f"https://mcp.example.com/?exaApiKey={SHORT}", SHORT),
        (f"jdbc:sqlserver://db.example.com;user=app;password={SHORT};encrypt=true", SHORT),
    ],
)
def test_credential_in_url(text, value):
    assert [(found.rule, found.value, text[found.start : found.end]) for found in judge(text)] == [(IN_URL, value, value)]


@pytest.mark.parametrize(
    "text",
    [
        "https://git@github.com/acme/docs",
        "ssh://git@github.com:22/acme/docs",
        "git@github.com:acme/docs.git",
        "https://deploy@git.example.com",
        "https://deploy:@git.example.com",
        "https://deploy:${PASSWORD}@git.example.com",
        "https://${USER}:${PASSWORD:-}@git.example.com",
        "postgres://app:${input:db-password}@db.example.com",
        "postgres://postgres:postgres@localhost:5432/app",
        "postgres://app:app@[::1]/app",
        "mysql://root:root@127.0.0.1/app",
        "amqp://guest:guest@rabbitmq:5672",
        "postgresql://user:password@db.example.com/app",
        "https://user:pass@mcp.example.com",
        "postgres://app:<password>@db.example.com/app",
        "postgres://app:YOUR_PASSWORD@db.example.com/app",
        "https://mcp.example.com/?project_ref=h2vq8ztw0xlmb4vhsyc7",
        "https://mcp.example.com/?features=docs,database&experimental=1&agent=cursor",
        "https://mcp.example.com/?token=short",
        "https://mcp.example.com/?token=${TOKEN_OF_DOCS}",
        "https://mcp.example.com/?api_key=YOUR_API_KEY",
        "https://mcp.example.com/@acme/docs:latest",
        "@acme/docs@1.0.0",
    ],
)
def test_no_credential_in_url(text):
    assert judge(text) == ()


def test_of_two_that_overlap_the_narrower_stands():
    assert rules(f"https://mcp.example.com/?token={GITHUB}") == [LITERAL]
    assert rules(f"https://token:{RANDOM}@mcp.example.com/") == [IN_URL]
    assert rules(f"https://deploy:{SHORT}@mcp.example.com/?key={token('google')}") == [IN_URL, LITERAL]


# ------------------------------------------------------------------------------------------------------------------- masking


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("LOG", "info", "info"),
        ("TOKEN", "${TOKEN}", "${TOKEN}"),
        ("TOKEN", "YOUR_TOKEN", "YOUR_TOKEN"),
        ("TOKEN", "<secret>", "<secret>"),
        ("UPSTREAM", GITHUB, "<secret>"),
        ("UPSTREAM", token("github-wrong"), "<secret>"),
        ("UPSTREAM", token("aws-secret"), "<secret>"),
        ("Authorization", f"Bearer {GITHUB}", "<secret>"),
        ("Authorization", "Bearer hunter2", "<secret>"),
        ("Authorization", "Bearer ${TOKEN}", "Bearer ${TOKEN}"),
        ("TOKEN", "${TOKEN:-hunter2}", "<secret>"),
        ("DB_PASSWORD", "hunter2", "<secret>"),
        ("DB_PASSWORD", "12345678", "<secret>"),
        ("DB_PASS", "correct horse battery", "<secret>"),
        ("DB_PASSWORD", "abc", "abc"),
        ("MAX_TOKENS", "40960000", "40960000"),
        ("TOKEN_FILE", "/run/secrets/token", "/run/secrets/token"),
        ("API_KEY", "/run/secrets/token", "/run/secrets/token"),
        ("USE_TOKEN", "false", "false"),
        ("DATABASE_URL", f"postgres://app:{SHORT}@db.example.com/app", "postgres://<secret>@db.example.com/app"),
        ("DATABASE_URL", "postgres://postgres:postgres@localhost/app", "postgres://postgres:postgres@localhost/app"),
        ("HEADERS", f'{{"Authorization": "Bearer {RANDOM}"}}', "<secret>"),
    ],
)
def test_masked_value(name, value, masked):
    assert masked_value(name, value) == masked


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (f"https://deploy:{SHORT}@mcp.example.com/v1?a=1", "https://<secret>@mcp.example.com/v1?a=1"),
        (f"https://{GITHUB}@mcp.example.com/v1", "https://<secret>@mcp.example.com/v1"),
        (f"https://mcp.example.com/v1?a=1&api_key={SHORT}&b=2", "https://mcp.example.com/v1?a=1&api_key=<secret>&b=2"),
        (f"https://mcp.example.com/{GITHUB}/v1", "https://mcp.example.com/<secret>/v1"),
        (f"https://a:{SHORT}@mcp.example.com/?key={token('google')}", "https://<secret>@mcp.example.com/?key=<secret>"),
        ("https://deploy:${PASSWORD}@mcp.example.com/v1?key=${KEY}", "https://deploy:${PASSWORD}@mcp.example.com/v1?key=${KEY}"),
        ("https://mcp.example.com/v1?project_ref=h2vq8ztw0xlmb4vhsyc7", "https://mcp.example.com/v1?project_ref=h2vq8ztw0xlmb4vhsyc7"),
    ],
)
def test_masked_url(url, masked):
    assert masked_url(url) == masked


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (["-y", "docs", "--token", GITHUB], ["-y", "docs", "--token", "<secret>"]),
        (["--token", "hunter2", "--port", "8080"], ["--token", "<secret>", "--port", "8080"]),
        ([f"--token={GITHUB}"], ["--token=<secret>"]),
        (["--password=hunter2"], ["--password=<secret>"]),
        (["-e", f"API_KEY={RANDOM}"], ["-e", "API_KEY=<secret>"]),
        (["-H", f"Authorization: Bearer {RANDOM}"], ["-H", "Authorization: <secret>"]),
        (["--header", "Authorization:${AUTH}"], ["--header", "Authorization:${AUTH}"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["--max-tokens", "40960000"], ["--max-tokens", "40960000"]),
        (["--url", f"https://a:{SHORT}@x.example.com/"], ["--url", "https://<secret>@x.example.com/"]),
        ([f"--url=https://x.example.com/?api_key={SHORT}"], ["--url=https://x.example.com/?api_key=<secret>"]),
        ([GITHUB], ["<secret>"]),
        (["-c", f"curl -H 'Authorization: Bearer {RANDOM}' x"], ["-c", "curl -H 'Authorization: Bearer <secret>' x"]),
        (["run", "--rm", "ghcr.io/acme/box@sha256:" + HEX * 2], ["run", "--rm", "ghcr.io/acme/box@sha256:" + HEX * 2]),
    ],
)
def test_masked_args(words, masked):
    assert masked_args(words) == masked


def shown(path, text, syntax="json"):
    """The text with each masked span as ***, for every document in the file the same."""
    (document,) = parse(path, text.encode(), syntax)
    spans = secret_spans(document)
    assert list(spans) == sorted(spans)
    for start, end in reversed(spans):
        text = text[:start] + "***" + text[end:]
    return text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(f'{{"env": {{"T": "{GITHUB}"}}}}', '{"env": {"T": "***"}}', id="value"),
        pytest.param(f'{{"a": "x {GITHUB} y"}}', '{"a": "x *** y"}', id="part of a value"),
        pytest.param(f'{{"a": "\\u0067\\u0068p_{GITHUB[4:]}"}}', '{"a": "***"}', id="escaped"),
        pytest.param(f'{{"a": "line\\n{GITHUB}"}}', '{"a": "***"}', id="escape before it"),
        pytest.param(f'{{"env": {{"T": "{GITHUB}", "T": "x"}}}}', '{"env": {"T": "***", "T": "x"}}', id="repeated key"),
        pytest.param(
            '{"env": {"TOKEN": "first-secret", "TOKEN": "hunter2"}}', '{"env": {"TOKEN": "***", "TOKEN": "***"}}', id="each of repeated keys"
        ),
        pytest.param(f'// {GITHUB}\n{{"a": 1 /* API_KEY: "{RANDOM}" */}}', '// ***\n{"a": 1 /* API_KEY: "***" */}', id="comments"),
        pytest.param('{"args": ["--token", "hunter2", "x"]}', '{"args": ["--token", "***", "x"]}', id="after a flag"),
        pytest.param('{"password": "hun\\"ter2"}', '{"password": "***"}', id="quote in a password"),
        pytest.param('{"password": 12345678}', '{"password": ***}', id="number"),
        pytest.param('{"MAX_TOKENS": 12345678, "a": [true, null]}', '{"MAX_TOKENS": 12345678, "a": [true, null]}', id="other number"),
        pytest.param(
            '{"inputs": [{"id": "db-password", "default": "hunter2"}]}', '{"inputs": [{"id": "db-password", "default": "***"}]}', id="default"
        ),
        pytest.param(f'{{"url": "https://a:{SHORT}@x.example.com/"}}', '{"url": "https://a:***@x.example.com/"}', id="URL"),
        pytest.param(f'{{"{GITHUB}": 1}}', '{"***": 1}', id="key"),
        pytest.param(f'{{"a": "{token("private-key")}"}}', '{"a": "***"}', id="private key"),
        pytest.param(f'{{"h": "{{\\"Authorization\\": \\"Bearer {RANDOM}\\"}}"}}', '{"h": "***"}', id="JSON in JSON"),
        pytest.param('{"env": {"TOKEN": "${TOKEN}", "KEY": "YOUR_KEY"}}', '{"env": {"TOKEN": "${TOKEN}", "KEY": "YOUR_KEY"}}', id="nothing"),
    ],
)
def test_secret_spans(text, masked):
    assert shown(".vscode/mcp.json", text) == masked


def test_secret_spans_of_yaml_and_toml():
    key = token("private-key").replace("\\n", "\n    ").strip()
    text = f"a: {GITHUB}  # {GITHUB}\npassword: >-\n  hunter2\n  hunter3\nkey: |\n    {key}\nlist: ['--token', 'it''s me']\n"
    assert shown("librechat.yaml", text, "yaml") == "a: ***  # ***\npassword: ***\nkey: ***\nlist: ['--token', '***']\n"
    assert shown(".codex/config.toml", f"a = '{GITHUB}'\npassword = \"hun\\u0074er2\"\n", "toml") == "a = '***'\npassword = \"***\"\n"


def test_a_masked_text_shows_no_part_of_a_secret():
    for kind in (*FORMATS, "private-key", "random32"):
        value = token(kind)
        for text in (value, f"Bearer {value}", f"--token={value}", f"https://u:{value}@h.example.com/?key={value}"):
            hidden = masked_value("API_TOKEN", text)
            assert not any(value[at : at + 12] in hidden for at in range(len(value) - 12)), (kind, text[:10])


@given(
    st.text(alphabet=st.sampled_from("ab:=/@?&${}%-_ token.https\0\\\"'<>"), max_size=60),
    st.sampled_from([None, "API_TOKEN", "Authorization", "LOG"]),
)
def test_any_text(text, name):
    for found in (*judge(text, name), *credentials._hidden(text, name)):
        assert 0 <= found.start < found.end <= len(text)
        assert found.value.replace("\0", "") in text.replace("\0", "") or "$" in text or "{" in text or "%" in text
    assert len(placeholders.blank(text)) == len(text)
    assert isinstance(mask(text, name), str)


# --------------------------------------------------------------------------------------------------------------------- cost

CLEAN = {
    "files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "./docs"]},
    "time": {"command": "docker", "args": ["run", "-i", "--rm", "--network=none", "mcp/time@sha256:" + "4b1d" * 16]},
    "tracker": {"type": "http", "url": "https://mcp.example.com/mcp", "headers": {"Authorization": "Bearer ${TRACKER_TOKEN}"}},
}


def test_a_clean_config_does_not_load_the_tables():
    placeholders.data_file.cache_clear()
    assert judge_all(CLEAN) == []
    assert [masked_value("Authorization", "Bearer ${TRACKER_TOKEN}"), *masked_args(["run", "-i", "--rm"])] == [
        "Bearer ${TRACKER_TOKEN}",
        "run",
        "-i",
        "--rm",
    ]
    assert placeholders.data_file.cache_info().currsize == 0


SIZE = 100_000
PIECES = (
    "a",
    "token=",
    "token: ",
    "${",
    "${a:",
    "${a:-",
    ":a",
    "{{",
    "$(",
    "%aaa",
    "eyJ",
    "eyJ-",
    "--eyJ",
    "sk-",
    "sk-aT3BlbkFJ-",
    "glpat-",
    "xoxp-12345678-",
    "://",
    "<a",
)
PIECES += (
    "-----BEGIN PRIVATE KEY-----",
    "PuTTY-User-Key-File-2",
    "https://a:b@",
    "?key=",
    "?token=aaaaaaaa&",
    "AKIA",
    "ghp_",
    "ghs_a.b",
    'token"',
    "/a",
    ";",
    "a.b-",
)
PIECES += (
    "eyJ" + "a" * 20 + ".",
    "ghs_" + "a" * 25 + ".",
    "token=/",
    "Bearer ",
    "a=b;token=c;",
    "SG.",
    "\\n",
    "eyJ" + "a" * 40 + " ",
    "api_key=://",
    "x-",
    "\0",
)


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_text_takes_linear_time(piece):
    for text in (piece * (SIZE // len(piece)), "https://token=" + piece * (SIZE // len(piece)) + " T3BlbkFJ eyJ token: "):
        began = time.process_time()
        for name in (None, "API_TOKEN", "Authorization"):
            judge(text, name)
            mask(text, name)
        assert time.process_time() - began < 2


@pytest.mark.parametrize("name", ["PGPASSWORD", "SSHPASS", "ACCESSTOKEN", "SECRETKEY", "CLIENTSECRET", "GITHUB_PAT", "--pat", "--jwt"])
def test_joined_names(name):
    assert is_secret_name(name)
    assert not is_secret_name(name + "_PATH")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AUTH_HEADER", f"Bearer {RANDOM}"),
        (None, f"Basic {base64_url('deploy:' + SHORT)}"),
        (None, f"npx -y docs --token {RANDOM}"),
        ("-u", f"deploy:{SHORT}"),
        (None, f"curl -u deploy:{SHORT} https://x.example.com"),
        (None, f"AccountName=docs;AccountKey={RANDOM}"),
        (None, f"https://{RANDOM}@mcp.example.com/v1"),
    ],
)
def test_more_places_of_a_secret(name, text):
    assert len(rules(text, name)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [("AUTH_HEADER", "Bearer ${TOKEN}"), ("-u", "1000:1000"), (None, f"https://{HEX}@docs.example.com/4711"), ("SIGNING_KEY", RANDOM)],
)
def test_no_more_places_than_that(name, text):
    assert rules(text, name) == []


def test_more_is_masked_than_is_reported():
    assert masked_value("SIGNING_KEY", RANDOM) == "<secret>"
    assert shown("a.json", '{"args": ["--password=abc123x,bbb;ccc"]}') == '{"args": ["--password=***"]}'
    assert masked_args(["--headers", "X-Api-Key", "hunter2x"]) == ["--headers", "X-Api-Key", "<secret>"]


def test_a_default_of_a_password_input_is_judged():
    assert [one.at for one, _ in judge_all({"id": "docs", "password": True, "default": RANDOM})] == [("default",)]
