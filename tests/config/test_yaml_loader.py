"""Hostile and odd YAML: what is refused, and what scalars mean."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.config.conftest import Write
from townlet.config import load_config
from townlet.config.yaml_loader import Document, parse, path_text, read_document
from townlet.errors import ConfigError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "brackets": ("[" * 200_000, "1:65: expected at most 64 levels of nesting, got more"),
    "braces": ("{a: " * 200_000, "1:257: expected at most 64 levels of nesting, got more"),
    "dashes": ("- " * 200_000, "1:129: expected at most 64 levels of nesting, got more"),
    "brackets before a mistake": ("[" * 65 + "@", "1:65: expected at most 64 levels of nesting, got more"),
    "brackets after a mistake": ("[" * 64 + "@[", "1:65: not valid YAML: found character that cannot start any token"),
    "laughs": (LAUGHS, "7:8: expected at most 1,000,000 values, what aliases stand for counted each time, got more"),
    "recursion": ("a: &a {b: *a}", "1:11: this alias stands inside what it stands for"),
    "no anchor": ("a: *b", "1:4: this alias has no anchor above it"),
    "null byte": ("a: b\x00c", "1:5: expected text, got the character U+0000"),
    "escape": ("a: 1\nb: \x1b[31m", "2:4: expected text, got the character U+001B"),
    "empty": ("", " expected YAML, got an empty file"),
    "comment": ("# nothing\n", " expected YAML, got an empty file"),
    "two documents": ("a: 1\n---\nb: 2\n", "2:1: expected one YAML document, got a second one (`---`)"),
    "python": ("a: !!python/name:os.system x", "1:4: this tag is not accepted here; leave it out"),
    "tag of a list": ("a: !mine [1]", "1:4: this tag is not accepted; leave it out"),
    "wrong tag": ("a: !!int x", "1:4: this tag is not accepted here; leave it out"),
    "list as key": ("? [1, 2]\n: 3", "1:3: expected a name as the key, got a list or a mapping"),
    "list as alias": ("a: &a [1]\n*a : 2", "2:1: expected a name as the key, got a list or a mapping"),
    "merging text": ("a: 1\n<<: x", "2:1: expected a mapping, or a list of mappings, after `<<`"),
    "colon": ("a: b: c", "1:5: not valid YAML: mapping values are not allowed in this context"),
    "tab": ("a:\n\tb: 1", "2:1: not valid YAML: found character that cannot start any token "
            "(indent with spaces, not with tabs)"),
    "too large": ("a: " + "b" * 8_000_000, " expected at most 8,000,000 bytes, got more"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, write: Write) -> None:
    text, message = REFUSED[case]
    with pytest.raises(ConfigError) as found:
        load_config(write(text))
    assert str(found.value) == f"town.yaml:{message}"


@pytest.mark.parametrize("case", ["brackets", "braces", "dashes"])
@pytest.mark.parametrize("levels", [65, 1_000])
def test_our_limit_comes_before_one_of_the_parsers(
    case: str, levels: int, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyYAML 6.0.4 refuses a thousand levels. This parser refuses fewer, and reads ahead as far as the text goes."""
    text, message = REFUSED[case]
    parse_all = yaml.parse

    def limited(text: str, Loader: object) -> Iterator[yaml.Event]:
        read: list[yaml.Event] = []
        depth, mistake = 0, None
        try:
            for event in parse_all(text, Loader=yaml.SafeLoader):  # which has no limit of its own
                depth += isinstance(event, yaml.CollectionStartEvent)
                if depth > levels:
                    raise OverflowError(event.start_mark)
                read.append(event)
        except yaml.YAMLError as error:
            mistake = error
        except OverflowError as error:
            raise yaml.MarkedYAMLError("too deep", None, "too deep", error.args[0]) from None
        yield from read
        if mistake is not None:
            raise mistake

    monkeypatch.setattr(yaml, "parse", limited)
    with pytest.raises(ConfigError) as found:
        load_config(write(text[:3_000]))  # 750 levels and more
    assert str(found.value) == f"town.yaml:{message}"


def test_bytes_that_are_not_text(write: Write) -> None:
    for content, message in (
        (b"a: 1\nb: \xff\n", "town.yaml:2: expected UTF-8 text, got the byte 0xff"),
        (b"\xff\xfea\x00:\x00 \x001\x00", "town.yaml:1: expected UTF-8 text, got the byte 0xff"),
    ):
        with pytest.raises(ConfigError) as found:
            load_config(write(content))
        assert str(found.value) == message
    assert load_config(write(b"\xef\xbb\xbfconfig_id: t\n")).config.config_id == "t"


def test_files_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    write("config_id: t\n")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    expected = {
        "folder.yaml": "folder.yaml: expected a config file, or the folder of a capture, got another folder",
        "pipe.yaml": "pipe.yaml: expected an ordinary file, got a pipe",
        "/dev/zero": "/dev/zero: expected an ordinary file, got a device",
        "missing.yaml": "missing.yaml: expected a file, found nothing under this name",
        "n" * 300: "n" * 300 + ": cannot be read: no file can have so long a name",
    }
    for name, message in expected.items():
        with pytest.raises(ConfigError) as found:
            load_config(name)
        assert str(found.value) == message
    with pytest.raises(
        ConfigError, match=r"^loop\.yaml: cannot be read: links that lead to each other, without end$"
    ):
        load_config("loop.yaml")


def test_a_file_without_permission(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("config_id: t\n")
    path.chmod(0)
    if os.access(
        path, os.R_OK
    ):  # the superuser reads everything: let the system say what it would tell others

        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", denied)
    with pytest.raises(ConfigError) as found:
        load_config(path)
    assert str(found.value) == "town.yaml: cannot be read: permission denied"
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_key_given_twice_beside_other_mistakes(write: Write) -> None:
    text = "config_id: t\nseed: 1\nworld:\n  grid_size: [9, 9]\n  grid_size: [8, 8]\nseed: 2\nsead: 1\n"
    with pytest.raises(ConfigError) as found:
        load_config(write(text))
    assert str(found.value).splitlines() == [
        "town.yaml:5:3: the key 'grid_size' is given twice, first on line 4; keep one",
        "town.yaml:6:1: the key 'seed' is given twice, first on line 2; keep one",
        "town.yaml:7:1: unknown key 'sead'; did you mean 'seed'?",
    ]


@pytest.mark.parametrize("text", ["5", "text", "[1]", "null", "~"])
def test_not_a_mapping(text: str, write: Write) -> None:
    with pytest.raises(
        ConfigError, match=r"^town\.yaml:1:1: expected a config \(a mapping with the key `config_id`\), got "
    ):
        load_config(write(text))


SCALARS = {
    "": None, "~": None, "null": None, "true": True, "FALSE": False,
    "on": "on", "off": "off", "yes": "yes", "no": "no", "Yes": "Yes", "y": "y",
    "0": 0, "-7": -7, "+7": 7, "1_000": 1000, "0x1F": 31, "0o17": 15,
    "010": "010", "00": "00", "1:30": "1:30", "0b11": "0b11", "1_": "1_", "--1": "--1",
    "1.5": 1.5, "1.": 1.0, ".5": 0.5, "-.5": -0.5, "1e-4": 1e-4, "1E4": 1e4, "1.5e+3": 1500.0, "1_0.5": 10.5,
    ".inf": math.inf, "-.Inf": -math.inf, "1e999": math.inf, "inf": "inf", "nan": "nan", "e5": "e5",
    "2024-01-02": "2024-01-02",
    "1.2.3": "1.2.3", "'5'": "5", '"true"': "true", "!!str 5": "5",
    "!!float 5": 5,
    "9" * 41: "9" * 41, "=": "=",
}  # fmt: skip


@pytest.mark.parametrize("text", SCALARS)
def test_what_a_scalar_means(text: str) -> None:
    value = parse(f"a: {text}\n", "t").data["a"]
    assert value == SCALARS[text] and type(value) is type(SCALARS[text])


def test_nan() -> None:
    assert math.isnan(parse("a: .nan", "t").data["a"])


def test_aliases_and_merges() -> None:
    text = (
        "base: &base {x: 1, y: 2}\none: {<<: *base, y: 3}\ntwo: {<<: [*base, {z: 4}]}\nkey: &k name\n*k : 5\n"
    )
    assert parse(text, "t").data == {
        "base": {"x": 1, "y": 2},
        "one": {"x": 1, "y": 3},
        "two": {"x": 1, "y": 2, "z": 4},
        "key": "name",
        "name": 5,
    }
    assert parse('{"<<": 1}', "t").data == {"<<": 1}


def test_keys_are_names() -> None:
    assert parse("1: a\ntrue: b\n~: c\n", "t").data == {"1": "a", "true": "b", "~": "c"}


def test_places() -> None:
    document = parse("a:\n  b: [x, {c: y}]\n", "t")
    assert document.place(("a",)) == (2, 3)
    assert document.place(("a",), of_key=True) == (1, 1)
    assert document.place(("a", "b", 1, "c")) == (2, 14)
    assert document.place(("a", "b", 1, "c"), of_key=True) == (2, 11)
    assert document.place(("a", "b", 7)) == (2, 6)  # what is not there: what it would be in
    assert document.place(()) == (1, 1)
    aliased = parse("a: &x {n: 1}\nb: *x\n", "t")
    assert aliased.place(("b", "n")) == (1, 11)  # where it is written


def test_path_text() -> None:
    assert path_text(("scenario", "agents", 2, "position")) == "scenario.agents[2].position"
    assert path_text(("jobs", "a b")) == "jobs['a b']"
    assert path_text(()) == ""


def test_the_parser_in_python_reads_the_same(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    """Where PyYAML was built without libyaml."""
    from townlet.config.shipped import shipped_root

    def everything() -> list[Document]:
        return [read_document(path, "f") for path in sorted(shipped_root().rglob("*.yaml"))]

    fast = everything()
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert everything() == fast
    for case in ("brackets", "brackets before a mistake", "laughs", "recursion", "python", "two documents"):
        with pytest.raises(ConfigError) as found:
            load_config(write(REFUSED[case][0]))
        assert str(found.value) == f"town.yaml:{REFUSED[case][1]}"
