"""What objects offer: the entries of an affordance file, and what their hooks mean.

An affordance file is a list of entries, `{type: object, id, object_type, stock, position}` or `{id,
object_type, duration, effects, preconds, hooks, interruptible}`. Preconditions are comparisons over a fixed
list of facts, parsed here and never evaluated as Python; hooks are names of a fixed list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    RootModel,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from townlet.config.schema.economy import Economy
from townlet.config.schema.scenario import FILLED_RULE, STOCK_RULE, StockAmounts
from townlet.config.schema.types import (
    Flag,
    Identifier,
    Many,
    Named,
    Number,
    Section,
    Tile,
    Whole,
    expected,
    in_order,
    invalid,
)
from townlet.config.type_text import unknown_name
from townlet.vocabulary import FACTS, STOCKS, Comparison, Fact, Need, Stock

Effect = Literal[Need, "money", Stock]
HookName = Literal[
    "on_attempt_shower",
    "on_finish_shower",
    "on_no_power",
    "on_attempt_eat",
    "on_finish_eat",
    "on_attempt_cook",
    "on_finish_cook",
    "on_cook_fail",
    "on_attempt_sleep",
    "on_finish_sleep",
]
HOOKS: tuple[str, ...] = get_args(HookName)
# What an object keeps where neither the affordance file nor the scenario says so.
DEFAULT_STOCK: dict[str, dict[str, int]] = {"fridge": {"meals": 5}, "stove": {"raw_ingredients": 3}}
COMMON_TYPES = ("fridge", "stove", "bed", "shower")  # objects that every installation knows
COMPARED = re.compile(r"\s*(\w+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*", re.ASCII)
TRUTH = {"true": 1.0, "false": 0.0}


class Precondition(Section):
    """`fact op value`; true is 1 and false 0. In a file it is text such as `wallet >= 0.4`."""

    fact: Fact = Field(description="The fact that is compared.")
    op: Comparison = Field(description="The comparison.")
    value: Number = Field(description="The value that the fact is compared with.")

    def __str__(self) -> str:
        value = {1.0: "true", 0.0: "false"}.get(self.value) if self.fact != "wallet" else None
        return f"{self.fact} {self.op} {value or format(self.value, 'g')}"


def _precondition(data: Any) -> Any:
    if not isinstance(data, str):
        return data
    parts = COMPARED.fullmatch(data)
    if parts is None:
        raise expected()
    fact, op, text = parts.groups()
    if fact not in FACTS:
        raise invalid(unknown_name("fact", fact, FACTS))
    try:
        value = TRUTH[text.lower()] if text.lower() in TRUTH else float(text)
    except ValueError:
        raise invalid(f"expected true, false or a number after {op}, got {text!r}") from None
    return {"fact": fact, "op": op, "value": value}


CONDITION = "a comparison such as 'power_on == true' or 'wallet >= 0.4'"
Condition = Annotated[
    Precondition,
    BeforeValidator(_precondition),
    Named(CONDITION),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": COMPARED.pattern}, {"type": "object"}]}),
]


_HOOK = {"type": "string", "enum": list(HOOKS)}


def _names(data: Any) -> Any:
    """One name is short for a list of one; nothing for none."""
    if data is None:
        return ()
    return (data,) if isinstance(data, str) else data


HookNames = Annotated[
    tuple[HookName, ...],
    BeforeValidator(_names),
    Named("a list of hook names"),
    WithJsonSchema({"anyOf": [_HOOK, {"type": "array", "items": _HOOK}, {"type": "null"}]}),
]


class Hooks(Section):
    """What else happens, by name: `before` the first tick, `after` the last, when a start `fail`s."""

    before: HookNames = Field(default=(), description="Run at the start.")
    after: HookNames = Field(default=(), description="Run at the end.")
    fail: HookNames = Field(default=(), description="Run when the preconditions of a start do not hold.")


class ObjectEntry(Section):
    """A thing that is in every town that uses the file."""

    id: Identifier = Field(description="The object's id.")
    object_type: Identifier = Field(description="The object's type.")
    stock: StockAmounts | None = Field(default=None, description=STOCK_RULE)
    position: Tile | None = Field(
        default=None, description="The tile where it stands. Default: a free tile, the same for equal seeds."
    )
    filled_to: StockAmounts | None = Field(default=None, description=FILLED_RULE)


class AffordanceEntry(Section):
    """What an agent can do with objects of a type."""

    id: Identifier = Field(description="The affordance's id, as schedules and actions use it.")
    object_type: Identifier = Field(description="The type of the objects that offer it.")
    also_types: tuple[Identifier, ...] | None = Field(
        default=None, description="Other types of objects that offer it too. Default: none."
    )
    duration: Whole = Field(ge=1, le=100_000, description="Duration in ticks; effects apply in the last one.")
    effects: dict[Effect, Number] = Field(
        default={},
        description="Changes of `hunger`, `hygiene`, `energy` and `money` (negative: a price); of the stocks "
        "`meals` and `raw_ingredients`, taken from the object at the start or put into one at the end.",
    )
    preconds: tuple[Condition, ...] = Field(
        default=(), description=f"All must hold at the start. Facts: {', '.join(FACTS)}."
    )
    hooks: Hooks = Field(default=Hooks(), description="Named side effects.")
    interruptible: Flag = Field(
        default=False,
        description="Whether a release gives effects in proportion to the time spent (otherwise it gives none).",
    )

    @property
    def types(self) -> tuple[str, ...]:
        """All types of objects that offer it, the entry's own first."""
        return (self.object_type, *(self.also_types or ()))

    @model_validator(mode="after")
    def _each_type_once(self) -> AffordanceEntry:
        if len(set(self.types)) < len(self.types):
            raise invalid(
                f"expected each type once in object_type and also_types, got {', '.join(self.types)}"
            )
        return self

    @field_validator("also_types", mode="after")
    @classmethod
    def _some_type(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return given or None

    @field_validator("effects", mode="after")
    @classmethod
    def _whole_stock(cls, effects: dict[str, float]) -> dict[str, float]:
        for stock in STOCKS:
            if not float(effects.get(stock, 0)).is_integer():
                raise invalid(f"expected a whole number for {stock}, got {effects[stock]:g}")
        return in_order(effects)


class AffordanceFile(Section):
    """A file's entries, in the file's order."""

    objects: tuple[ObjectEntry, ...] = ()
    affordances: tuple[AffordanceEntry, ...] = ()

    @property
    def object_types(self) -> tuple[str, ...]:
        """Types that offer something or stand in the file, in order."""
        offered = [entry.object_type for entry in self.affordances]
        more = [name for entry in self.affordances for name in entry.types]
        return tuple(dict.fromkeys([*offered, *(entry.object_type for entry in self.objects), *more]))


class ObjectInFile(ObjectEntry):
    """An entry `{type: object, ...}`."""

    type: Literal["object"] = Field(default="object", description="Tells an object from an affordance.")


class AffordanceInFile(AffordanceEntry):
    """An entry that is not of `type: object`."""

    type: Literal["affordance"] = Field(default="affordance", description="May be left out.")


def _kind_of_entry(data: Any) -> str:
    kind = data.get("type") if isinstance(data, Mapping) else getattr(data, "type", None)
    return "object" if kind == "object" else "affordance"


FileEntry = Annotated[
    Annotated[ObjectInFile, Tag("object")] | Annotated[AffordanceInFile, Tag("affordance")],
    Discriminator(_kind_of_entry),
]


class EntriesOfFile(RootModel[Many[FileEntry]]):
    """An affordance file as it is written: a list."""

    @model_validator(mode="before")
    @classmethod
    def _is_list(cls, data: Any) -> Any:
        if not isinstance(data, list | tuple):
            raise expected("a list of entries, each of an object or an affordance")
        return data

    def sorted_out(self) -> AffordanceFile:
        """Objects and affordances apart."""
        objects, affordances = [], []
        for entry in self.root:
            data = {name: getattr(entry, name) for name in type(entry).model_fields if name != "type"}
            if isinstance(entry, ObjectInFile):
                objects.append(ObjectEntry.model_construct(**data))
            else:
                affordances.append(AffordanceEntry.model_construct(**data))
        return AffordanceFile(objects=tuple(objects), affordances=tuple(affordances))


def effects_in_full(entry: AffordanceEntry, economy: Economy) -> dict[str, float]:
    """An entry's effects, with what its hooks and the economy add where the file says nothing.

    `on_attempt_eat` takes a meal, `on_attempt_cook` an ingredient, `on_finish_cook` puts a meal and costs
    `cook_energy_cost` and `cook_hygiene_cost`. Without a `money` of its own, what takes a meal costs
    `meal_cost`, and what takes or brings ingredients costs `ingredients_cost`.
    """
    effects: dict[str, float] = {**entry.effects}
    if "on_attempt_eat" in entry.hooks.before:
        effects.setdefault("meals", -1.0)
    if "on_attempt_cook" in entry.hooks.before:
        effects.setdefault("raw_ingredients", -1.0)
    if "on_finish_cook" in entry.hooks.after:
        effects.setdefault("meals", 1.0)
        effects.setdefault("energy", -economy.cook_energy_cost)
        effects.setdefault("hygiene", -economy.cook_hygiene_cost)
    if effects.get("meals", 0) < 0:
        effects.setdefault("money", -economy.meal_cost)
    elif effects.get("raw_ingredients", 0) != 0:
        effects.setdefault("money", -economy.ingredients_cost)
    return effects
