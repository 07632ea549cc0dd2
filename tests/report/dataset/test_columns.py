"""What the columns of samples hold."""

from __future__ import annotations

import json

import numpy as np
import pytest

from townlet.dataset.reading.data_set import DataSet
from townlet.report.dataset.columns import Actions, Features


def test_ranges_of_features(data_set: DataSet) -> None:
    features, samples = Features(), list(data_set.filter(seed=[0, 1]))
    for sample in samples:
        features.add(sample.metadata["capture_metadata"]["scenario_name"], sample)
    rows = {row["name"]: row for row in features.rows()}
    columns = [
        sample.features[:, sample.metadata["feature_names"].index("need_hunger")] for sample in samples
    ]
    hunger = np.concatenate(columns)
    assert (rows["need_hunger"]["low"], rows["need_hunger"]["high"]) == (hunger.min(), hunger.max())
    assert rows["need_hunger"]["mean"] == pytest.approx(hunger.mean(dtype=np.float64))
    assert not rows["need_hunger"]["constant"] and rows["need_hunger"]["scenarios"] == 2
    constant = [row for row in rows.values() if row["constant"]]
    assert constant and all(row["low"] == row["mean"] == row["high"] for row in constant)


def test_actions_by_kind(data_set: DataSet) -> None:
    actions, samples = Actions(), list(data_set.filter(scenario="kitchen_breakfast", seed=0))
    for sample in samples:
        actions.add(sample)
    found = actions.to_json_dict()
    steps = sum(sample.timesteps for sample in samples)
    legal = sum(int(sample.action_mask.sum()) for sample in samples)
    width = samples[0].action_mask.shape[1]
    assert found["masked"] == pytest.approx(1 - legal / (steps * width))
    names = {
        number: json.loads(text)["kind"] for text, number in samples[0].metadata["action_lookup"].items()
    }
    waits = sum(names[int(action)] == "wait" for sample in samples for action in sample.actions)
    assert dict(found["actions"])["wait"] == waits / steps
    assert sum(share for _, share in found["actions"]) == pytest.approx(1)
    assert Actions().to_json_dict() == {"masked": None, "off_mask": None, "actions": []}
