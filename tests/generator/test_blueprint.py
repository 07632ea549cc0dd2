"""What is made once for a config, and how much of it is kept."""

from __future__ import annotations

import pytest

from tests.generator.towns import TOWN
from townlet.config.load import Resolved
from townlet.errors import ConfigError
from townlet.generator import blueprint as module
from townlet.generator.blueprint import BlueprintCache
from townlet.run import canonical_json


def text(resolved: Resolved) -> str:
    return canonical_json(resolved.to_json_dict())


def test_a_config_is_worked_out_once(load, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(module, "make_ground", lambda resolved, *_: made.append(resolved.name) or object())
    cache = BlueprintCache()
    for _ in range(3):
        blueprint = cache.get(text(load(TOWN % "")))
        monkeypatch.setattr(type(blueprint), "nbytes", 0)
        blueprint.ground(list(blueprint.things))
    assert made == ["tiny"]


def test_the_map_is_made_anew_where_the_seed_places_objects(load, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(module, "make_ground", lambda resolved, *_: made.append(resolved.name))
    blueprint = BlueprintCache().get(text(load(TOWN.replace("position: [2, 2], ", "") % "")))
    for _ in range(3):
        blueprint.ground(list(blueprint.things))
    assert made == ["tiny"] * 3


def test_only_the_last_ones_are_kept(load) -> None:
    texts = [text(load((TOWN % "").replace("tiny", f"town{n}"))) for n in range(4)]
    cache = BlueprintCache(most=2)
    first = cache.get(texts[0])
    cache.get(texts[1])
    assert cache.get(texts[0]) is first
    cache.get(texts[2])
    assert cache.get(texts[0]) is first  # used later than the second
    cache.get(texts[3])
    cache.get(texts[2])
    assert cache.get(texts[0]) is not first


def test_large_grounds_are_not_kept_together(load) -> None:
    cache = BlueprintCache(most_bytes=1)
    first = cache.get(text(load(TOWN % "")))
    first.ground(list(first.things))
    assert cache.get(text(load(TOWN % ""))) is first and first.nbytes > 1
    cache.get(text(load((TOWN % "").replace("tiny", "other"))))
    assert cache.get(text(load(TOWN % ""))) is not first


def test_what_is_no_config() -> None:
    with pytest.raises(ConfigError, match="resolved config: not what was stored"):
        BlueprintCache().get("{}")
