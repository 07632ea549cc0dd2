"""Data sets for `torch.utils.data`. torch is imported when a view is asked for, and not before.

What goes where is decided here without torch: items as dictionaries of arrays (`item_arrays`), and which items
a loader's worker gets (`worker_items`). The classes at the end only put tensors around it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from townlet import arguments
from townlet.arrays import Array
from townlet.dataset.reading.selection import Ordered
from townlet.errors import UserError
from townlet.samples import ALL_ARRAYS


def map_style(view: Ordered[Any], arrays: Iterable[str] | None = None) -> Any:
    """A map-style Dataset: `[i]` is a dictionary of tensors, the arrays of item i (of all names, or of `arrays`).

    Windows have one shape and go into batches as they are; lives and samples differ in length, so a
    DataLoader needs `batch_size=None` or a `collate_fn` for them. Raises UserError where torch is not installed,
    or for a name that no item has.
    """
    chosen = _chosen(view, arrays)
    return _classes()["map"](view, chosen)


def stream(
    view: Ordered[Any], seed: int | None = None, arrays: Iterable[str] | None = None, batch_size: int = 1
) -> Any:
    """An IterableDataset: all items once an epoch, shared out among the workers of a DataLoader.

    With `seed` it is shuffled anew each epoch; call `set_epoch(epoch)` before each (workers that stay alive are
    told too). Several machines: give each `view.shard(rank, machines)`; every machine then goes through its own
    items in another order each epoch.

    `batch_size`: that of the loader. A loader's workers make batches by themselves, each of its own items. So items are
    dealt out in whole batches: whatever the number of workers, the batches are those that one process would make, in
    that order; there are `len(loader)` of them, one at most is short, and `drop_last` drops no other. With another
    batch size than the loader's, several workers would make several short batches, and more than `len(loader)`. Raises
    UserError for a size below 1.
    """
    seed = None if seed is None else arguments.whole("torch_stream: seed", seed)
    batch_size = arguments.whole("torch_stream: batch_size", batch_size, 1)
    return _classes()["stream"](view, seed, _chosen(view, arrays), batch_size)


def item_arrays(item: Any, names: Iterable[str] | None) -> dict[str, Array]:
    """The arrays of a sample (the optional ones always) or a window, writeable: nobody else has them."""
    arrays: Any = item.arrays
    if callable(arrays):
        arrays = {name: item.array(name) for name in ALL_ARRAYS}
    chosen = arrays if names is None else {name: arrays[name] for name in names}
    return {name: array if array.flags.writeable else array.copy() for name, array in chosen.items()}


def worker_items(
    view: Ordered[Any], seed: int | None, epoch: int, worker: int, workers: int, batch_size: int = 1
) -> Iterator[Any]:
    """The items of one of several workers: shuffled first, then every `workers`-th batch of them."""
    ordered = view if seed is None else view.shuffled(seed, epoch)
    batches = range(worker * batch_size, len(ordered), workers * batch_size)
    return (item for start in batches for item in ordered[start : start + batch_size])


def _chosen(view: Ordered[Any], arrays: Iterable[str] | None) -> tuple[str, ...] | None:
    if arrays is None:
        return None
    names = arguments.texts("torch: arrays", arrays)
    if len(view):
        known = item_arrays(view[0], None)
        for name in names:
            if name not in known:
                raise UserError(f"no array {name!r}; there are {', '.join(known)}")
    return names


def _torch() -> Any:
    try:
        importlib.import_module("torch.utils.data")
        return importlib.import_module("torch")
    except ImportError as error:
        raise UserError(
            f"a torch view needs torch, which is not installed here ({error}); "
            "install it, or Townlet with its extra: pip install 'townlet[train]'"
        ) from error


@cache
def _classes() -> dict[str, type]:
    """The two classes, made when torch is there. They are pickled by the functions that make their objects."""
    torch = _torch()

    def tensors(item: Any, names: tuple[str, ...] | None) -> dict[str, Any]:
        return {name: torch.from_numpy(np.asarray(array)) for name, array in item_arrays(item, names).items()}

    class MapStyle(torch.utils.data.Dataset):
        def __init__(self, view: Ordered[Any], names: tuple[str, ...] | None) -> None:
            self.view, self.names = view, names

        def __len__(self) -> int:
            return len(self.view)

        def __getitem__(self, index: int) -> dict[str, Any]:
            return tensors(self.view[int(index)], self.names)

        def __reduce__(self) -> tuple[Any, ...]:
            return _unpickled, ("map", self.view, self.names)

    class Stream(torch.utils.data.IterableDataset):
        def __init__(
            self, view: Ordered[Any], seed: int | None, names: tuple[str, ...] | None, batch_size: int
        ) -> None:
            self.view, self.seed, self.names, self.batch_size = view, seed, names, batch_size
            self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that stay alive see it

        def set_epoch(self, epoch: int) -> None:
            """Of the next iteration: another epoch is another order."""
            self.epoch.fill_(epoch)

        def __len__(self) -> int:
            """Items, of all workers together: a loader counts its batches from it."""
            return len(self.view)

        def __iter__(self) -> Iterator[dict[str, Any]]:
            info = torch.utils.data.get_worker_info()
            worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
            items = worker_items(self.view, self.seed, int(self.epoch), worker, workers, self.batch_size)
            return (tensors(item, self.names) for item in items)

        def __reduce__(self) -> tuple[Any, ...]:
            return (
                _unpickled,
                ("stream", self.view, self.seed, self.names, self.batch_size),
                {"epoch": self.epoch},
            )

    return {"map": MapStyle, "stream": Stream}


def _unpickled(kind: str, *arguments: Any) -> Any:
    return _classes()[kind](*arguments)
