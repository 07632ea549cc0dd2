"""The action space: ids, texts, and what can be said for an action. What cannot: tests/rollout/test_loop.py."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from townlet.errors import UserError
from townlet.policy.actions import Action, ActionSpace, real_number, whole_number

SPACE = ActionSpace(["eat", "sleep"])


def test_ids_in_their_order() -> None:
    assert SPACE.dim == 11
    assert SPACE.kinds() == ["wait", *["move"] * 4, "release", "chat", "request", "start", "request", "start"]
    assert SPACE.json[0] == '{"kind":"wait"}' and SPACE.json[10] == '{"affordance":"sleep","kind":"start"}'
    assert [SPACE.lookup[text] for text in SPACE.json] == list(range(11))
    assert SPACE.hashes()[3] == zlib.crc32(b'{"direction":"east","kind":"move"}') / 2**32


@pytest.mark.parametrize(
    ("said", "action"),
    [
        (7, Action(7)),
        (np.int32(7), Action(7)),
        ('{"kind": "request", "affordance": "eat"}', Action(7)),
        ({"kind": "request", "affordance": "eat", "object": "fridge_1"}, Action(7, "fridge_1")),
        ({"kind": "chat", "target": "bob", "quality": 1}, Action(6, None, "bob", 1.0)),
        ({"kind": "wait", "object": None}, Action(0)),
        (Action(6, quality=0.25), Action(6, quality=0.25)),
    ],
)
def test_what_can_be_said(said: object, action: Action) -> None:
    assert SPACE.parse(said) == action


def test_the_nearest_action_is_named() -> None:
    with pytest.raises(UserError, match=r'did you mean \{"affordance":"eat","kind":"start"\}'):
        SPACE.parse({"kind": "start", "affordance": "eet"})
    with pytest.raises(
        UserError, match="is not an action of this config; `townlet actions CONFIG` lists them"
    ):
        SPACE.parse({"x": "y"})


def test_numbers() -> None:
    assert whole_number(3) and whole_number(np.uint8(3)) and not whole_number(3.0) and not whole_number(True)
    assert real_number(0.5) and real_number(np.float32(0.5)) and real_number(2)
    assert not any(map(real_number, (True, "1", None, float("nan"), float("inf"), 1j)))
