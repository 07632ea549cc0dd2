r"""Halves of characters (`\ud83c\udfe0`) in YAML and JSON: put together, or one clear error."""

from __future__ import annotations

import pytest

from townlet.config.source.escapes import HalfCharacterError, disguised, joined
from townlet.config.yaml_loader import parse
from townlet.errors import ConfigError

HOUSE = "\U0001f3e0"
WHOLE = {
    r'a: "\ud83c\udfe0"': HOUSE,
    r'{"a": "\ud83c\udfe0"}': HOUSE,
    r'{"a": "x\uD83C\uDFE0y\ud83c\udfe0"}': f"x{HOUSE}y{HOUSE}",
    r'a: "\\ud83c \\\ud83c\udfe0"': rf"\ud83c \{HOUSE}",
    r'{"a": "\\ud83c \\\ud83c\udfe0"}': rf"\ud83c \{HOUSE}",
    r"a: \ud83c\udfe0": r"\ud83c\udfe0",  # no escape: a backslash means nothing here
    r"a: 'it''s \ud83c'": r"it's \ud83c",
    "a: |  # \\ud83c\n  \\udfe0 \\ud83c\n": "\\udfe0 \\ud83c\n",
    "a: >-\n  \\udfe0\n  \\ud83c\n": r"\udfe0 \ud83c",
    "a: \"\\ud83c\\udfe0\"  # \\ud83c\n": HOUSE,
    "a: \"\\ue000 \\ue001 \\ud83c\\udfe0 \ue002\"": f"\ue000 \ue001 {HOUSE} \ue002",
    "a: \"\\ud83c\\\n  \\udfe0\"": HOUSE,
}  # fmt: skip
HALF = {
    'a: 1\nb: "x\\ud83c"': r"2:4: expected whole characters: \ud83c is half of a character, without its other half",
    '{"a": 1,\n "b": "\\udfe0\\ud83c"}': r"2:7: expected whole characters: \udfe0 is half of",
    '{"\\udfe0": 1}': r"1:2: expected whole characters: \udfe0 is half of",
    'a: [1, "\\ud83c", *b]': r"1:8: expected whole characters: \ud83c is half of",
    'a: &x "\\ud83c"\nb: *x': "1:4: expected whole characters",
}


@pytest.mark.parametrize("text", WHOLE)
def test_whole(text: str) -> None:
    assert parse(text, "t").data["a"] == WHOLE[text]


@pytest.mark.parametrize("text", HALF)
def test_half(text: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse(text, "t")
    assert str(found.value).startswith(f"t:{HALF[text]}")
    assert "\ud83c" not in str(found.value)


def test_places_are_true_behind_them() -> None:
    document = parse('a: ["\\ud83c\\udfe0", {b: 1}]\n', "t")
    assert document.place(("a", 1, "b")) == (1, 25)


def test_a_mark_that_occurs_nowhere_else() -> None:
    text = '"\ue000 \\uE001 \\U0000E002 \\ud83c"'
    assert disguised(text).mark == "\ue003"
    assert len(disguised(text).text) == len(text)
    assert disguised("a").mark == ""
    everything = "".join(map(chr, range(0xE000, 0xF900)))
    with pytest.raises(HalfCharacterError, match="write characters themselves"):
        disguised(everything + "\\ud83c")
    with pytest.raises(ConfigError, match="expected whole characters: write characters themselves"):
        parse(f'a: "{everything}\\ud83c\\udfe0"', "t")


def test_joined() -> None:
    assert joined("a\ud83c\udfe0") == f"a{HOUSE}"
    with pytest.raises(HalfCharacterError, match=r"^\\udfe0 is half"):
        joined("\udfe0a")
