"""The arrays of the ticks that a page shows in full: filled moment by moment while a run is played again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from townlet.observation.columns import NEED_HUNGER, RIVALRY_MAX, WALLET
from townlet.report.run.doing import Doing
from townlet.vocabulary import NEEDS, STOCKS
from townlet.world import state as st
from townlet.world.records import plain
from townlet.world.refusals import WAITS

if TYPE_CHECKING:
    from townlet.generator.generate import GeneratedWorld
    from townlet.playback.playback import Moment

# Of rows and ticks [A, T]: dtype. Those of who does not live are 0.
BY_ROW = {
    "x": np.uint16, "y": np.uint16, "action": np.uint16, "object": np.int16, "target": np.int16, "success": np.uint8,
    "refusal": np.uint8, "doing": np.int16, "left": np.uint16, "queued_at": np.int16, "place": np.uint8,
    "wallet": np.float32, "rivalry": np.float32, "reward": np.float32, "log_prob": np.float32, "value": np.float32,
}  # fmt: skip
LARGEST_BYTE = 255


class SpanArrays:
    """The arrays of `ticks` ticks from `first` on. Axes: A rows, N needs, K terms, O objects, U actions, T ticks."""

    def __init__(self, generated: GeneratedWorld, first: int, ticks: int, lives: int) -> None:
        agents, objects = len(generated.names.agents), len(generated.names.objects)
        self.first, self.ticks = first, ticks
        self._space = generated.action_space.dim
        number = np.dtype(np.uint16 if lives < 1 << 15 else np.uint32)  # of a life
        self.arrays: dict[str, np.ndarray] = {"who": np.zeros((agents, ticks), number)}
        self.arrays |= {name: np.zeros((agents, ticks), dtype) for name, dtype in BY_ROW.items()}
        if number.itemsize > 2:
            self.arrays["target"] = np.zeros((agents, ticks), np.int32)
        self.arrays |= {
            "need": np.zeros((agents, len(NEEDS), ticks), np.float32),
            "term": np.zeros((agents, len(st.TERMS), ticks), np.float32),
            "mask": np.zeros((agents, -(-self._space // 8), ticks), np.uint8),
            "user": np.zeros((objects, ticks), number),
            "holder": np.zeros((objects, ticks), number),
            "waiting": np.zeros((objects, ticks), np.uint8),
            "stock": np.zeros((objects, len(STOCKS), ticks), np.int16),
            "price": np.zeros(ticks, np.float32),
            "utility": np.zeros(ticks, np.uint8),
        }
        self._features = FeatureChanges(agents, len(generated.layout.feature_names))

    def note(self, moment: Moment, doing: Doing) -> None:
        """Write the column of a moment's tick."""
        t, arrays, alive = moment.tick - self.first, self.arrays, moment.arrival > 0
        agents, tick, seen = plain(moment.before.agents), plain(moment.world.tick), moment.seen
        features = seen.features[:, 0]
        found = {
            "who": moment.arrival, "x": agents["x"], "y": agents["y"], "action": seen.actions[:, 0],
            "object": doing.object, "target": doing.target, "success": tick["success"],
            "refusal": _refused(tick["refusal"]),
            "doing": doing.code, "left": np.minimum(doing.left, 65535), "queued_at": doing.queued_at,
            "place": np.minimum(doing.place, LARGEST_BYTE), "wallet": features[:, WALLET],
            "rivalry": features[:, RIVALRY_MAX], "reward": seen.rewards[:, 0], "log_prob": seen.old_log_probs[:, 0],
            "value": seen.value_preds[:, 0],
        }  # fmt: skip
        everybody = bool(alive.all())
        for name, column in found.items():
            if everybody:  # a third of the time
                arrays[name][:, t] = column
            else:
                arrays[name][:, t][alive] = column[alive]
        arrays["need"][alive, :, t] = features[alive, NEED_HUNGER : NEED_HUNGER + len(NEEDS)]
        arrays["term"][alive, :, t] = seen.reward_terms[alive, 0]
        arrays["mask"][alive, :, t] = np.packbits(seen.action_mask[alive, 0], axis=1, bitorder="little")
        self._note_objects(moment, t)
        self._features.note(t, alive, features)

    def _note_objects(self, moment: Moment, t: int) -> None:
        objects, arrival = plain(moment.world.objects), plain(moment.world.agents)["arrival"]
        for name in ("user", "holder"):
            row = objects[name]
            self.arrays[name][:, t] = np.where(row >= 0, arrival[row], 0)
        self.arrays["waiting"][:, t] = np.minimum(objects["waiting"], LARGEST_BYTE)
        self.arrays["stock"][:, :, t] = np.clip(objects["stock"], -32768, 32767)
        self.arrays["price"][t] = moment.world.events.price_level[0]
        power, water = moment.world.events.utility.tolist()
        self.arrays["utility"][t] = power | water << 1

    def finished(self) -> dict[str, np.ndarray]:
        """All arrays, those of the features among them."""
        return {**self.arrays, **self._features.arrays()}


class FeatureChanges:
    """The features as changes, those of a feature and a row one after another. What a feature is at a tick is its last
    change up to then; before the first one it is 0.

    In this order they take a tenth of the space that they take by row and tick: a feature's numbers are alike, also
    those of other rows.
    """

    def __init__(self, agents: int, features: int) -> None:
        self._last = np.zeros((agents, features), np.uint32)  # bits of the numbers
        self._places, self._ticks, self._bits = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()

    def note(self, t: int, alive: np.ndarray, features: np.ndarray) -> None:
        """Add what changed at tick `t` (from the first that is shown) for those who live."""
        bits = np.ascontiguousarray(features).view(np.uint32)
        rows, columns = np.nonzero((bits != self._last) & alive[:, None])
        if len(rows):
            self._last[rows, columns] = bits[rows, columns]
            self._places.append((columns * len(bits) + rows).astype(np.uint32))
            self._ticks.append(np.full(len(rows), t, np.uint32))
            self._bits.append(bits[rows, columns])

    def arrays(self) -> dict[str, np.ndarray]:
        """`feature_at` (ticks from the first one shown), `feature_value`, and `feature_start`: the changes of feature f
        of row a are those from start[f * A + a] to start[f * A + a + 1]."""
        nothing = np.zeros(0, np.uint32)
        places = np.concatenate([nothing, *self._places])
        order = np.argsort(places, kind="stable")  # they came by tick
        starts = np.searchsorted(places[order], np.arange(self._last.size + 1))
        return {
            "feature_at": np.concatenate([nothing, *self._ticks])[order],
            "feature_value": np.concatenate([nothing, *self._bits])[order].view(np.float32),
            "feature_start": starts.astype(np.uint32),
        }


def _refused(codes: np.ndarray) -> np.ndarray:
    """Codes of refusals; 0 for who was told to wait in a queue, which is none."""
    return np.where(codes < WAITS, codes, 0)
