"""How a run begins, where that is left to the seed: needs, wallets, the time of day, and the tiles to stand on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from townlet.config.schema.types import (
    RANGE_RULE,
    Named,
    NumberEnds,
    NumberRange,
    Section,
    Tile,
    WholeRange,
    expected,
    in_order,
    invalid,
    pair_schema,
    range_data,
    range_schema,
    read_tile,
)
from townlet.vocabulary import Need

ANYWHERE: Literal["anywhere"] = "anywhere"


def _within_one(ends: NumberEnds) -> NumberEnds:
    if ends.max > 1:
        raise invalid(f"expected a range of numbers from 0 to 1, got max {ends.max:g}")
    return ends


def _positions(value: Any) -> Any:
    if value == ANYWHERE:
        return value
    if not isinstance(value, list | tuple) or not value:
        raise expected()
    return tuple(read_tile(each) for each in value)


NeedRange = Annotated[
    NumberEnds,
    BeforeValidator(range_data),
    AfterValidator(_within_one),
    Named(f"a range of numbers: {RANGE_RULE} to 1"),
    WithJsonSchema(range_schema("number", 1)),
]
Positions = Annotated[
    tuple[Tile, ...] | str,
    BeforeValidator(_positions),
    Named("'anywhere' or a list of tiles [x, y]"),
    WithJsonSchema(
        {"anyOf": [{"const": ANYWHERE}, {"type": "array", "items": pair_schema(0), "minItems": 1}]}
    ),
]


class Starts(Section):
    """What the seed draws of the start, for everybody in the scenario; what is not named is as the scenario says."""

    needs: dict[Need, NeedRange] | None = Field(
        default=None, description="Range of a need's satisfaction at the start, for each agent anew."
    )
    wallet: NumberRange | None = Field(
        default=None,
        description="Range of coins at the start, for each agent anew; a newcomer begins with what its row drew.",
    )
    tick_of_day: WholeRange | None = Field(
        default=None,
        description="Range of the tick of day at which the run begins, below `world.ticks_per_day`. Ticks are counted "
        "from 0 all the same: only the time of day, and with it shifts, rent and the day's events, is another.",
    )
    positions: Positions | None = Field(
        default=None,
        description="Where agents start, each on a tile of its own: `anywhere` on the largest connected piece of floor "
        "where no object stands, or on one of these tiles.",
    )

    @field_validator("needs", mode="after")
    @classmethod
    def _none_where_none_is_named(cls, given: dict[Any, Any] | None) -> dict[Any, Any] | None:
        return in_order(given) if given else None

    @property
    def is_empty(self) -> bool:
        """Whether it leaves everything as the scenario says."""
        return (self.needs, self.wallet, self.tick_of_day, self.positions) == (None,) * 4
