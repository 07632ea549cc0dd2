"""What a terminal would obey is shown as text."""

from __future__ import annotations

import json
import subprocess

import pytest

from townlet.escaping import markdown, shown, shown_json, shown_lines, typed, typed_path

CASES = {
    "\x1b[31mred": r"\x1b[31mred",
    "two\nlines": r"two\x0alines",
    "back\rover": r"back\x0dover",
    "\x9b2J": r"\x9b2J",
    "turned\u202eround": r"turned\u202eround",
    "half a pair \ud83c": r"half a pair \ud83c",
    "in\u200bvisible\ufeff": r"in\u200bvisible\ufeff",
    "a tag\U000e0041": r"a tag\U000e0041",
    "bytes that are no text: \udcc3": r"bytes that are no text: \xc3",
    "Zoë, 東京 🏠, مرحبا, שלום, नमस्ते": "Zoë, 東京 🏠, مرحبا, שלום, नमस्ते",
}


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_in_a_line(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(text).isprintable()


def test_lines_of_our_own_stay() -> None:
    assert shown_lines("a\nb\tc\x1b") == "a\nb\\x09c\\x1b"


def test_joiners_stay() -> None:
    """A family is one picture, and Persian has words that only a joiner spells."""
    assert shown("👨\u200d👩\u200d👧 می\u200cخواهم") == "👨\u200d👩\u200d👧 می\u200cخواهم"


@pytest.mark.parametrize("text", [*CASES, "\U000e0041\n\t\x7f"])
def test_json_means_what_it_meant(text: str) -> None:
    document = {text: [text, 1], "b": {}}
    printed = shown_json(json.dumps(document, indent=1, ensure_ascii=False))
    assert json.loads(printed) == document
    assert all(letter.isprintable() or letter == "\n" for letter in printed)


MARKDOWN = {
    "<script>alert(1)</script>": r"\<script>alert(1)\</script>",
    "![image](http://x/y.png)": r"!\[image\](http\://x/y.png)",
    "[click](javascript:x)": r"\[click\](javascript:x)",
    "www.example.com": r"www\.example.com",
    "a@example.com": "a\uff20example.com",
    "&lt;b&gt; & co": r"\&lt;b\&gt; & co",
    "a | b": r"a \| b",
    r"a \| b": r"a \\\| b",
    "`code` *loud* ~gone~ _soft_": r"\`code\` \*loud\* \~gone\~ \_soft\_",
    "kitchen_breakfast, 3-4 agents (0.5): Zoë & Ko 🏠 #1": "kitchen_breakfast, 3-4 agents (0.5): Zoë & Ko 🏠 #1",
    "two\n# lines\x1b": r"two # lines\\x1b",
}


@pytest.mark.parametrize(("text", "expected"), MARKDOWN.items())
def test_in_a_page_of_markdown(text: str, expected: str) -> None:
    assert markdown(text) == expected


@pytest.mark.parametrize(
    "word", ["a b", "it's", "x\x1by'z\\q\n", "\udc80n", "ü🏠", "-x", "", "$HOME`a`", "\u202e"]
)
def test_a_word_is_ready_to_be_pasted(word: str) -> None:
    """Bash makes the same word of it, and a path that begins with a dash is no option."""
    assert shown(typed(word)) == typed(word)
    said = subprocess.run(
        ["bash", "-c", f"printf '<%s>' {typed(word, '-v')}"], capture_output=True, check=True
    )
    assert said.stdout == f"<{word}><-v>".encode("utf-8", "surrogateescape")
    assert typed_path("-x y") == "'./-x y'"


def test_half_a_character_can_be_written_at_least() -> None:
    assert typed("\ud83c") == r"$'\xed\xa0\xbc'"
