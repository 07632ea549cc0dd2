"""torch for the files that learn; without it, a message that says what to install."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from townlet.errors import UserError

INSTALL = "training needs torch, which is not installed here: pip install 'townlet[train]'"


def import_torch() -> Any:
    """The module `torch`. Raises UserError where it is not installed."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UserError(INSTALL) from None


torch: Any = import_torch()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch's: sums are then in one order, and the same seed gives the same weights again."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
