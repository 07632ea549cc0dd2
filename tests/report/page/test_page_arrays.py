"""What a page in Chromium has is what the samples hold: at 50 random ticks of each shipped scenario, and of a week."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.page.browser import Opened
from tests.report.run.captures import SCENARIOS, capture_of
from townlet.dataset.reading.capture import Capture
from townlet.dataset.store import local as store
from townlet.report.facts.sample_facts import describe
from townlet.report.run.page import run_page
from townlet.samples import ReplaySample

pytestmark = pytest.mark.page

TICKS = 50
WEEK = 7 * 1440
ASK = "(moments) => moments.map(([tick, name]) => townlet.at(tick, name))"


@pytest.fixture(autouse=True, scope="module")
def no_syncing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_sync_file_system", lambda path: True)
        yield


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios(browser: Any, tmp_path: Path, scenario: str) -> None:
    capture = capture_of(f"scenarios/{scenario}", tmp_path / "capture")
    assert differences(browser, tmp_path, capture, None, range(capture.metadata["ticks"])) == []


def test_the_last_days_of_a_week(browser: Any, tmp_path: Path) -> None:
    """Of a long run the ticks that were asked for are shown in full."""
    capture = capture_of("examples/small_town", tmp_path / "capture", ticks=WEEK)
    span = (WEEK - 4000, WEEK - 1)
    assert differences(browser, tmp_path, capture, span, range(span[0], WEEK)) == []


def differences(
    browser: Any, folder: Path, capture: Capture, span: tuple[int, int] | None, among: range
) -> list[str]:
    """What the page says otherwise than the samples at random ticks, of everybody who lives then."""
    path = folder / "report.html"
    path.write_bytes(run_page(capture, span=span))
    samples = {name: capture.joined(name) for name in capture.agents}
    ticks = random.Random(7).sample(among, min(TICKS, len(among)))
    moments = [(tick, name) for tick in sorted(ticks) for name in samples]
    with Opened(browser, path) as opened:
        answers = opened.page.evaluate(ASK, moments)
    found, compared = [], 0
    for (tick, name), answer in zip(moments, answers, strict=True):
        sample = samples[name]
        t = tick - int(sample.tick[0])
        if not 0 <= t < sample.timesteps:
            found += [] if answer is None else [f"{name} does not live at tick {tick}"]
            continue
        compared += 1
        assert answer is not None, f"{name} lives at tick {tick}"
        found += [f"tick {tick}, {name}: {what}" for what in _different(sample, t, answer)]
    assert compared > TICKS // 2
    return found


def _different(sample: ReplaySample, t: int, answer: dict[str, Any]) -> Iterator[str]:
    numbers = {
        "need": sample.features[t, :3],
        "wallet": sample.features[t, 3],
        "reward": sample.rewards[t],
        "terms": sample.reward_terms[t],
        "position": sample.positions[t],
        "features": sample.features[t],
        "mask": np.flatnonzero(sample.action_mask[t]),
        "actionId": sample.actions[t],
        "logProb": sample.old_log_probs[t],
        "value": sample.value_preds[t],
    }
    for name, expected in numbers.items():
        if not np.array_equal(np.asarray(answer[name], np.float64), np.asarray(expected, np.float64)):
            yield f"{name}: {answer[name]} and not {np.asarray(expected).tolist()}"
    action = describe(sample_actions(sample)[int(sample.actions[t])])
    if answer["action"] != action:
        yield f"action: {answer['action']} and not {action}"


def sample_actions(sample: ReplaySample) -> list[dict[str, str]]:
    """The actions of a sample by their ids."""
    return [json.loads(text) for text in sample.metadata["action_names"]]
