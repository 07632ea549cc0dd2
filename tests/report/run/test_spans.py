"""Features as changes: what is said of each, and nothing twice."""

from __future__ import annotations

import numpy as np

from townlet.report.run.spans import FeatureChanges


def test_changes_by_hand() -> None:
    changes = FeatureChanges(agents=2, features=2)
    both = np.array([True, True])
    changes.note(0, both, np.array([[0.5, 0.0], [0.0, -1.0]], np.float32))
    changes.note(1, both, np.array([[0.5, 2.0], [0.0, -1.0]], np.float32))
    changes.note(2, np.array([True, False]), np.array([[0.25, 2.0], [9.0, 9.0]], np.float32))
    changes.note(3, both, np.array([[0.25, 0.0], [0.0, -1.0]], np.float32))
    arrays = changes.arrays()
    # Feature 0 of row 0, of row 1 (never anything but 0), feature 1 of row 0, of row 1.
    assert arrays["feature_start"].tolist() == [0, 2, 2, 4, 5]
    assert arrays["feature_at"].tolist() == [0, 2, 1, 3, 0]
    assert arrays["feature_value"].tolist() == [0.5, 0.25, 2.0, 0.0, -1.0]
    assert [array.dtype for array in arrays.values()] == [np.uint32, np.float32, np.uint32]


def test_a_zero_with_a_sign_is_another_number() -> None:
    changes = FeatureChanges(1, 1)
    changes.note(0, np.array([True]), np.array([[-0.0]], np.float32))
    assert np.signbit(changes.arrays()["feature_value"]).tolist() == [True]


def test_nobody_ever() -> None:
    arrays = FeatureChanges(3, 2).arrays()
    assert not arrays["feature_at"].size and arrays["feature_start"].tolist() == [0] * 7
