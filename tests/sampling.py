"""Of many cases of one kind, `make test` tries some, and the campaign the others as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first(few: int, cases: Iterable[Any]) -> list[Any]:
    """The cases of a parametrized test, all but the first few marked as parts of the campaign.

    A case that is a tuple has a value for each parameter.
    """
    listed = list(cases)
    others = (case if isinstance(case, tuple) else (case,) for case in listed[few:])
    return [*listed[:few], *(pytest.param(*case, marks=pytest.mark.campaign) for case in others)]
