"""A policy as configs and suites name it: a word of the vocabulary, or a network's file with options."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, StrictStr, WithJsonSchema

from townlet.config.schema.types import OneOf, expected, invalid
from townlet.errors import UserError
from townlet.policy_text import PREFIX, is_network, parse_network
from townlet.vocabulary import POLICIES

LONGEST_POLICY = 4_000  # characters of a path with its options


def _policy(value: Any) -> Any:
    if is_network(value) and len(value) <= LONGEST_POLICY:
        try:
            return str(parse_network(value, ""))
        except UserError as error:
            raise invalid(str(error).removeprefix(": ")) from None
    if not isinstance(value, str) or value not in POLICIES:
        raise expected()
    return value


PolicyText = Annotated[
    StrictStr,
    BeforeValidator(_policy),
    OneOf(POLICIES, "network:PATH"),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(POLICIES), "type": "string"},
                {"type": "string", "pattern": f"^{PREFIX}[^?]"},
            ]
        }
    ),
]
