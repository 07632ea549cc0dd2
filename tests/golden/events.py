"""What happens in each shipped scenario, a line an event, as `townlet events` shows it: to be read, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.golden.measure import golden_runs
from tests.rollout.test_replay import captured
from townlet.playback.events import events_of
from townlet.playback.playback import Playback

FOLDER = Path(__file__).resolve().parent / "events"
HEAD = "# Written by `make golden`: what `townlet events` shows of this run.\n"
NOTHING = "# nothing but walking and waiting\n"


def scenarios(configs: Iterable[str]) -> list[str]:
    """Those whose events are stored."""
    return [config for config in configs if config.startswith("scenarios/")]


def path_of(config: str, folder: Path = FOLDER) -> Path:
    return folder / f"{config.removeprefix('scenarios/')}.txt"


def text_of(config: str) -> str:
    """The file's text: the scenario is played as it is shipped, and what was captured is played again."""
    run = golden_runs(config)["as shipped"]
    with tempfile.TemporaryDirectory() as folder:
        found = list(events_of(Playback(captured(run, Path(folder)))))
    lines = [
        f"{event.tick:>4}  {event.agent or 'town':<8}  {event.what:<40}  {event.then}" for event in found
    ]
    head = f"{HEAD}# {config}, seed {run.seed}, {run.ticks} ticks\n"
    return head + "".join(f"{line.rstrip()}\n" for line in lines) if lines else head + NOTHING


def out_of_date(configs: Iterable[str], folder: Path = FOLDER) -> dict[Path, str | None]:
    """The files that are not what is found now, each with what it is to be; None = of no shipped scenario."""
    found = {path_of(config, folder): text_of(config) for config in scenarios(configs)}
    stale: dict[Path, str | None] = {
        path: text
        for path, text in found.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    return stale | dict.fromkeys(sorted(set(folder.glob("*.txt")) - set(found)))


def store(stale: dict[Path, str | None]) -> None:
    """Write, and delete, what `out_of_date` found."""
    for path, text in stale.items():
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
