"""Keys of wallets: what counts as one under which name, where it begins and ends, and what is no key."""

from __future__ import annotations

import time

import pytest
from fakes import random, token

from mcp_audit_gate.metadata import wallets
from mcp_audit_gate.metadata.credentials import judge, mask

KEY, PHRASE, LONG = token("wallet"), token("phrase12"), token("phrase24")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (KEY, "PRIVATE_KEY", KEY),
        (KEY, "--private-key", KEY),
        (KEY.upper().replace("0X", "0x"), "signerKey", KEY.upper().replace("0X", "0x")),
        ("${KEY:-" + KEY + "}", "EVM_PK", KEY),
        (f"-e WALLET={KEY}", None, KEY),
        (f"send --private-key {KEY} 12", None, KEY),
        (f'{{"privateKey": "{KEY}"}}', "config", KEY),
        (PHRASE, "MNEMONIC", PHRASE),
        (LONG, "seedPhrase", LONG),
        (PHRASE.replace(" ", ", "), "RECOVERY_WORDS", PHRASE.replace(" ", ", ")),
        (f'MNEMONIC="{PHRASE}" node index.js', None, PHRASE),
        (f"--mnemonic={PHRASE}", None, PHRASE),
        (f"MNEMONIC={PHRASE} node index.js", None, PHRASE),
    ],
)
def test_a_key_is_found_and_hidden(text, name, value):
    (found,) = judge(text, name)
    assert (found.rule, found.value) == ("wallet-key", value)
    assert value not in mask(text, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (KEY, "BLOCK_HASH"),
        (KEY, "SIGNER_PUBLIC_KEY"),
        (KEY, None),
        (KEY + "00", "PRIVATE_KEY_PAIR"),
        (token("address"), "WALLET"),
        ("0x" + "0" * 63 + "1", "PRIVATE_KEY"),
        (f"the block {KEY} was mined", "KEY"),
        (PHRASE, "DESCRIPTION"),
        (PHRASE + " abandon", "MNEMONIC"),
        ("test " * 11 + "junk", "MNEMONIC"),
        (" ".join(["please", "write", "nothing", "here", "yet"] * 3), "SEED"),
        ("# ".join(PHRASE.split()), "MNEMONIC"),
    ],
)
def test_what_is_no_key(text, name):
    assert [found for found in judge(text, name) if found.rule == "wallet-key"] == []


def test_every_word_of_the_list_is_known():
    words = wallets._table()["words"]
    assert len(words) == 2048
    assert {"abandon", "zoo", *PHRASE.split()} <= words
    assert len({word[:4] for word in words}) == 2048  # BIP-39 tells words apart by four letters


@pytest.mark.parametrize(
    "text",
    [
        "0x" + "a" * 100_000,
        (KEY + " ") * 1500,
        "seed " * 20_000,
        "mnemonic= " * 10_000,
        "seed" * 25_000,
        "seed= abandon " * 7000,
        "key0x" * 20_000,
        random(100_000),
    ],
)
def test_hostile_texts_take_linear_time(text):
    start = time.process_time()
    list(wallets.find(text, "PRIVATE_KEY"))
    assert time.process_time() - start < 0.5
