"""YAML, read with care: text -> a tree of values that know where they stand.

The text is read event by event and never reaches YAML's own composer, which follows aliases without limit
and recurses as deep as the text says. Refused are: more than 1 MB, more than 64 levels, aliases that stand
for more than 1,000 nodes together or contain themselves, a key that is given twice, tags that name types,
several documents. The first mistake in the text is the one that is said, whether it is one of these or one of
YAML's, and whatever limits PyYAML and libyaml have of their own.

Scalars are read as in YAML 1.2's core schema: `1e-4` is a number and `on`, `off`, `yes`, `no` are text (YAML
1.1 reads the first as text and the others as booleans; what is a flag in a config understands the words all
the same). Numbers that the two versions read differently (`010`, `1:30`) stay text; `1_000` is a number.
"""

from __future__ import annotations

import contextlib
import re
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from townlet.errors import ConfigError, Problem

MOST_BYTES = 1_000_000
MOST_LEVELS = 64
MOST_ALIASED = 1_000
LONGEST_NUMBER = 40  # characters; anything longer is text

NULLS = {"", "~", "null", "Null", "NULL"}
FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)", re.ASCII)
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
ENDLESS = re.compile(r"([-+]?)\.(inf|Inf|INF)|(\.nan|\.NaN|\.NAN)", re.ASCII)
NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CORE_TAGS = "tag:yaml.org,2002:"

Keys = tuple[str | int, ...]  # ("scenario", "agents", 2, "position")


@dataclass(slots=True)
class Node:
    """A value and where it stands. Lines and columns are counted from 1."""

    line: int
    column: int
    value: Any  # a scalar, list[Node] or dict[str, Entry]
    size: int = 1  # nodes in it, those that aliases stand for counted each time


@dataclass(slots=True)
class Entry:
    """A key of a mapping, and its value."""

    line: int
    column: int
    node: Node


@dataclass(frozen=True)
class Document:
    """A file's content: plain values, and the place of each."""

    label: str  # the file as messages name it
    root: Node
    problems: tuple[Problem, ...] = ()

    @cached_property
    def data(self) -> Any:
        """Plain Python values; not to be changed."""
        return _plain(self.root)

    def place(self, path: Keys, of_key: bool = False) -> tuple[int, int]:
        """Line and column of a value (or of its key); of what is around it where it is not written."""
        node, place = self.root, (self.root.line, self.root.column)
        for position, part in enumerate(path):
            child = _child(node, part)
            if child is None:
                break
            last = position == len(path) - 1
            if isinstance(child, Entry):
                place = (
                    (child.line, child.column) if last and of_key else (child.node.line, child.node.column)
                )
                node = child.node
            else:
                node, place = child, (child.line, child.column)
        return place

    def problem(self, path: Keys, message: str, of_key: bool = False) -> Problem:
        """Something wrong with the value at a path."""
        line, column = self.place(path, of_key)
        return Problem(self.label, line, column, path_text(path), message)


def path_text(path: Keys) -> str:
    """`("scenario", "agents", 2, "position")` -> `scenario.agents[2].position`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]+", part, re.ASCII):
            text += f".{part}" if text else part
        else:
            text += f"[{part[:64]!r}]"
    return text


def _child(node: Node, part: str | int) -> Entry | Node | None:
    if isinstance(node.value, dict):
        return node.value.get(part)
    if isinstance(node.value, list) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part]
    return None


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(child) for child in node.value]
    return node.value


def refuse(label: str, message: str, line: int = 0, column: int = 0) -> ConfigError:
    """A file that cannot be read at all."""
    return ConfigError([Problem(label, line, column, "", message)])


def read_document(path: Path, label: str | None = None) -> Document:
    """A YAML file as a tree. Raises ConfigError where it cannot be read or is not acceptable YAML."""
    label = label if label is not None else str(path)
    return parse(_read_text(path, label), label)


def _read_text(path: Path, label: str) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise refuse(label, "expected a YAML file, got a folder")
        if not stat.S_ISREG(mode):
            raise refuse(label, "expected an ordinary file, got a device or a pipe")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise refuse(label, "expected a YAML file, found nothing under this name") from None
    except PermissionError:
        raise refuse(label, "cannot be read: permission denied") from None
    except OSError as error:
        raise refuse(label, f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # a null byte in it, or half of a character
        raise refuse(label, "cannot be read: no file can have this name") from None
    if len(content) > MOST_BYTES:
        raise refuse(label, f"expected at most {MOST_BYTES:,} bytes, got more")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(label, f"expected UTF-8 text, got the byte 0x{content[error.start]:02x}", line) from None


def parse(text: str, label: str) -> Document:
    """YAML text as a tree. Raises ConfigError."""
    found = NOT_PRINTABLE.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise refuse(label, f"expected text, got the character U+{ord(found[0]):04X}", line, column)
    builder = _Builder(label)
    try:
        _take_all(builder, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            _refuse_what_comes_before(label, text[: mark.index])
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise refuse(label, f"not valid YAML: {_yaml_reason(error, text, mark)}", *where) from None
    except yaml.YAMLError as error:
        raise refuse(label, f"not valid YAML: {error}") from None
    if builder.root is None:
        raise refuse(label, "expected YAML, got an empty file")
    return Document(label, builder.root, tuple(builder.problems))


def _take_all(builder: _Builder, text: str) -> None:
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        builder.take(event)


def _refuse_what_comes_before(label: str, text: str) -> None:
    """Raise ConfigError if what stands before a mistake of YAML's is not acceptable itself.

    A parser reads up to a line ahead before it says what it has read (whether `[a, b]` is a key is known at the
    `:` behind it), so that it finds a mistake there, or a limit of its own, before our limits are asked.
    """
    with contextlib.suppress(yaml.YAMLError):  # the text ends in the middle of something, of course
        _take_all(_Builder(label), text)


def _yaml_reason(error: yaml.MarkedYAMLError, text: str, mark: Any) -> str:
    reason = error.problem or error.context or "cannot be parsed"
    lines = text.split("\n")
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        reason += " (indent with spaces, not with tabs)"
    return reason


@dataclass
class _Open:
    """A list or mapping that is being read."""

    node: Node
    anchor: str | None
    key: tuple[str, Any] | None = None  # a key whose value comes next
    merges: list[tuple[Node, Any]] = field(default_factory=list)


class _Builder:
    """Takes YAML events one by one and builds the tree."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._aliased = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refuse(event, "expected one YAML document, got a second one (`---`)")
        elif isinstance(event, yaml.ScalarEvent):
            node = self._node(event, _scalar(event, self._refuse))
            self._remember(event.anchor, node)
            self._place(node, event, key=event.value, plain=bool(event.implicit[0]))
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._end(event)

    def _refuse(self, event: yaml.Event, message: str) -> ConfigError:
        return refuse(self.label, message, event.start_mark.line + 1, event.start_mark.column + 1)

    def _node(self, event: yaml.Event, value: Any) -> Node:
        return Node(event.start_mark.line + 1, event.start_mark.column + 1, value)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _alias(self, event: yaml.AliasEvent) -> None:
        if any(level.anchor == event.anchor for level in self._stack):
            raise self._refuse(event, f"the alias *{event.anchor} stands inside what it stands for")
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refuse(event, f"the alias *{event.anchor} has no anchor &{event.anchor} above it")
        self._aliased += node.size
        if self._aliased > MOST_ALIASED:
            raise self._refuse(event, f"aliases stand for more than {MOST_ALIASED:,} values; write them out")
        key = None if isinstance(node.value, dict | list) else node.value
        self._place(node, event, key=None if key is None else str(key), plain=False)

    def _begin(self, event: Any) -> None:
        if len(self._stack) >= MOST_LEVELS:
            raise self._refuse(event, f"expected at most {MOST_LEVELS} levels of nesting, got more")
        kind = "seq" if isinstance(event, yaml.SequenceStartEvent) else "map"
        if event.tag not in (None, "!", CORE_TAGS + kind):
            raise self._refuse(event, f"the tag {_shown_tag(event.tag)} is not accepted; leave it out")
        if self._stack and isinstance(self._stack[-1].node.value, dict) and self._stack[-1].key is None:
            raise self._refuse(event, "expected a name as the key, got a list or a mapping")
        self._stack.append(_Open(self._node(event, [] if kind == "seq" else {}), event.anchor))

    def _end(self, event: yaml.Event) -> None:
        level = self._stack.pop()
        node = level.node
        for source, where in level.merges:
            self._merge(node, source, where)
        children = node.value.values() if isinstance(node.value, dict) else node.value
        node.size = 1 + sum(child.node.size if isinstance(child, Entry) else child.size for child in children)
        self._remember(level.anchor, node)
        self._place(node, event)

    def _place(self, node: Node, event: yaml.Event, key: str | None = None, plain: bool = False) -> None:
        """Put a finished node where it belongs: into the list or mapping that is open, or at the top."""
        if not self._stack:
            self.root = node
            return
        level = self._stack[-1]
        if isinstance(level.node.value, list):
            level.node.value.append(node)
        elif level.key is None:
            if key is None:
                raise self._refuse(event, "expected a name as the key, got a list or a mapping")
            level.key = (key, (event.start_mark, plain))
        else:
            name, (mark, plain_key) = level.key
            level.key = None
            if name == "<<" and plain_key:
                level.merges.append((node, mark))
            else:
                self._add(level.node.value, name, mark, node)

    def _add(self, entries: dict[str, Entry], name: str, mark: Any, node: Node) -> None:
        line, column = mark.line + 1, mark.column + 1
        if name in entries:
            message = f"the key {name[:64]!r} is given twice, first on line {entries[name].line}; keep one"
            self.problems.append(Problem(self.label, line, column, "", message))
        else:
            entries[name] = Entry(line, column, node)

    def _merge(self, node: Node, source: Node, mark: Any) -> None:
        """`<<: *other`: the keys of another mapping, where this one does not have them."""
        sources = source.value if isinstance(source.value, list) else [source]
        for other in sources:
            if not isinstance(other.value, dict):
                where = (mark.line + 1, mark.column + 1)
                raise refuse(self.label, "expected a mapping, or a list of mappings, after `<<`", *where)
            for name, entry in other.value.items():
                node.value.setdefault(name, entry)


def _shown_tag(tag: str) -> str:
    return tag.replace(CORE_TAGS, "!!")[:64]


def _scalar(event: yaml.ScalarEvent, refuse_event: Any) -> Any:
    if event.tag is None or event.tag == "!":
        return plain_value(event.value) if event.implicit[0] else event.value
    if event.tag == CORE_TAGS + "str":
        return event.value
    value = plain_value(event.value)
    kinds = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
    kind = kinds.get(event.tag.removeprefix(CORE_TAGS)) if event.tag.startswith(CORE_TAGS) else None
    if kind is None or not isinstance(value, kind):
        raise refuse_event(event, f"the tag {_shown_tag(event.tag)} is not accepted here; leave it out")
    return value


def plain_value(text: str) -> Any:
    """What an unquoted scalar means: nothing, a flag, a number, or text."""
    if text in NULLS:
        return None
    if text in FLAGS:
        return FLAGS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    if WHOLE.fullmatch(text):
        return int(text)
    if HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if OCTAL.fullmatch(text):
        return int(text, 8)
    if DECIMAL.fullmatch(text) and ("." in text or "e" in text.lower()):
        return float(text)
    endless = ENDLESS.fullmatch(text)
    if endless:
        return float("nan") if endless[3] else float(endless[1] + "inf")
    return text
