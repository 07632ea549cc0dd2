"""What is said of a place in which a capture was begun and not finished, to whoever wants to read it."""

from __future__ import annotations

import re

from townlet.dataset.format.manifest import MANIFEST_SUFFIX
from townlet.dataset.format.paths import RUNS, STAGING
from townlet.dataset.store.contract import Store
from townlet.dataset.store.writer import writer_of

# A run that is staged: enough to know whose folder this is.
STAGED_RUN = re.compile(rf"{re.escape(STAGING)}/[A-Za-z0-9_][A-Za-z0-9_.-]*-\d+-[0-9a-f]{{64}}/")


def unfinished_capture(store: Store) -> str:
    """How far a capture is that has no index, or no manifest, yet; "" where none was begun."""
    done = {file.name.rpartition("/")[0] for file in store.list(RUNS) if file.name.endswith(MANIFEST_SUFFIX)}
    staged = {found[0] for file in store.list(STAGING) if (found := STAGED_RUN.match(file.name))}
    if not done and not staged:
        return ""
    begun = len(done) + len(staged)
    how_far = f"{len(done)} of {begun} begun {'run is' if begun == 1 else 'runs are'} done"
    writer = writer_of(store)
    if writer:
        return f"No finished capture here yet: {writer} is writing it, {how_far}. Wait until it is done."
    return f"No finished capture here: {how_far}. Run the same `townlet capture` to finish it."
