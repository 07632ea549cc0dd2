"""A model from a file's bytes: what it is, and every kind of file that is none."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.policy.network.graph.bad_models import BAD, FACTS, GOOD, RELU, built
from tests.policy.network.graph.graphs import ACTIONS, op, setting, value
from tests.policy.network.models import random_model
from townlet.escaping import shown
from townlet.policy.network import onnx_session, read_model
from townlet.policy.network.metadata import layout_of
from townlet.policy.network.read_model import ModelError, load_model

SMALL = random_model(setting(), hidden=(2,))


def test_a_model_of_ours() -> None:
    model = load_model(SMALL, "m.onnx")
    assert model.is_compiled
    assert model.digest == hashlib.sha256(SMALL).hexdigest()
    assert model.layout == layout_of(setting())
    assert model.facts["trained"] == {"by": "random numbers, seed 0"}
    assert model.actions == ACTIONS


def test_a_model_of_others() -> None:
    model = load_model(built(RELU), "m.onnx")
    assert model.is_compiled and model.layout is None and model.facts == {} and model.actions == ACTIONS


@pytest.mark.parametrize("sizes", [(ACTIONS,), ("actions",)])
def test_how_many_actions_there_are(sizes: tuple[int | str, ...]) -> None:
    """Of what is computed, whatever is stated."""
    data = built(RELU, inputs=["features"], outputs=[value("logits", 1, "B", *sizes), value("value", 1, "B")])
    assert load_model(data, "m.onnx").actions == ACTIONS


def test_values_may_be_a_column() -> None:
    data = built(RELU, outputs=["logits", value("value", 1, "B", 1)])
    assert load_model(data, "m.onnx").is_compiled


@pytest.mark.parametrize("data, message", BAD.values(), ids=BAD)
def test_what_is_no_model(data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        load_model(data, "policy: m.onnx")
    (line,) = caught.value.lines
    assert line.startswith("policy: m.onnx: ") and shown(line) == line and len(line) < 400


def test_there_are_enough_kinds() -> None:
    assert len(BAD) >= 30 and load_model(GOOD, "m.onnx").is_compiled


def test_the_largest_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "MOST_BYTES", len(SMALL))
    load_model(SMALL, "m.onnx")
    with pytest.raises(
        ModelError, match=rf"expected a model of at most {len(SMALL)} bytes, found {len(SMALL) + 1}"
    ):
        load_model(SMALL + b"\0", "m.onnx")


def test_what_is_read_is_shown_safely() -> None:
    with pytest.raises(ModelError, match=r"^a\\x0ab: expected an ONNX model"):
        load_model(b"", "a\nb")


def test_cut_at_every_byte() -> None:
    for end in range(0, len(SMALL), 5):
        try:
            load_model(SMALL[:end], "m.onnx")
        except ModelError:
            continue
        # Nothing is missed but metadata, which stands behind the graph.
        assert end > SMALL.index(b"townlet.") - 20


def mutated(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    found = bytearray(data)
    for place, byte in changes:
        found[place % len(found)] = byte
    return bytes(found)


CHANGES = some.lists(some.tuples(some.integers(0, 2**20), some.integers(0, 255)), min_size=1, max_size=6)
GOOD_BYTES = some.sampled_from([GOOD, SMALL])


def model_or_error(data: bytes) -> None:
    """One message, or a model: no other exception, and no memory for what a file only says it has."""
    try:
        load_model(data, "m.onnx")
    except ModelError as error:
        assert str(error).startswith("m.onnx: ") and shown(error) == str(error)


@pytest.fixture
def nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs for onnxruntime are not tried: each would take a process."""
    monkeypatch.setattr(onnx_session, "in_a_process", lambda *_: None)
    monkeypatch.setattr(onnx_session, "is_installed", lambda: True)


@pytest.mark.usefixtures("nothing_is_run")
def test_changed_bytes() -> None:
    @settings(max_examples=60, deadline=None, database=None)
    @given(GOOD_BYTES, CHANGES)
    def run(data: bytes, changes: list[tuple[int, int]]) -> None:
        model_or_error(mutated(data, changes))

    run()


@pytest.mark.campaign
@pytest.mark.usefixtures("nothing_is_run")
def test_many_changed_bytes() -> None:
    @settings(max_examples=12_000, deadline=None, database=None)
    @given(GOOD_BYTES, CHANGES, some.integers(0, 2**20), some.binary(max_size=12), some.integers(0, 40))
    def run(data: bytes, changes: list[tuple[int, int]], at: int, more: bytes, gone: int) -> None:
        found = mutated(data, changes)
        at %= len(found)
        model_or_error(found[:at] + more + found[at + gone :])

    run()


@pytest.mark.campaign
@pytest.mark.usefixtures("nothing_is_run")
def test_every_bit_turned() -> None:
    for place in range(len(GOOD)):
        for bit in range(8):
            model_or_error(mutated(GOOD, [(place, GOOD[place] ^ 1 << bit)]))


def test_without_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_session, "is_installed", lambda: False)
    data = built(op("Softsign", "features", to="x"), metadata=FACTS)
    message = (
        r"it is not compiled \(the operator Softsign\), and is run by onnxruntime, which is not installed here: "
        r"pip install 'townlet\[policy\]'"
    )
    with pytest.raises(ModelError, match=message):
        load_model(data, "m.onnx")
