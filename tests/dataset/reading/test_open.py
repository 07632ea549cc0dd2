"""Opening: every kind of place, lazily; each sample checked; the same samples whatever others write meanwhile."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.dataset.captures import capture, content, flip, index
from tests.dataset.towns import capture_lives, town_run
from tests.samples import make_run
from townlet import dataset
from townlet.dataset.format.canonical import document_bytes, sha256_hex
from townlet.dataset.format.paths import run_folder
from townlet.dataset.index.index_document import Failure
from townlet.dataset.index.read_index import read_index
from townlet.dataset.reading.shard_parts import ChangedError
from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.dataset.versions import versions
from townlet.errors import CorruptSampleError, UserError
from townlet.run import Run


def scene_run(name: str, seed: int, **fields: int) -> Run:
    return make_run(name, seed, folder=run_folder(name, seed), **fields)


RUNS = [scene_run(name, seed) for name in ("kitchen", "plaza") for seed in (0, 1, 2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scenarios, three seeds, two agents each."""
    capture(LocalStore(tmp_path / "set"), *RUNS)
    return tmp_path / "set"


class CountingStore(LocalStore):
    """Notes what is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: list[str] = []

    def read(self, name: str, limit: int | None = None) -> bytes:
        self.reads.append(name)
        return super().read(name, limit)

    def below(self, folder: str) -> CountingStore:
        return CountingStore(self.root / folder)


def test_a_data_set(folder: Path) -> None:
    opened = dataset.open(folder)
    assert len(opened) == 12
    assert opened.place == str(folder)
    assert opened.scenarios == ("kitchen", "plaza")
    assert opened.runs[:2] == (("kitchen", 0), ("kitchen", 1))
    assert opened.agents == ("alice", "bob")
    assert opened.frame_count == 240
    assert opened.metadata["complete"] is True
    assert repr(opened) == f"<DataSet 12 samples of 6 runs, 2 scenarios; 240 frames; {folder}>"
    for run in RUNS:
        there = dataset.load_capture(folder / run.folder)
        mine = opened.filter(scenario=run.name, seed=run.seed)
        assert [s.content_digest() for s in mine] == [s.content_digest() for s in there]
        assert opened.capture(run.name, run.seed).config == there.config


def test_an_index_is_anything_but_a_sample(folder: Path) -> None:
    opened = dataset.open(str(folder))
    assert opened[-1].agent_id == "bob"
    assert opened[np.int64(3)].agent_id == "bob"
    assert [sample.agent_id for sample in opened[2:7:2]] == ["alice"] * 3
    assert len(opened[20:]) == 0
    for wrong in (12, -13):
        with pytest.raises(IndexError, match=rf"expected an index in 0\.\.11, got {wrong}"):
            opened[wrong]
    with pytest.raises(TypeError):
        opened["alice"]  # type: ignore[call-overload]


def test_nothing_is_read_before_it_is_asked_for(folder: Path) -> None:
    store = CountingStore(folder)
    opened = dataset.open(store)
    assert store.reads == ["dataset.json"]
    assert len(opened) == 12
    assert opened.runs[0] == ("kitchen", 0)
    assert store.reads == ["dataset.json"]
    few = opened.filter(scenario="plaza").shuffled(1)[:2]
    assert len(few.samples["reward_sum"]) == 2
    few.windows(8), few.lives(), few.runs
    assert [name.rpartition("/")[0] for name in store.reads] == ["", "index/samples", "index/runs"]
    few.split()
    before = len(store.reads)
    sample = few[0]
    place = f"runs/plaza/seed-{few.samples['seed'][0]}/rollout_sample_{sample.agent_id}"
    assert [name.rpartition("_")[0] for name in store.reads[before:]] == [place, place]


def test_columns_say_what_the_samples_are(folder: Path) -> None:
    opened = dataset.open(folder).shuffled(4)
    columns = opened.samples
    assert {"scenario", "seed", "agent_id", "reward_sum", "need_hunger_mean"} <= set(columns)
    for position, sample in enumerate(opened):
        assert columns["agent_id"][position] == sample.agent_id
        assert columns["reward_sum"][position] == sample.metadata["metrics"]["reward_sum"]
        assert columns["content_digest"][position] == sample.content_digest()
    table = columns.to_arrow(["seed", "agent_id"])
    assert table.column("seed").to_pylist() == columns["seed"].tolist()
    with pytest.raises(KeyError, match="no column 'rewards'; did you mean reward_sum"):
        columns["rewards"]
    with pytest.raises(ValueError, match="read-only"):
        dataset.open(folder).samples["seed"][0] = 1


def test_a_capture_is_a_data_set_of_one_run(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "one"), make_run())
    for place in (tmp_path / "one", tmp_path / "one" / "rollout_sample_manifest.json"):
        opened = dataset.open(place)
        assert opened.runs == (("scene", 3),)
        assert [s.content_digest() for s in opened] == [
            s.content_digest() for s in dataset.load_capture(place)
        ]
        assert opened.samples["reward_sum"][1] == opened[1].metadata["metrics"]["reward_sum"]
        assert opened.capture("scene", 3).agents == opened.agents == ("alice", "bob")
        assert len(pickle.loads(pickle.dumps(opened.filter(agent="bob")))) == 1
    (tmp_path / "one" / "other_manifest.json").write_bytes(b"{}")
    with pytest.raises(UserError, match="holds several captures; name one of their manifests"):
        dataset.open(tmp_path / "one")
    assert pickle.loads(pickle.dumps(dataset.open(place))).runs == (("scene", 3),)
    shutil.rmtree(tmp_path / "one")
    with pytest.raises(ChangedError, match="was removed since it was opened"):
        opened[0]


def test_versions(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "kept")
    for version, runs in ((1, RUNS[:1]), (2, RUNS[:2])):
        capture(store.below(versions.version_folder(version)), *runs)
        versions.publish(store, version)
    versions.finish_publishing(store, datetime.now(UTC))
    assert dataset.open(tmp_path / "kept").place == str(tmp_path / "kept/versions/2")
    assert len(dataset.open(tmp_path / "kept")) == len(dataset.open(tmp_path / "kept/current")) == 4
    assert len(dataset.open(tmp_path / "kept/versions/1")) == 2


def test_a_version_that_is_pruned_under_a_reader(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "kept")
    capture(store.below(versions.version_folder(1)), RUNS[0])
    versions.publish(store, 1)
    opened = dataset.open(tmp_path / "kept")
    sent = pickle.dumps(opened)
    assert opened[0].timesteps == 20
    capture(store.below(versions.version_folder(2)), RUNS[0])
    versions.publish(store, 2)
    assert opened[1].timesteps == 20
    versions.remove_version(store, 1)
    with pytest.raises(
        ChangedError, match=r"versions/1: was removed since it was opened .*open the data set ag"
    ):
        opened[0]
    with pytest.raises(ChangedError, match="versions/1: was removed since it was opened"):
        pickle.loads(sent)
    assert len(dataset.open(tmp_path / "kept")) == 2


def test_a_version_that_is_pruned_while_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pointer is read, and what it names is gone a moment later."""
    store = LocalStore(tmp_path / "kept")
    for version in (1, 2):
        capture(store.below(versions.version_folder(version)), RUNS[0])
    versions.publish(store, 1)
    resolve, calls = versions.resolve, []

    def slow(at: Store) -> Store:
        found = resolve(at)
        if not calls:
            versions.publish(store, 2)
            versions.remove_version(store, 1)
        calls.append(str(found))
        return found

    monkeypatch.setattr("townlet.dataset.reading.sample_index.resolve", slow)
    assert dataset.open(store).place.endswith("versions/2")
    assert len(calls) == 2


def test_others_write_on(folder: Path) -> None:
    """What was opened stays as it was; a pickled one finds its samples among more."""
    opened = dataset.open(folder)
    odd = opened.filter(lambda samples: samples["seed"] == 1).shuffled(3)
    expected = [sample.content_digest() for sample in odd]
    sent = pickle.dumps((opened, odd, odd.windows(8), odd.lives()))
    assert len(sent) < 2500
    capture(LocalStore(folder), *RUNS, scene_run("kitchen", 7), scene_run("attic", 1))
    assert len(opened) == 12
    assert [sample.content_digest() for sample in odd] == expected
    again, odd_again, windows, lives = pickle.loads(sent)
    assert (len(again), again.scenarios) == (12, ("kitchen", "plaza"))
    assert [sample.content_digest() for sample in odd_again] == expected
    assert (len(windows), len(lives)) == (12, 4)
    assert len(dataset.open(folder)) == 16


def test_a_whole_that_was_removed_says_so_wherever_it_is_missed(folder: Path) -> None:
    """Opened, and gone before anything else was read: the root with all that it names."""
    opened = dataset.open(folder)
    shutil.rmtree(folder / "index")
    (folder / "dataset.json").unlink()
    with pytest.raises(ChangedError, match=r"was removed since it was opened .*; open the data set again"):
        opened[0]


def test_runs_that_were_replaced(folder: Path) -> None:
    """`--overwrite` exchanges the folder: the old samples are gone, and that is not called damage."""
    opened = dataset.open(folder)
    sent = pickle.dumps(opened)
    shutil.rmtree(folder)
    capture(LocalStore(folder), *[scene_run(run.name, run.seed, ticks=10) for run in RUNS])
    with pytest.raises(ChangedError, match="runs of kitchen were replaced since the data set was opened"):
        opened[0]
    with pytest.raises(
        ChangedError, match="samples were replaced since the data set was opened; open it again"
    ):
        pickle.loads(sent)


def test_damaged_samples_are_found_before_they_are_decoded(folder: Path) -> None:
    opened = dataset.open(folder)
    place = folder / RUNS[0].folder
    for name in ("rollout_sample_alice_001.npz", "rollout_sample_alice_001.json"):
        for offset in range(0, (place / name).stat().st_size, 97):
            flip(place / name, offset)
            with pytest.raises(CorruptSampleError, match=rf"{name}: not the file that dataset\.json names"):
                opened[0]
            flip(place / name, offset)
    assert opened[0].timesteps == 20
    (place / "rollout_sample_alice_001.npz").unlink()
    with pytest.raises(CorruptSampleError, match=r"alice_001\.npz: named by dataset\.json, but not there"):
        opened[0]
    (place / "rollout_sample_manifest.json").write_bytes(b"{}")
    with pytest.raises(CorruptSampleError, match=r"not the manifest that dataset\.json names"):
        opened.capture("kitchen", 0)


@pytest.mark.parametrize("name", ["dataset.json", "index/runs", "index/samples"])
def test_a_damaged_index(folder: Path, name: str) -> None:
    path = folder / name
    if path.is_dir():
        path = sorted(path.iterdir())[0]
    size = path.stat().st_size
    for offset in range(0, size, size // 40):
        flip(path, offset)
        with pytest.raises(CorruptSampleError, match=rf"{name}.*: "):
            look(folder)
        flip(path, offset)
    path.unlink()
    with pytest.raises((CorruptSampleError, UserError)):
        look(folder)


def look(folder: Path) -> None:
    opened = dataset.open(folder)
    opened.samples["seed"], opened[0], opened[-1]


def test_a_damaged_shard_is_in_nobodys_way_who_does_not_need_it(folder: Path) -> None:
    for shard in read_index(LocalStore(folder)).shards:
        if shard.scenario == "plaza":
            for file in shard.files:
                (folder / file.name).unlink()
    opened = dataset.open(folder)
    assert len(opened) == 12
    assert len(list(opened.filter(scenario="kitchen"))) == 6
    with pytest.raises(CorruptSampleError, match="missing, or not the file that"):
        opened.samples["seed"]


def test_a_table_that_is_not_of_this_index(folder: Path, tmp_path: Path) -> None:
    """With digests that agree, the number of samples still does not."""
    store = LocalStore(tmp_path / "other")
    capture(store, RUNS[0])
    (shard,) = read_index(store).shards
    data = store.read(shard.files[1].name)
    document = json.loads((folder / "dataset.json").read_text())
    document["shards"][0]["samples"] = {"sha256": sha256_hex(data), "size": len(data)}
    document["metadata"]["content_sha256"] = "0" * 64
    document["metadata"]["content_sha256"] = sha256_hex(document_bytes(document))
    (folder / "dataset.json").write_bytes(document_bytes(document))
    (folder / shard.files[1].name).write_bytes(data)
    with pytest.raises(CorruptSampleError, match=r"parquet has 2 rows, dataset\.json counts 6 samples"):
        dataset.open(folder)[0]


def test_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="nowhere: expected the folder of a capture or a data set, found nothing"
    ):
        dataset.open(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"not a data set or a capture: expected dataset\.json"):
        dataset.open(tmp_path)
    (tmp_path / "note.txt").write_text("a note")
    with pytest.raises(UserError, match=r"note\.txt: expected the folder of .* found a file"):
        dataset.open(tmp_path / "note.txt")
    with pytest.raises(UserError):
        dataset.open("")
    capture_lives(LocalStore(tmp_path / "set"), town_run())
    opened = dataset.open(tmp_path / "set")
    with pytest.raises(UserError, match="has no run town seed 5"):
        opened.capture("town", 5)
    with pytest.raises(UserError, match="town seed 0 has no sample of alice here"):
        opened.filter(agent="bob").joined("town", 0, "alice")


def test_reading_writes_nothing(folder: Path) -> None:
    before = content(folder)
    opened = dataset.open(folder)
    list(opened), list(opened.windows(8)), opened.statistics()
    assert content(folder) == before


def test_remembered_samples(folder: Path) -> None:
    store = CountingStore(folder)
    opened = dataset.open(store).remembering(1.0)
    assert opened[0] is opened[0]
    assert opened[:1][0] is opened[0]
    assert len(store.reads) == 5
    with pytest.raises(ValueError, match="read-only"):
        opened[0].rewards[0] = 1
    tight = dataset.open(store).remembering(0.02)
    assert tight[0] is tight[0]
    first = tight[0]
    tight[1], tight[2]
    assert tight[0] is not first
    dataset.open(store)[0].rewards[0] = 1


def test_reading_loads_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['pandas'] = None\n"  # as if it were not there: where it is, PyArrow loads it
        "import townlet.dataset\n"
        "opened = townlet.dataset.open(sys.argv[1])\n"
        "opened[0], opened.windows(8)[0], opened.joint('plaza', 1), opened.statistics(), opened.split()\n"
        "print(*[name for name in ('torch', 'numba', 'apache_beam', 'pydantic', 'townlet.world') "
        "if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr, run.stdout.strip()) == (0, "", "")


def test_a_data_set_in_which_everything_failed(tmp_path: Path) -> None:
    index(LocalStore(tmp_path), [], [], failures=[Failure("kitchen", 0, "no such bed")])
    opened = dataset.open(tmp_path)
    assert (len(opened), opened.runs, opened.scenarios, opened.agents) == (0, (), (), ())
    assert opened.metadata["complete"] is False
    for view in (opened.shuffled(1), opened.shard(0, 2), *opened.split(), opened.filter(seed=1)):
        assert len(view) == len(view.windows(3)) == len(view.lives()) == 0
    assert len(pickle.loads(pickle.dumps(opened))) == 0
    assert opened.samples.to_arrow().num_rows == 0
    with pytest.raises(UserError, match="no sample is left"):
        opened.statistics()
    with pytest.raises(UserError, match="no scenario 'kitchen' in this data set"):
        opened.filter(scenario="kitchen")
