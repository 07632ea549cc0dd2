"""A document against a model: every mistake at once, each with its place, and what is left without them.

What is left (`Reading.value`) is the document less whatever is wrong in it. The checks that look across
sections run on it, so that a mistyped weight does not hide a missing object; `Reading.problem` knows where in
the file a part of it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from townlet.config.schema.types import NO_EFFECT, OneOf
from townlet.config.type_text import (
    ValueKind,
    did_you_mean,
    fields_by_key,
    path_as_written,
    quoted,
    resolve_location,
    unknown_name,
    value_at,
)
from townlet.config.yaml_loader import Document, Keys, path_text
from townlet.errors import ConfigError, Problem

MAX_LISTED_PROBLEMS = 100  # problems of one config; the rest is counted
MAX_EXPLAINED_PROBLEMS = 1_000  # a file with more mistakes is no config: the rest is counted only
MAX_ROUNDS = 12  # of taking mistakes out, each of which can make its surroundings incomplete

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Reading(Generic[M]):
    """What a document says, and what is wrong with it."""

    document: Document
    value: M | None  # None where nothing can be made of the document
    problems: tuple[Problem, ...]
    rest: Any  # the plain data of `value`
    kept: dict[Keys, list[int]]  # by path of a shortened list in `rest`: its items' indices in the file
    broken: frozenset[Keys]  # paths in the file that were taken out
    more: int = 0  # problems that are counted only

    def problem(self, path: Keys, message: str) -> Problem:
        """Something wrong at a path of `value`, in its own names."""
        given = path_as_written(type(self.value), path, self.rest) if self.value is not None else path
        return self.document.problem(path_in_file(given, self.kept), message)

    def intact(self, *path: str | int) -> bool:
        """Whether nothing at, above or below a path of the file was taken out."""
        return not any(path[: len(broken)] == broken[: len(path)] for broken in self.broken)

    def whole(self, *path: str | int) -> bool:
        """Whether nothing of what stands at a path of `value` was taken out."""
        return self.intact(*path_in_file(path, self.kept))


def path_in_file(path: Keys, kept: dict[Keys, list[int]]) -> Keys:
    """A path of shortened data as a path of the file."""
    out: list[str | int] = []
    for position, part in enumerate(path):
        indices = kept.get(path[:position])
        out.append(indices[part] if indices is not None and isinstance(part, int) else part)
    return tuple(out)


def read(model: type[M], document: Document, placeholders: dict[str, Any]) -> Reading[M]:
    """Validate a document. `placeholders` stand for required top-level keys where they are missing."""
    data = document.data
    problems = list(document.problems)
    removed: set[Keys] = set()
    kept: dict[Keys, list[int]] = {}
    value: M | None = None
    rest = data
    for attempt in range(MAX_ROUNDS):
        if () in removed:
            break
        rest, kept = _without(data, removed)
        if attempt and isinstance(rest, dict):
            rest = {**placeholders, **rest}
        try:
            value = model.model_validate(rest)
            break
        except ValidationError as error:
            errors = error.errors(include_url=False)
        if attempt == 0:
            problems += [_explain(model, document, data, entry) for entry in errors[:MAX_EXPLAINED_PROBLEMS]]
        if len(errors) > MAX_EXPLAINED_PROBLEMS:
            return Reading(
                document, None, _sorted(problems), None, {}, frozenset(), len(errors) - MAX_EXPLAINED_PROBLEMS
            )
        removed |= {
            path_in_file(_path_to_remove(model, entry, rest), kept)
            for entry in errors
            if entry["loc"] not in {(name,) for name in placeholders} or entry["type"] != "missing"
        }
    return Reading(document, value, _sorted(problems), rest, kept, frozenset(removed))


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column)))


def config_error(problems: Iterable[Problem], more: int = 0) -> ConfigError:
    """The error that says them all, file by file and from top to bottom; a very long list is cut short."""
    found = list(dict.fromkeys(problems))
    files = list(dict.fromkeys(problem.file for problem in found))
    found.sort(key=lambda problem: (files.index(problem.file), problem.line, problem.column))
    more += max(0, len(found) - MAX_LISTED_PROBLEMS)
    listed = found[:MAX_LISTED_PROBLEMS]
    if more:
        listed.append(Problem(listed[0].file, 0, 0, "", f"and at least {more:,} more problems"))
    return ConfigError(listed)


def _without(data: Any, removed: Iterable[Keys]) -> tuple[Any, dict[Keys, list[int]]]:
    """The data without what stands at the removed paths, and which items its shortened lists have left."""
    tree: dict[Any, Any] = {}
    for path in removed:
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[_GONE] = {}
    kept: dict[Keys, list[int]] = {}
    return _pruned(data, tree, (), kept), kept


_GONE = object()  # in a tree of removed paths: here one ends


def _pruned(data: Any, tree: dict[Any, Any], path: Keys, kept: dict[Keys, list[int]]) -> Any:
    if not tree:
        return data
    if isinstance(data, dict):
        return {
            key: _pruned(child, tree.get(key, {}), (*path, key), kept)
            for key, child in data.items()
            if _GONE not in tree.get(key, ())
        }
    if isinstance(data, list):
        left = [index for index in range(len(data)) if _GONE not in tree.get(index, ())]
        if len(left) < len(data):
            kept[path] = left
        return [_pruned(data[old], tree.get(old, {}), (*path, new), kept) for new, old in enumerate(left)]
    return data


def _path_to_remove(model: type[BaseModel], error: Any, data: Any) -> Keys:
    """The path of `data` to take out so that this error goes away."""
    path, _, _ = resolve_location(model, error["loc"])
    if error["type"] == "missing":
        path = path[:-1]
    depth = 0
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            break
        depth += 1
    return path[:depth]


def _explain(model: type[BaseModel], document: Document, data: Any, error: Any) -> Problem:
    path, kind, key_is_wrong = resolve_location(model, error["loc"])
    value = path[-1] if key_is_wrong else error["input"]
    for part in () if key_is_wrong else path:
        data = value_at(data, part)
    value = value if data is None or key_is_wrong else data  # as it is written, before any conversion
    match error["type"]:
        case "extra_forbidden":
            owner = resolve_location(model, error["loc"][:-1])[1]
            known = fields_by_key(owner.model) if owner.model else {}
            message = unknown_name("key", str(path[-1]), known)
            if path[-1] in known:
                names = [name for name, field in known.items() if field is known[path[-1]]]
                message = f"{' and '.join(names)} are two names of one key; keep one"
            line, column = document.place(path, of_key=True)
            return Problem(document.label, line, column, path_text(path[:-1]), message)
        case "missing":
            message = f"the key '{path[-1]}' is missing; expected {kind.words()}"
            line, column = document.place(path[:-1])
            return Problem(document.label, line, column, path_text(path[:-1]), message)
        case "invalid":
            message = error["ctx"]["message"]
        case "union_tag_invalid":
            path = (*path, "kind")
            value = value.get("kind") if isinstance(value, dict) else value
            message = _expected(" or ".join(error["ctx"]["expected_tags"].rsplit(", ", 1)), value)
            message += did_you_mean(value, kind.variants)
        case _:
            message = _expected(error.get("ctx", {}).get("what") or kind.words(), value)
            message += _hint(kind, value)
    return document.problem(path, message, of_key=key_is_wrong)


def _expected(what: str, value: Any) -> str:
    return f"expected {what}, got {quoted(value)}"


def _hint(kind: ValueKind, value: Any) -> str:
    """What to do about the commonest mistakes."""
    choices = _choices(kind)
    if choices:
        return did_you_mean(value, choices) if len(choices) > 1 else ""
    name = kind.name or ""
    if isinstance(value, str) and "number" in name and _is_number(value):
        return " (it is text: write it without quotes or leading zeros)"
    if value is None and not kind.required:
        return "; leave the key out for the default"
    if isinstance(value, bool | int | float) and (name == "text" or name.startswith("an id")):
        return " (write it in quotes)"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _choices(kind: ValueKind) -> tuple[str, ...]:
    if get_origin(kind.bare) is Literal:
        return get_args(kind.bare)
    return next((item.words for item in kind.metadata if isinstance(item, OneOf)), ())


def without_effect(model: type[BaseModel], data: Any, path: Keys = ()) -> Iterator[Keys]:
    """The paths of the keys in `data` that a capture does not read."""
    kind = ValueKind(model)
    yield from _unread(kind, data, path)


def _unread(kind: ValueKind, data: Any, path: Keys) -> Iterator[Keys]:
    if kind.variants and isinstance(data, dict):
        kind = kind.variant(data)
    if kind.model is not None and isinstance(data, dict):
        fields = fields_by_key(kind.model)
        for key, child in data.items():
            field = fields.get(key)
            if field is None:
                continue
            if isinstance(field.json_schema_extra, dict) and NO_EFFECT in field.json_schema_extra:
                yield (*path, key)
            else:
                yield from _unread(ValueKind.of(field), child, (*path, key))
    elif isinstance(data, dict) and hasattr(kind.bare, "__args__"):
        for key, child in data.items():
            yield from _unread(kind.of_value(), child, (*path, key))
