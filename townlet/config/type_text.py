"""What a field's values look like, in words: for error messages and for the documentation alike."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, Discriminator, RootModel
from pydantic.fields import FieldInfo

from townlet.config.schema.types import Named, names_of

MAX_QUOTED_LENGTH = 60  # characters of a value in a message
MOST_COMPARED = 2_000  # names that the nearest is looked for among: a town has fewer
KEY_MARK = "[key]"  # what pydantic puts after a key that is itself wrong


def quoted(value: Any) -> str:
    """A value as a message quotes it, at most one short line."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)[1:-1]
        return f"'{text}'" if len(text) <= MAX_QUOTED_LENGTH else f"'{text[:MAX_QUOTED_LENGTH]}...'"
    if isinstance(value, dict):
        return "a mapping"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    if isinstance(value, list | tuple) and (len(text) > MAX_QUOTED_LENGTH or "{" in text):
        return f"a list of {len(value)}"
    return text if len(text) <= MAX_QUOTED_LENGTH else text[:MAX_QUOTED_LENGTH] + "..."


def fields_by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Every key that a model knows, older names included."""
    return {key: field for name, field in model.model_fields.items() for key in names_of(name, field)}


class ValueKind:
    """An annotation taken apart: the bare type, and all metadata on the way to it."""

    def __init__(self, annotation: Any, metadata: tuple[Any, ...] = ()) -> None:
        self.required = True
        self.metadata = list(metadata)
        while True:
            origin = get_origin(annotation)
            if origin is Annotated:
                annotation, *more = get_args(annotation)
                self.metadata += _flat(more)
                continue
            if origin in (Union, types.UnionType) and type(None) in get_args(annotation):
                rest = tuple(arg for arg in get_args(annotation) if arg is not type(None))
                annotation = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 - made at run time
                continue
            break
        self.bare = annotation

    @classmethod
    def of(cls, field: FieldInfo) -> ValueKind:
        """A field's kind."""
        metadata = list(field.metadata)
        if field.discriminator is not None:
            metadata.append(
                Discriminator(field.discriminator) if isinstance(field.discriminator, str) else None
            )
        kind = cls(field.annotation, tuple(metadata))
        kind.required = field.is_required()
        return kind

    @property
    def name(self) -> str | None:
        return next((item.name for item in self.metadata if isinstance(item, Named)), None)

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, where a mapping of known keys is meant."""
        return self.bare if isinstance(self.bare, type) and issubclass(self.bare, BaseModel) else None

    @property
    def variants(self) -> dict[str, type[BaseModel]]:
        """The models of a union told apart by a tag, by tag."""
        if get_origin(self.bare) not in (Union, types.UnionType):
            return {}
        found = {}
        for arg in get_args(self.bare):
            model = ValueKind(arg).model
            if model is not None:
                found.update(dict.fromkeys(_tags(model), model))
        return found

    def variant(self, data: dict[str, Any]) -> ValueKind:
        """The union's model that data is of: by its `kind`, else the one that needs none."""
        optional = {
            tag for tag, model in self.variants.items() if not model.model_fields["kind"].is_required()
        }
        return ValueKind(self.variants.get(data.get("kind", next(iter(optional), "")), Any))

    def of_value(self) -> ValueKind:
        """What the values of a mapping, or the items of a list, are."""
        args = get_args(self.bare)
        return ValueKind(args[-1] if get_origin(self.bare) is dict else args[0])

    def of_key(self) -> ValueKind:
        """What the keys of a mapping are."""
        return ValueKind(get_args(self.bare)[0])

    def words(self) -> str:
        """`a number from 0.5 to 2`, `'full', 'hybrid' or 'compact'`, `a list of tiles [x, y]`."""
        origin = get_origin(self.bare)
        if origin is Literal:
            return one_of(get_args(self.bare))
        if self.name is not None:
            return self.name + bounds_text(self.metadata)
        if self.model is not None:
            return "a mapping"
        if origin is dict:
            return "a mapping"
        if origin in (tuple, list):
            return f"a list, each {self.of_value().words()}"
        if self.variants:
            return "a mapping with `kind`: " + one_of(tuple(self.variants))
        return "a value"


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        else:
            yield item


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    for name in ("kind", "type"):
        field = model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is Literal:
            return tuple(get_args(field.annotation))
    return ()


def one_of(values: tuple[Any, ...]) -> str:
    """`'a', 'b' or 'c'`."""
    texts = [f"'{value}'" for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def bounds_text(metadata: list[Any]) -> str:
    """` from 0 to 1`, ` >= 0`, ` of 1 to 200 characters`, or nothing."""
    low = high = above = None
    shortest = next((item.min_length for item in metadata if isinstance(item, annotated_types.MinLen)), None)
    longest = next((item.max_length for item in metadata if isinstance(item, annotated_types.MaxLen)), None)
    if shortest is not None:
        return f" of {shortest} to {longest} characters" if longest is not None else ", not empty"
    for item in metadata:
        if isinstance(item, annotated_types.Ge):
            low = item.ge
        elif isinstance(item, annotated_types.Gt):
            above = item.gt
        elif isinstance(item, annotated_types.Le):
            high = item.le
    if above is not None:
        return f" above {_number(above)}" + ("" if high is None else f", at most {_number(high)}")
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    if low is not None:
        return f" >= {_number(low)}"
    return "" if high is None else f" <= {_number(high)}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def resolve_location(
    model: type[BaseModel], loc: tuple[Any, ...]
) -> tuple[tuple[str | int, ...], ValueKind, bool]:
    """From a pydantic error's location: the path in the file, what is expected there, if its key is wrong.

    A location names, besides keys and indices, the tag of a union's variant, which the file does not.
    """
    kind = ValueKind(model)
    if issubclass(model, RootModel):
        kind = ValueKind.of(model.model_fields["root"])
    path: list[str | int] = []
    key_kind = kind
    for part in loc:
        if part == KEY_MARK:
            return tuple(path), key_kind, True
        if kind.variants:
            kind = ValueKind(kind.variants.get(part, kind.bare))
            continue
        if kind.model is not None:
            field = fields_by_key(kind.model).get(part)
            path.append(part)
            if field is None:
                return tuple(path), ValueKind(Any), False
            kind = ValueKind.of(field)
        elif get_origin(kind.bare) is dict:
            path.append(part)
            key_kind, kind = kind.of_key(), kind.of_value()
        elif get_origin(kind.bare) in (tuple, list):
            path.append(part)
            kind = kind.of_value()
        else:
            break
    return tuple(path), kind, False


def path_as_written(model: type[BaseModel], path: tuple[str | int, ...], data: Any) -> tuple[str | int, ...]:
    """A path in a model's own names as a path of `data`, which may use the keys' other names."""
    kind = ValueKind(model)
    out: list[str | int] = []
    for part in path:
        if kind.variants and isinstance(data, dict):
            kind = kind.variant(data)
        if kind.model is not None and isinstance(data, dict):
            field = kind.model.model_fields.get(str(part))
            if field is not None:
                part = next((name for name in names_of(str(part), field) if name in data), part)
                kind = ValueKind.of(field)
        elif get_origin(kind.bare) in (dict, tuple, list):
            kind = kind.of_value()
        out.append(part)
        data = value_at(data, part)
    return tuple(out)


def value_at(data: Any, part: str | int) -> Any:
    """What stands in `data` under a key or index; None where nothing does."""
    try:
        return data[part]
    except (KeyError, IndexError, TypeError):
        return None


def closest_name(name: Any, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one, case aside; None where none does, or there are very many."""
    if not isinstance(name, str):
        return None
    by_folded = {str(candidate).lower(): str(candidate) for candidate in known}
    if len(by_folded) > MOST_COMPARED:
        return None
    found = difflib.get_close_matches(name.lower()[:100], by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """The end of a message: `; did you mean 'rivalry'?`, or nothing."""
    found = closest_name(name, known)
    return f"; did you mean '{found}'?" if found else ""


def unknown_name(what: str, name: str, known: Iterable[str], known_as: str | None = None) -> str:
    """`unknown key 'rivlary'; did you mean 'rivalry'?`, or which ones there are."""
    names = [str(candidate) for candidate in known]
    message = f"unknown {what} {quoted(name)}"
    found = closest_name(name, names)
    if found:
        return f"{message}; did you mean '{found}'?"
    plural = known_as or f"{what}s"
    if not names:
        return f"{message}; there are no {plural}"
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{message}; the {plural} are: {listed}"
