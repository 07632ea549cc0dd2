"""What stays in this process while captures are made, and is found by a word.

It is an object of the caller's that decides, or the stored actions of a capture that a run leaves.

No Beam here: a table of what is held. Beam pickles its steps, in one process too; an object need not bear that, and
should not be copied.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from townlet.errors import UserError
from townlet.policy_text import GivenPolicy

if TYPE_CHECKING:
    from townlet.rollout.stored import StoredActions

_held: dict[str, GivenPolicy | StoredActions] = {}


@contextlib.contextmanager
def held(given: GivenPolicy | StoredActions | None) -> Iterator[str | None]:
    """The word by which steps in this process find a policy; None for none."""
    if given is None:
        yield None
        return
    word = secrets.token_hex(8)
    _held[word] = given
    try:
        yield word
    finally:
        del _held[word]


def given_by(word: str | None) -> GivenPolicy | StoredActions | None:
    """The policy of a word. Raises UserError in another process."""
    if word is None:
        return None
    if word not in _held:
        raise UserError("a policy object acts in the process that has it, and this worker is another one")
    return _held[word]
