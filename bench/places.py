"""A folder beside an object store: bytes in and out, and a whole capture.

    python -m bench.places /disk/scratch s3://bucket/scratch

What is written there is removed at the end.
"""

from __future__ import annotations

import os
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from townlet.commands.capture.run_capture import RunnerOptions, capture
from townlet.dataset.checking.verify import verify_store
from townlet.dataset.format.canonical import file_sha256
from townlet.dataset.store.contract import Store
from townlet.dataset.store.open_store import is_remote, open_store
from townlet.planning.plan import Request, plan

ROUNDS = 3
LARGE, SMALL = (16 << 20, 8), (20_000, 200)  # bytes of a file, and how many
RUNS = 100  # of a small scenario: 2 samples of 200 ticks each
MB = 1e6


def main(places: list[str]) -> int:
    if not places:
        print(__doc__, file=sys.stderr)
        return 2
    print(f"{'':42}" + "".join(f"{'object store' if is_remote(place) else 'folder':>14}" for place in places))
    columns = [_measure(f"{place.rstrip('/')}/{secrets.token_hex(4)}") for place in places]
    for name in columns[0]:
        print(f"{name:42}" + "".join(f"{column[name]:14.1f}" for column in columns))
    return 0


def _measure(place: str) -> dict[str, float]:
    store = open_store(place)
    found: dict[str, float] = {}
    try:
        for (size, count), label in ((LARGE, "16 MB files"), (SMALL, "20 kB files")):
            for threads in (1, 8):
                who = f"{label}, {threads} thread{'s' * (threads > 1)}"
                data = os.urandom(size)
                names = [f"f/{number}" for number in range(count)]
                put = _median(
                    lambda d=data, n=names, t=threads: _each(n, lambda name: _put(store, name, d), t)
                )
                get = _median(lambda n=names, t=threads: _each(n, lambda name: _get(store, name), t))
                found[f"put MB/s, {who}"] = size * count / MB / put
                found[f"read and hash MB/s, {who}"] = size * count / MB / get
                store.delete("f")
        planned = plan(Request(("kitchen_breakfast",), seeds=tuple(range(RUNS)), as_data_set=True))
        work = RunnerOptions(workers=1, quiet=True)
        into = (f"{place}/c{number}" for number in range(ROUNDS + 1))
        capture(plan(Request(("kitchen_breakfast",), ticks=2)), next(into), work)  # compiles, where it has to
        found[f"capture of {RUNS} runs, s"] = _median(lambda: capture(planned, next(into), work))
        found["the same again, s"] = _median(lambda: capture(planned, f"{place}/c1", work))
        found["verify, s"] = _median(lambda: verify_store(store.below("c1")))
    finally:
        for file in {name.name.split("/")[0] for name in store.list()}:
            store.delete(file)
        if not is_remote(place):
            os.rmdir(place)
    return found


def _put(store: Store, name: str, data: bytes) -> None:
    store.write_whole(name, [data])


def _get(store: Store, name: str) -> None:
    with store.open_read(name) as file:
        file_sha256(file)


def _each(names: list[str], work: Callable[[str], None], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, names))


def _median(work: Callable[[], object]) -> float:
    """Seconds."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
