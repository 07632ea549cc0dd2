"""Views for torch: what they share out is decided without torch, which is imported when asked for."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dataset.towns import TOWN, capture_lives, town_run
from townlet import dataset
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.torch_view import item_arrays, worker_items
from townlet.dataset.store.local import LocalStore
from townlet.errors import UserError
from townlet.samples import ARRAYS, OPTIONAL_ARRAYS

# Some take more workers than a small machine has cores.
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")

LENGTH = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    capture_lives(LocalStore(folder), town_run(seed=0), town_run(seed=1), lives=TOWN)
    return folder


@pytest.fixture
def opened(folder: Path) -> DataSet:
    return dataset.open(folder)


def key(window: Any) -> tuple[int, int, int]:
    return window.seed, window.arrival, window.start


@pytest.mark.parametrize("workers", [1, 2, 3, 50])
def test_workers_share_all_items(opened: DataSet, workers: int) -> None:
    windows = opened.windows(LENGTH)
    for seed in (None, 4):
        parts = [
            [key(w) for w in worker_items(windows, seed, 2, worker, workers)] for worker in range(workers)
        ]
        assert Counter(item for part in parts for item in part) == Counter(map(key, windows))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    whole = [key(window) for window in worker_items(windows, 4, 2, 0, 1)]
    assert whole == [key(window) for window in windows.shuffled(4, 2)]


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_batches_of_workers_are_those_of_one(opened: DataSet, workers: int, size: int) -> None:
    """Each worker makes batches of its own items, and a loader takes one of each in turn: as torch does it."""
    windows = opened.windows(LENGTH)
    expected = batches_of([key(window) for window in windows.shuffled(4, 2)], size)
    for drop_last in (False, True):
        made = [
            batches_of([key(w) for w in worker_items(windows, 4, 2, worker, workers, size)], size, drop_last)
            for worker in range(workers)
        ]
        in_turn = [batch for some in zip_longest(*made) for batch in some if batch is not None]
        assert in_turn == [batch for batch in expected if len(batch) == size or not drop_last]
        length = (
            len(windows) // size if drop_last else -(-len(windows) // size)
        )  # what a loader says of itself
        assert len(in_turn) == length


def batches_of(items: list[Any], size: int, drop_last: bool = False) -> list[list[Any]]:
    """As a worker makes them."""
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    return [batch for batch in batches if len(batch) == size or not drop_last]


def test_arrays_of_an_item(opened: DataSet) -> None:
    sample, window = opened.remembering(1)[0], opened.windows(LENGTH)[0]
    assert set(item_arrays(sample, None)) == {*ARRAYS, *OPTIONAL_ARRAYS}
    assert set(item_arrays(window, None)) == {*ARRAYS, *OPTIONAL_ARRAYS, "mask"}
    chosen = item_arrays(sample, ["rewards", "map"])
    assert list(chosen) == ["rewards", "map"]
    assert all(array.flags.writeable for array in chosen.values())
    assert not sample.rewards.flags.writeable


def test_without_torch(opened: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "torch.utils.data", None)
    monkeypatch.setattr("townlet.dataset.reading.torch_view._classes", _uncached())
    for ask in (opened.torch, opened.torch_stream, opened.windows(3).torch, opened.windows(3).torch_stream):
        with pytest.raises(
            UserError, match=r"needs torch, which is not installed .*pip install 'townlet\[train\]'"
        ):
            ask()
    assert len(opened) == 16


@pytest.mark.parametrize("size", [0, -1, 2.5, None, True])
def test_batch_sizes_that_are_none(opened: DataSet, size: Any) -> None:
    with pytest.raises(
        UserError, match="torch_stream: batch_size: expected a whole number of 1 or more, got"
    ):
        opened.torch_stream(batch_size=size)


def _uncached() -> Any:
    from townlet.dataset.reading import torch_view

    return torch_view._classes.__wrapped__


STAND_IN = """
import sys, types
class Dataset: pass
class IterableDataset(Dataset): pass
class Tensor:
    def __init__(self, value): self.value = value
    def share_memory_(self): return self
    def fill_(self, value): self.value = value
    def __int__(self): return int(self.value)
torch = types.ModuleType("torch")
torch.__path__ = []
torch.int64 = "int64"
torch.zeros = lambda shape, dtype: Tensor(0)
torch.from_numpy = Tensor
utils, data = types.ModuleType("torch.utils"), types.ModuleType("torch.utils.data")
data.Dataset, data.IterableDataset = Dataset, IterableDataset
data.get_worker_info = lambda: info
torch.utils, utils.data, utils.__path__ = utils, data, []
info = None
class Finder:
    asked = []
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            self.asked.append(name)
            import importlib.machinery
            return importlib.machinery.ModuleSpec(name, self)
    def create_module(self, spec):
        return {"torch": torch, "torch.utils": utils, "torch.utils.data": data}[spec.name]
    def exec_module(self, module): pass
sys.meta_path.insert(0, Finder())

import townlet.dataset
opened = townlet.dataset.open(sys.argv[1])
windows = opened.windows(8).shuffled(1)
opened.statistics(), opened.joint("town", 0)
assert not Finder.asked, Finder.asked
view = windows.torch(arrays=["rewards", "mask"])
assert "torch.utils.data" in Finder.asked
assert isinstance(view, Dataset) and len(view) == len(windows)
item = view[3]
assert list(item) == ["rewards", "mask"] and (item["rewards"].value == windows[3]["rewards"]).all()
stream = windows.torch_stream(seed=5)
assert isinstance(stream, IterableDataset) and len(stream) == len(windows)
def ticks(): return [int(item["tick"].value[0]) for item in stream]
first = ticks()
assert first == ticks() == [int(w["tick"][0]) for w in windows.shuffled(5)]
stream.set_epoch(1)
assert ticks() == [int(w["tick"][0]) for w in windows.shuffled(5, 1)] != first
dealt = windows.torch_stream(seed=5, batch_size=2)
again = __import__("pickle").loads(__import__("pickle").dumps(dealt))
for stream_of_two in (dealt, again):
    assert len(stream_of_two) == len(windows)
    got = []
    for worker in range(2):
        info = types.SimpleNamespace(id=worker, num_workers=2)
        got.append([int(item["tick"].value[0]) for item in stream_of_two])
    whole = [int(w["tick"][0]) for w in windows.shuffled(5)]
    assert got[0][:4] == whole[0:2] + whole[4:6] and got[1][:2] == whole[2:4]
    assert sorted(got[0] + got[1]) == sorted(whole)
info = types.SimpleNamespace(id=1, num_workers=3)
assert ticks() == [int(w["tick"][0]) for w in windows.shuffled(5, 1).shard(1, 3)]
print("fine")
"""


def test_with_a_stand_in(folder: Path) -> None:
    """The import is lazy, and what the classes do with torch's parts is what they should."""
    run = subprocess.run(
        [sys.executable, "-c", STAND_IN, str(folder)], capture_output=True, text=True, check=False
    )
    assert run.stdout == "fine\n", run.stderr


@pytest.mark.torch
def test_map_style(opened: DataSet) -> None:
    import torch

    windows = opened.windows(LENGTH)
    view = windows.torch()
    loader = torch.utils.data.DataLoader(view, batch_size=4)
    batches = list(loader)
    assert len(view) == len(windows) and len(batches) == -(-len(windows) // 4)
    assert batches[0]["map"].shape == (4, LENGTH, 4, 5, 5)
    assert batches[0]["value_preds"].shape == (4, LENGTH + 1)
    assert batches[0]["mask"].dtype == torch.bool
    rewards = np.concatenate([batch["rewards"].numpy() for batch in batches])
    assert (rewards == np.stack([window["rewards"] for window in windows])).all()
    (sample,) = torch.utils.data.DataLoader(opened[:1].torch(arrays="rewards"), batch_size=None)
    assert list(sample) == ["rewards"] and sample["rewards"].shape == (8,)
    with pytest.raises(UserError, match="no array 'reward'; there are map, features"):
        opened.torch(arrays=["reward"])


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize(("start", "persistent"), [("fork", False), ("fork", True), ("spawn", True)])
def test_streams_in_workers(opened: DataSet, start: str, persistent: bool) -> None:
    """Every item once an epoch, in an order that is another one in each."""
    import torch

    windows = opened.windows(LENGTH)
    stream = windows.torch_stream(seed=3, arrays=["tick", "features"])
    loader = torch.utils.data.DataLoader(
        stream, batch_size=None, num_workers=2, multiprocessing_context=start, persistent_workers=persistent
    )
    expected = Counter(window["features"].tobytes() for window in windows)
    orders = []
    for epoch in range(2):
        stream.set_epoch(epoch)
        orders.append([item["features"].numpy().tobytes() for item in loader])
        assert Counter(orders[-1]) == expected
    assert orders[0] != orders[1]
    parts = [list(windows.shuffled(3, 1).shard(worker, 2)) for worker in range(2)]
    assert orders[1][:2] == [part[0]["features"].tobytes() for part in parts]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_in_workers(opened: DataSet, workers: int, drop_last: bool) -> None:
    """The number that the loader says, and the batches of one process in its order, whatever the number of workers."""
    import torch

    windows = opened.windows(LENGTH)
    stream = windows.torch_stream(seed=3, arrays=["tick", "features"], batch_size=4)
    fork = {"multiprocessing_context": "fork"} if workers else {}
    loader = torch.utils.data.DataLoader(
        stream, batch_size=4, num_workers=workers, drop_last=drop_last, **fork
    )
    found = [batch["features"].numpy() for batch in loader]
    assert len(found) == len(loader) == (len(windows) // 4 if drop_last else -(-len(windows) // 4))
    ordered = np.stack([window["features"] for window in windows.shuffled(3)])
    assert (np.concatenate(found) == ordered[: sum(map(len, found))]).all()
    assert sum(map(len, found)) >= len(windows) - (3 if drop_last else 0)


@pytest.mark.torch
def test_views_are_pickled(opened: DataSet) -> None:
    view = opened.windows(LENGTH).shuffled(1).torch(arrays=["tick"])
    again = pickle.loads(pickle.dumps(view))
    assert (again[2]["tick"] == view[2]["tick"]).all()
    stream = opened.torch_stream(seed=1)
    stream.set_epoch(7)
    assert int(pickle.loads(pickle.dumps(stream)).epoch) == 7
