"""What lies in a place, a folder or a prefix."""

from __future__ import annotations

from townlet.dataset.store.open_store import open_store


def stored(place: object) -> dict[str, bytes]:
    """Every file but the logs, which tell the time."""
    store = open_store(str(place))
    names = [file.name for file in store.list()]
    return {name: store.read(name) for name in names if not name.endswith("capture_log.json")}
