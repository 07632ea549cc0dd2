"""A data card with pictures: the card that a data set has, a plot of each scenario and what its town looks like.

It is a folder of its own, to be published beside the data or before them. The data set stays as it is: what lies in it
does not depend on what is installed where it was captured. The card is taken as people have left it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from townlet.arrays import Array
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.format.documents import MOST_BYTES
from townlet.dataset.format.manifest import safe_name
from townlet.dataset.format.paths import CARD
from townlet.dataset.reading.capture import Capture
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.store.open_store import open_store
from townlet.drawing.film import Captions, colours, picture
from townlet.drawing.gif import import_pillow
from townlet.errors import CorruptSampleError, UserError
from townlet.escaping import markdown, shown
from townlet.playback.playback import Playback
from townlet.report.card.plots import import_figure, plot_scenario
from townlet.report.dataset.columns import Features
from townlet.report.dataset.dataset_data import scenario_data
from townlet.report.sources import models_of

LISTED = "card.json"  # says which files of the folder are ours, by their SHA-256
MOST_SCENARIOS = 12  # that have pictures
SCALE = 2  # pixels for one of a tile of sixteen
LARGE = 1_500  # pixels along a side, above which a town is not enlarged


def card_files(data_set: DataSet) -> dict[str, bytes]:
    """The files of an illustrated card by name.

    Raises UserError where matplotlib or Pillow is missing, and where a data set has no card.
    """
    import_figure()
    import_pillow()
    text = _card(data_set)
    files: dict[str, bytes] = {}
    section = "\n".join(_section(data_set, files))
    files[CARD] = f"{text.rstrip()}\n\n{section}".encode()
    listed = {name: sha256_hex(data) for name, data in sorted(files.items())}
    files[LISTED] = (json.dumps({"townlet": "card", "files": listed}, indent=1) + "\n").encode()
    return files


def _card(data_set: DataSet) -> str:
    """The card as it is now: of Townlet's, or as people have changed it."""
    try:
        return open_store(data_set.place).read(CARD, MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        raise UserError(f"{data_set.place}: has no {CARD}, so that there is no card to illustrate") from None


def _section(data_set: DataSet, files: dict[str, bytes]) -> Iterator[str]:
    """The lines about pictures; the pictures are put into `files`."""
    yield "## Pictures"
    yield ""
    scenarios = data_set.scenarios[:MOST_SCENARIOS]
    if len(scenarios) < len(data_set.scenarios):
        yield f"Of the first {MOST_SCENARIOS} of {len(data_set.scenarios):,} scenarios."
        yield ""
    for name in scenarios:
        runs = data_set.filter(scenario=name)
        found: dict[str, Array] = {}
        facts = scenario_data(0, name, runs, Features(), found, lambda capture: {})
        stem = safe_name(name, "scenario")
        files[f"{stem}.png"] = plot_scenario(facts, found["reward_0"], found["need_0"])
        yield f"### {markdown(name)}"
        yield ""
        yield f"![{markdown(_plot_words(facts))}]({stem}.png)"
        yield ""
        yield from _town(data_set.capture(name, int(facts["replays"][0]["seed"])), stem, files)


def _plot_words(facts: Mapping[str, Any]) -> str:
    returns = sorted(row[4] for row in facts["rows"])
    middle = returns[(len(returns) - 1) // 2]
    runs = len(facts["read"])
    if runs == 1:
        return f"Reward and needs over the {facts['ticks']:,} ticks of one run; return {middle:.4g}"
    return (
        f"Reward and needs over {facts['ticks']:,} ticks, the median of {runs} runs with the band from 10 to 90 per "
        f"cent; returns from {returns[0]:.4g} to {returns[-1]:.4g}, median {middle:.4g}"
    )


def _town(capture: Capture, stem: str, files: dict[str, bytes]) -> Iterator[str]:
    """The town in the middle of its best run."""
    try:
        playback = Playback(capture, models_of(capture))
        tick = playback.ticks // 2
        files[f"{stem}-town.png"] = _picture(playback, tick)
    except (CorruptSampleError, UserError) as error:
        yield f"No picture of the town: {markdown(shown(error))}."
    else:
        height, width = playback.generated.params.town.wall.shape
        words = f"The town of {width} by {height} tiles from above, at tick {tick} of seed {capture.metadata['seed']}"
        yield f"![{words}]({stem}-town.png)"
    yield ""


def _picture(playback: Playback, tick: int) -> bytes:
    """A PNG of the town at the end of a tick."""
    generated = playback.generated
    captions = Captions.of(generated.params, generated.names.object_types, playback.registry.names)
    moment = next(playback.moments(tick, tick))  # asked for another one, the town would go on
    numbers = picture(moment.world, generated.params, tick, captions)
    scale = SCALE if max(numbers.shape) * SCALE <= LARGE else 1
    image = import_pillow().fromarray(numbers.repeat(scale, axis=0).repeat(scale, axis=1))
    image.putpalette(colours().tobytes())
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()
