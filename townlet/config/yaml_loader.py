"""YAML, read with care: text -> a tree of values that know where they stand. JSON is YAML, too.

The text is read event by event and never reaches YAML's own composer, which follows aliases without limit
and recurses as deep as the text says. Refused are: more than 8 MB, more than 64 levels, more than a million
values (levels and values that aliases stand for counted each time, as if they were written out), aliases that
contain themselves, a key that is given twice, tags that name types, several documents, halves of characters. The
first mistake in the text is the one that is said, whether it is one of these or one of YAML's, and whatever limits
PyYAML and libyaml have of their own. No message about a text that cannot be read repeats what stands in it: it may be
no config at all.

Scalars are read as in YAML 1.2's core schema: `1e-4` is a number and `on`, `off`, `yes`, `no` are text (YAML
1.1 reads the first as text and the others as booleans; what is a flag in a config understands the words all
the same). Numbers that the two versions read differently (`010`, `1:30`) stay text; `1_000` is a number.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from townlet.config.source.escapes import HALF_CHARACTER, Disguise, HalfCharacterError, disguised, joined
from townlet.config.source.json_events import events_of, is_json
from townlet.config.source.open_file import read_text, refuse
from townlet.errors import ConfigError, Problem

MOST_LEVELS = 64
MOST_VALUES = 1_000_000
MOST_KEYS = 10_000  # of one mapping
MOST_REPEATED_KEYS = 1_000  # keys given twice that are told
TOO_DEEP = f"expected at most {MOST_LEVELS} levels of nesting, got more"
LONGEST_NUMBER = 40  # characters; anything longer is text

NULLS = {"", "~", "null", "Null", "NULL"}
FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)", re.ASCII)
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
ENDLESS = re.compile(r"([-+]?)\.(inf|Inf|INF)|(\.nan|\.NaN|\.NAN)", re.ASCII)
NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
QUOTED_BY_PYYAML = re.compile(r"(?<=tag handle) .*|,? but (?:found|got) '[^<].*", re.DOTALL)
CORE_TAGS = "tag:yaml.org,2002:"

Keys = tuple[str | int, ...]  # ("scenario", "agents", 2, "position")


@dataclass(slots=True)
class Node:
    """A value and where it stands. Lines and columns are counted from 1."""

    line: int
    column: int
    value: Any  # a scalar, list[Node] or dict[str, Entry]
    size: int = 1  # nodes in it, those that aliases stand for counted each time
    levels: int = 0  # of lists and mappings, itself included


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
        """Plain Python values; not to be changed: what an anchor names is one value for all its aliases."""
        return _plain(self.root, {})

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


def _plain(node: Node, made: dict[int, Any]) -> Any:
    if not isinstance(node.value, dict | list):
        return node.value
    if id(node) not in made:
        if isinstance(node.value, dict):
            made[id(node)] = {key: _plain(entry.node, made) for key, entry in node.value.items()}
        else:
            made[id(node)] = [_plain(child, made) for child in node.value]
    return made[id(node)]


def read_document(path: Path, label: str | None = None) -> Document:
    """A YAML file as a tree. Raises ConfigError where it cannot be read or is not acceptable YAML."""
    label = label if label is not None else str(path)
    return parse(read_text(path, label), label)


def parse(text: str, label: str) -> Document:
    """YAML text as a tree. Raises ConfigError."""
    if is_json(text):
        builder = _Builder(label)
        for event in events_of(text):
            builder.take(event)
    else:
        builder = _yaml_builder(text, label)
    if builder.root is None:
        raise refuse(label, f"expected {_language(label)}, got an empty file")
    return Document(label, builder.root, tuple(builder.problems))


def _yaml_builder(text: str, label: str) -> _Builder:
    """What has taken all events of YAML text. Raises ConfigError."""
    found = NOT_PRINTABLE.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise refuse(label, f"expected text, got the character U+{ord(found[0]):04X}", line, column)
    try:
        disguise = disguised(text)
    except HalfCharacterError as error:
        raise refuse(label, f"expected whole characters: {error}") from None
    builder = _Builder(label, disguise)
    try:
        _take_all(builder, disguise.text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            _refuse_what_comes_before(builder, disguise.text[: mark.index])
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        reason = _yaml_reason(error, text, mark)
        raise refuse(label, f"not valid {_language(label)}: {reason}", *where) from None
    except yaml.YAMLError as error:
        raise refuse(label, f"not valid {_language(label)}: {type(error).__name__}") from None
    return builder


def _language(label: str) -> str:
    return "JSON" if label.lower().endswith(".json") else "YAML"


def _take_all(builder: _Builder, text: str) -> None:
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        builder.take(event)


def _refuse_what_comes_before(builder: _Builder, text: str) -> None:
    """Raise ConfigError if what stands before a mistake of YAML's is not acceptable itself.

    A parser reads up to a line ahead before it says what it has read (whether `[a, b]` is a key is known at the
    `:` behind it), so that it finds a mistake there, or a limit of its own, before our limits are asked.
    """
    with contextlib.suppress(yaml.YAMLError):  # the text ends in the middle of something, of course
        _take_all(_Builder(builder.label, builder.disguise), text)


def _yaml_reason(error: yaml.MarkedYAMLError, text: str, mark: Any) -> str:
    reason = str(error.problem or error.context or "cannot be parsed")
    reason = QUOTED_BY_PYYAML.sub("", reason)
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

    def __init__(self, label: str, disguise: Disguise | None = None) -> None:
        self.label = label
        self.disguise = disguise  # None: nothing is disguised
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._values = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refuse(event, "expected one YAML document, got a second one (`---`)")
        elif isinstance(event, yaml.ScalarEvent):
            self._count(event, 1)
            self._make_whole(event)
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

    def _count(self, event: yaml.Event, values: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            message = (
                f"expected at most {MOST_VALUES:,} values, what aliases stand for counted each time, got more"
            )
            raise self._refuse(event, message)

    def _make_whole(self, event: yaml.ScalarEvent) -> None:
        """Put halves of characters together."""
        try:
            if self.disguise is not None and self.disguise.mark:
                start, end = event.start_mark.index, event.end_mark.index
                event.value = self.disguise.undo(event.value, start, end, quoted=event.style == '"')
            if not event.value.isascii() and HALF_CHARACTER.search(event.value):
                event.value = joined(event.value)
        except HalfCharacterError as error:
            raise self._refuse(event, f"expected whole characters: {error}") from None

    def _node(self, event: yaml.Event, value: Any) -> Node:
        return Node(event.start_mark.line + 1, event.start_mark.column + 1, value)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _alias(self, event: yaml.AliasEvent) -> None:
        if any(level.anchor == event.anchor for level in self._stack):
            raise self._refuse(event, "this alias stands inside what it stands for")
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refuse(event, "this alias has no anchor above it")
        self._count(event, node.size)
        if len(self._stack) + node.levels > MOST_LEVELS:
            raise self._refuse(event, TOO_DEEP)
        key = None if isinstance(node.value, dict | list) else node.value
        self._place(node, event, key=None if key is None else str(key), plain=False)

    def _begin(self, event: Any) -> None:
        if len(self._stack) >= MOST_LEVELS:
            raise self._refuse(event, TOO_DEEP)
        self._count(event, 1)
        kind = "seq" if isinstance(event, yaml.SequenceStartEvent) else "map"
        if event.tag not in (None, "!", CORE_TAGS + kind):
            raise self._refuse(event, "this tag is not accepted; leave it out")
        if self._stack and isinstance(self._stack[-1].node.value, dict) and self._stack[-1].key is None:
            raise self._refuse(event, "expected a name as the key, got a list or a mapping")
        self._stack.append(_Open(self._node(event, [] if kind == "seq" else {}), event.anchor))

    def _end(self, event: yaml.Event) -> None:
        level = self._stack.pop()
        node = level.node
        for source, where in level.merges:
            self._merge(node, source, where)
        children = node.value.values() if isinstance(node.value, dict) else node.value
        inner = [child.node if isinstance(child, Entry) else child for child in children]
        node.size = 1 + sum(child.size for child in inner)
        node.levels = 1 + max((child.levels for child in inner), default=0)
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

    def _add(
        self, entries: dict[str, Entry], name: str, mark: Any, node: Node, place: tuple[int, int] = (0, 0)
    ) -> None:
        """A key of a mapping, at the mark; it stands at `place` where it is merged."""
        line, column = mark.line + 1, mark.column + 1
        if name in entries:
            message = f"the key {name[:64]!r} is given twice, first on line {entries[name].line}; keep one"
            if len(self.problems) < MOST_REPEATED_KEYS:
                self.problems.append(Problem(self.label, line, column, "", message))
        elif len(entries) >= MOST_KEYS:
            raise refuse(
                self.label, f"expected at most {MOST_KEYS:,} keys in a mapping, got more", line, column
            )
        else:
            entries[name] = Entry(*(place if place[0] else (line, column)), node)

    def _merge(self, node: Node, source: Node, mark: Any) -> None:
        """`<<: *other`: the keys of another mapping, where this one does not have them."""
        sources = source.value if isinstance(source.value, list) else [source]
        for other in sources:
            if not isinstance(other.value, dict):
                where = (mark.line + 1, mark.column + 1)
                raise refuse(self.label, "expected a mapping, or a list of mappings, after `<<`", *where)
            for name, entry in other.value.items():
                if name not in node.value:
                    self._add(node.value, name, mark, entry.node, (entry.line, entry.column))


def _scalar(event: yaml.ScalarEvent, refuse_event: Any) -> Any:
    if event.tag is None or event.tag == "!":
        return plain_value(event.value) if event.implicit[0] else event.value
    if event.tag == CORE_TAGS + "str":
        return event.value
    value = plain_value(event.value)
    kinds = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
    kind = kinds.get(event.tag.removeprefix(CORE_TAGS)) if event.tag.startswith(CORE_TAGS) else None
    if kind is None or not isinstance(value, kind):
        raise refuse_event(event, "this tag is not accepted here; leave it out")
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
