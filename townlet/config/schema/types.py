"""What a value of a config may look like: the kinds of values that all sections are made of.

A validator here raises one of two errors: `expected(...)`, whose message `validation.py` completes with the
field's own bounds, and `invalid(...)`, whose message stands as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StrictStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

LARGEST_WHOLE = 2**31 - 1  # ticks are stored as int32
LARGEST_SEED = 2**63 - 1
LONGEST_DAY = 1_000_000  # ticks; a table of a day is small
LARGEST_NUMBER = 1e9  # products of a few of them stay finite
UNREAD = "Accepted, no effect on a capture."
NO_EFFECT = "x-no-effect"  # marks, in a field's JSON Schema, a key that a capture does not read

ID_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)


class Named:
    """In a type's metadata: what an error message and the documentation call its values."""

    def __init__(self, name: str) -> None:
        self.name = name


class OneOf(Named):
    """Of a text that is one of some words, or something else that `otherwise` describes."""

    def __init__(self, words: tuple[str, ...], otherwise: str) -> None:
        listed = ", ".join(f"'{word}'" for word in words)
        super().__init__(f"{listed} or {otherwise}")
        self.words = words


def expected(what: str = "") -> PydanticCustomError:
    """The value is not of its field's kind; `what` replaces the field's own words, where it says more."""
    return PydanticCustomError("expected", "{what}", {"what": what})


def invalid(message: str) -> PydanticCustomError:
    """`message`, with nothing added."""
    return PydanticCustomError("invalid", "{message}", {"message": message})


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise expected()
    if abs(value) > LARGEST_WHOLE:
        raise expected(f"a whole number up to {LARGEST_WHOLE}")
    return value


def _seed(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise expected()
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise expected()
    if not math.isfinite(value):
        raise expected("a finite number")
    if abs(value) > LARGEST_NUMBER:
        raise expected("a number from -1e9 to 1e9")
    return float(value) + 0.0  # -0.0 and 0.0 are one value, and one JSON text


WORDS_FOR_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _flag(value: Any) -> Any:
    """YAML 1.1's words for booleans are text to our reader (a stage is called OFF); flags understand them."""
    if isinstance(value, str) and value.lower() in WORDS_FOR_FLAGS:
        return WORDS_FOR_FLAGS[value.lower()]
    if not isinstance(value, bool):
        raise expected()
    return value


def _identifier(value: Any) -> Any:
    if not isinstance(value, str) or not ID_PATTERN.fullmatch(value):
        raise expected()
    return value


def read_tile(value: Any) -> Any:
    """A tile as it is written -> (x, y); raises `expected` for anything else."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise expected()
    try:
        x, y = (_whole(part) for part in value)
    except PydanticCustomError:
        raise expected() from None
    if x < 0 or y < 0:
        raise expected("a tile [x, y] of whole numbers from 0")
    return (x, y)


def _place(value: Any) -> Any:
    return _identifier(value) if isinstance(value, str) else read_tile(value)


def _size(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise expected()
    try:
        width, height = (_whole(part) for part in value)
    except PydanticCustomError:
        raise expected() from None
    if not (1 <= width <= 256 and 1 <= height <= 256):
        raise expected()
    return (width, height)


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise expected()
    return value


def pair_schema(minimum: int, maximum: int | None = None) -> dict[str, Any]:
    """The JSON Schema of two whole numbers."""
    item: dict[str, Any] = {"type": "integer", "minimum": minimum}
    if maximum is not None:
        item["maximum"] = maximum
    return {"type": "array", "items": item, "minItems": 2, "maxItems": 2}


ID_RULE = "1 to 64 of A-Z a-z 0-9 _ . -, the first not . or -"
Whole = Annotated[int, BeforeValidator(_whole), Named("a whole number")]
Number = Annotated[float, BeforeValidator(_number), Named("a number")]
Flag = Annotated[bool, BeforeValidator(_flag), Named("true or false")]
Text = Annotated[StrictStr, BeforeValidator(_text), Named("text")]
Seed = Annotated[
    int,
    BeforeValidator(_seed),
    Named("a whole number from 0 to 2^63 - 1"),
    Field(json_schema_extra={"minimum": 0}),
]
Identifier = Annotated[
    StrictStr,
    BeforeValidator(_identifier),
    Named(f"an id ({ID_RULE})"),
    WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN.pattern}$"}),
]
Tile = Annotated[
    tuple[int, int], BeforeValidator(read_tile), Named("a tile [x, y]"), WithJsonSchema(pair_schema(0))
]
Place = Annotated[
    tuple[int, int] | str,
    BeforeValidator(_place),
    Named("a tile [x, y] or an object's id"),
    WithJsonSchema({"anyOf": [pair_schema(0), {"type": "string"}]}),
]
GridSize = Annotated[
    tuple[int, int],
    BeforeValidator(_size),
    Named("[width, height], each from 1 to 256"),
    WithJsonSchema(pair_schema(1, 256)),
]

T = TypeVar("T")


def in_order(given: dict[Any, Any]) -> dict[Any, Any]:
    """By name: a config and its JSON text, whose keys are sorted, then mean the same."""
    return dict(sorted(given.items()))


ByName = Annotated[dict[Identifier, T], AfterValidator(in_order)]


MANY = 300  # mistakes of one list
PIECE = 50  # items of it that are looked at together


def _until_many_mistakes(value: Any, read_items: ValidatorFunctionWrapHandler) -> Any:
    """Read a long list piece by piece, and end with the piece that brings the mistakes to many.

    An anchor makes a million mistakes of one, and each takes a kilobyte while it is told.
    """
    if not isinstance(value, list | tuple) or len(value) <= PIECE:
        return read_items(value)
    read: list[Any] = []
    mistakes: list[InitErrorDetails] = []
    for start in range(0, len(value), PIECE):
        try:
            read += read_items(value[start : start + PIECE])
        except ValidationError as error:
            mistakes += [_at(entry, start) for entry in error.errors(include_url=False)]
            if len(mistakes) >= MANY:
                break
    if mistakes:
        raise ValidationError.from_exception_data("list", mistakes)
    return tuple(read)


def _at(entry: Any, start: int) -> InitErrorDetails:
    """A mistake as pydantic told it, in a list whose first item is the `start`-th of another."""
    kind, context = entry["type"], entry.get("ctx", {})
    if kind in ("expected", "invalid"):
        kind = PydanticCustomError(kind, "{what}" if kind == "expected" else "{message}", context)
    index, *inner = entry["loc"]
    return InitErrorDetails(type=kind, loc=(index + start, *inner), input=entry["input"], ctx=context)


Many = Annotated[tuple[T, ...], WrapValidator(_until_many_mistakes)]


def _discard(value: Any) -> None:
    """A value that nothing reads is checked and then dropped: two configs that differ in it are one run."""
    return None


Unused = Annotated[T | None, AfterValidator(_discard)]
AnyMapping = Annotated[dict[str, Any], Named("a mapping")]


def unused(description: str = "") -> Any:
    """A field that a capture accepts and does not read. Its value is None once loaded."""
    text = f"{description} {UNREAD}".strip()
    return Field(default=None, exclude=True, description=text, json_schema_extra={NO_EFFECT: True})


def names_of(field_name: str, field: FieldInfo) -> tuple[str, ...]:
    """The keys under which a field may be given, its own name first."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return (field_name, *(str(choice) for choice in alias.choices if choice != field_name))
    return (field_name,)


class Section(BaseModel):
    """A mapping of known keys; any other key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A key's other names are keys as well."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, field in cls.model_fields.items():
            for other in names_of(name, field):
                properties.setdefault(other, properties.get(name))
        return schema


def range_data(value: Any) -> Any:
    """`[min, max]` and one number are short for `{min: ..., max: ...}`."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"min": value[0], "max": value[1]}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"min": value, "max": value}
    if isinstance(value, Mapping):
        return value
    raise expected()


def range_schema(kind: str, maximum: int | None = None) -> dict[str, Any]:
    """The JSON Schema of a range of numbers from 0."""
    number: dict[str, Any] = {"type": kind, "minimum": 0}
    if maximum is not None:
        number["maximum"] = maximum
    ends = {"min": number, "max": number}
    return {
        "anyOf": [
            number,
            {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
            {"type": "object", "properties": ends, "required": ["min", "max"], "additionalProperties": False},
        ],
        "examples": [[0, 1], 1, {"min": 0, "max": 1}] if maximum == 1 else [[1, 2], 2, {"min": 1, "max": 2}],
    }


class WholeEnds(Section):
    min: Whole = Field(ge=0, description="Smallest value.")
    max: Whole = Field(ge=0, description="Largest value.")

    @model_validator(mode="after")
    def _ordered(self) -> WholeEnds:
        if self.min > self.max:
            raise invalid(f"expected min <= max, got min {self.min} and max {self.max}")
        return self


class NumberEnds(Section):
    min: Number = Field(ge=0, description="Smallest value.")
    max: Number = Field(ge=0, description="Largest value.")

    @model_validator(mode="after")
    def _ordered(self) -> NumberEnds:
        if self.min > self.max:
            raise invalid(f"expected min <= max, got min {self.min:g} and max {self.max:g}")
        return self


RANGE_RULE = "[min, max], one number or {min, max}, from 0"
WholeRange = Annotated[
    WholeEnds,
    BeforeValidator(range_data),
    Named(f"a range of whole numbers: {RANGE_RULE}"),
    WithJsonSchema(range_schema("integer")),
]
NumberRange = Annotated[
    NumberEnds,
    BeforeValidator(range_data),
    Named(f"a range of numbers: {RANGE_RULE}"),
    WithJsonSchema(range_schema("number")),
]
