"""Export: every timestep comes back to the bit, all at once or not at all, and never over something else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dataset.captures import capture, content, flip
from tests.dataset.reading.test_foreign_captures import sign
from tests.dataset.towns import TOWN, capture_lives, town_run
from tests.samples import FEATURES, LOOKUP, TERMS, make_run
from townlet import cli, dataset
from townlet.dataset.export import parquet as export
from townlet.dataset.export.parquet import export_parquet
from townlet.dataset.reading.data_set import DataSet
from townlet.dataset.reading.layouts import LayoutError
from townlet.dataset.store.local import LocalStore
from townlet.errors import CorruptSampleError, OutputError, UserError
from townlet.samples import ReplaySample


def as_array(column: pa.ChunkedArray, facts: dict[str, Any]) -> np.ndarray:
    """Fixed-size binary as the array that it was."""
    data = column.combine_chunks().buffers()[1]
    return np.frombuffer(data, facts["dtype"])[: len(column) * int(np.prod(facts["shape"]))].reshape(
        len(column), *facts["shape"]
    )


def assert_rows(table: pa.Table, sample: ReplaySample) -> None:
    """The rows of one sample, by the definition of each column."""
    facts = json.loads(table.schema.metadata[b"townlet"])
    expected: dict[str, np.ndarray] = {
        "tick": sample.tick,
        "action": sample.actions,
        "action_object": sample.action_args[:, 0],
        "action_target": sample.action_args[:, 1],
        "action_quality": sample.action_args[:, 2],
        "log_prob": sample.old_log_probs,
        "value": sample.value_preds[:-1],
        "next_value": sample.value_preds[1:],
        "reward": sample.rewards,
        "done": sample.dones,
        "position_x": sample.positions[:, 0],
        "position_y": sample.positions[:, 1],
        "blocked": sample.array("blocked"),
        "off_mask": sample.array("off_mask"),
    }
    expected |= {f"reward_{name}": sample.reward_terms[:, k] for k, name in enumerate(TERMS)}
    expected |= {f"feature_{name}": sample.features[:, k] for k, name in enumerate(FEATURES)}
    for name, array in expected.items():
        found = table.column(name).to_numpy()
        assert (found.dtype, found.tobytes()) == (array.dtype, np.ascontiguousarray(array).tobytes()), name
    for name, array in (("map", sample.map), ("action_mask", sample.action_mask)):
        found = as_array(table.column(name), facts[name])
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert set(table.column_names) == {
        *expected, "map", "action_mask", "scenario", "seed", "agent_id", "arrival", "segment"
    }  # fmt: skip


def test_every_timestep_comes_back(opened: DataSet, tmp_path: Path) -> None:
    written = export_parquet(opened.shuffled(1), tmp_path / "out")
    assert [(file.path.name, file.rows) for file in written] == [("town.parquet", 112), ("wide.parquet", 30)]
    assert sorted(os.listdir(tmp_path / "out")) == ["town.parquet", "wide.parquet"]
    for file in written:
        assert file.size == file.path.stat().st_size
        table = pq.read_table(file.path, page_checksum_verification=True)
        chosen = opened.filter(scenario=file.path.stem)
        row = 0
        for number, sample in enumerate(chosen):
            some = table.slice(row, sample.timesteps)
            assert_rows(some, sample)
            for name in ("scenario", "seed", "agent_id", "arrival", "segment"):
                assert set(some.column(name).to_pylist()) == {chosen.samples[name][number]}
            row += sample.timesteps
        assert row == table.num_rows == file.rows


def test_what_the_schema_says(opened: DataSet, tmp_path: Path) -> None:
    export_parquet(opened, tmp_path / "out")
    schema = pq.read_schema(tmp_path / "out" / "wide.parquet")
    facts = json.loads(schema.metadata[b"townlet"])
    assert facts["map"]["shape"] == [4, 7, 7] and schema.field("map").type == pa.binary(4 * 4 * 49)
    assert facts["action_mask"] == {"dtype": "|b1", "shape": [5]}
    assert facts["action_lookup"] == LOOKUP
    assert (facts["feature_names"], facts["scenario"]) == (list(FEATURES), "wide")
    assert schema.field("feature_wallet").type == pa.float32()
    assert not any(field.nullable for field in schema)


def test_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name, view in (("a", dataset.open(folder)), ("b", dataset.open(folder).shuffled(3).remembering(1))):
        export_parquet(view, tmp_path / name)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_row_groups_do_not_follow_samples(
    opened: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROW_GROUP", 25)
    export_parquet(opened, tmp_path / "out")
    file = pq.ParquetFile(tmp_path / "out" / "town.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [25, 25, 25, 25, 12]
    ticks = [tick for sample in opened.filter(scenario="town") for tick in sample.tick.tolist()]
    assert file.read(columns=["tick"]).column(0).to_pylist() == ticks


def test_remapped_samples_have_one_schema(opened: DataSet, tmp_path: Path) -> None:
    export_parquet(opened.remapped(), tmp_path / "out")
    schemas = [pq.read_schema(tmp_path / "out" / name) for name in ("town.parquet", "wide.parquet")]
    assert schemas[0].equals(schemas[1])
    assert pq.read_table(tmp_path / "out", columns=["reward"]).num_rows == 142


def test_nothing_is_written_over(opened: DataSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "empty", "link"):
        with pytest.raises(OutputError, match=f"{name}: already exists; choose a new folder"):
            export_parquet(opened, tmp_path / name)
    with pytest.raises(OutputError, match="expected a folder of this machine to export into"):
        export_parquet(opened, "s3://bucket/out")
    with pytest.raises(UserError, match="no sample fits, so there is nothing to export"):
        export_parquet(opened.filter(seed=[]), tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "link"]


def test_all_or_nothing(folder: Path, tmp_path: Path) -> None:
    """A damaged sample in the second scenario, and somebody who was faster: nothing is left behind."""
    opened = dataset.open(folder)

    def damaged(view: DataSet) -> Any:
        for sample in view:
            if view.scenarios == ("wide",):
                raise CorruptSampleError("this one is damaged")
            yield sample

    with pytest.raises(CorruptSampleError, match="this one is damaged"):
        export_parquet(opened, tmp_path / "out", damaged)
    assert os.listdir(tmp_path) == []

    def meanwhile(view: DataSet) -> Any:
        (tmp_path / "out").mkdir(exist_ok=True)
        return iter(view)

    with pytest.raises(OutputError, match="came into being meanwhile"):
        export_parquet(opened, tmp_path / "out", meanwhile)
    assert os.listdir(tmp_path) == ["out"] and not os.listdir(tmp_path / "out")


def test_a_full_disk(opened: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(OutputError, match="cannot write: the disk is full"):
        export_parquet(opened, tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_mixed_layouts_in_one_scenario(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "set")
    capture_lives(store, town_run("town", 0), lives=TOWN)
    capture_lives(store, town_run("town", 1), lives=TOWN, window=7)
    with pytest.raises(LayoutError, match="these samples have 2 different layouts"):
        export_parquet(dataset.open(tmp_path / "set"), tmp_path / "out")


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "out"
    arguments = ["export", str(folder), "--to", "parquet", "--output", str(out)]
    assert cli.main([*arguments, "--scenario", "town", "--seed", "0..3", "--agent", "bob"]) == 0
    assert pq.read_table(out).num_rows == 26
    shown = capsys.readouterr()
    assert "town.parquet" in shown.out and shown.err.startswith("next: python -c")
    assert cli.main(arguments) == 2
    assert "out: already exists" in capsys.readouterr().err
    assert cli.main([*arguments[:-1], str(tmp_path / "all"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["samples"] == 20
    assert [file["rows"] for file in said["files"]] == [112, 30]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--scenario", "twon"], "no scenario 'twon' in this data set; did you mean town?"),
        (["--agent", "zoe"], "no agent 'zoe' in this data set; there are alice, bob, bob-2"),
        (["--seed", "77"], "has no run of seed 77"),
        (["--seed", "x"], "--seeds: expected"),
        (["--agent", "zoe"], "--agent: no agent 'zoe' in this data set"),
        (["--to", "csv"], "invalid choice: 'csv'"),
        (["--seed", "5", "--agent", "bob"], "no sample fits, so there is nothing to export"),
    ],
)
def test_wrong_usage(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    arguments = ["export", str(folder), "--to", "parquet", "--output", str(tmp_path / "out"), *more]
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_capture_is_exported_too(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "one"), make_run())
    assert (
        cli.main(
            ["export", str(tmp_path / "one"), "--to", "parquet", "--output", str(tmp_path / "out"), "--quiet"]
        )
        == 0
    )
    assert pq.read_table(tmp_path / "out" / "scene.parquet").num_rows == 40


def test_flipped_bytes_are_found(opened: DataSet, tmp_path: Path) -> None:
    """Pages have checksums: the file has no other protection once it has left the data set."""
    (file,) = export_parquet(opened.filter(scenario="wide"), tmp_path / "out")
    columns = pq.ParquetFile(file.path).metadata.row_group(0)
    for number in range(columns.num_columns):
        chunk = columns.column(number)
        first = chunk.dictionary_page_offset or chunk.data_page_offset
        last = first + chunk.total_compressed_size - 1
        flip(file.path, last)
        with pytest.raises(OSError, match=r"(?i)crc|checksum|corrupt"):
            pq.read_table(file.path, page_checksum_verification=True)
        flip(file.path, last)
    assert pq.read_table(file.path, page_checksum_verification=True).num_rows == 30


@pytest.mark.parametrize("name", ["../../x", "/abs", "a/b", "..", "", "x\0y", "a" * 65, "-rf"])
def test_no_name_leads_out_of_the_folder(
    opened: DataSet, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are checked when an index is read; and once more where a path is made of one."""
    monkeypatch.setattr(DataSet, "scenarios", property(lambda self: (name,)))
    target = tmp_path / "deep" / "out"
    with pytest.raises(OutputError, match=r"^scenario .*: expected 1 to 64 of A-Z a-z 0-9"):
        export_parquet(opened, target)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../../x", "/abs"])
def test_a_capture_of_a_stranger_with_such_a_name(tmp_path: Path, name: str) -> None:
    run = make_run()
    capture(LocalStore(tmp_path / "in"), run)
    place = tmp_path / "in" / "rollout_sample_manifest.json"
    document = json.loads(place.read_bytes())
    document["metadata"]["scenario_name"] = name
    sign(place, document)
    assert (
        cli.main(["export", str(tmp_path / "in"), "--to", "parquet", "--output", str(tmp_path / "out")]) == 1
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_config_whose_id_is_no_name_is_exported_all_the_same(tmp_path: Path) -> None:
    capture(LocalStore(tmp_path / "in"), make_run())
    place = tmp_path / "in" / "rollout_sample_manifest.json"
    document = json.loads(place.read_bytes())
    document["metadata"].update(scenario_name=None, config_id="../Küche")
    sign(place, document)
    (file,) = export_parquet(dataset.open(tmp_path / "in"), tmp_path / "out")
    assert file.path.name == "capture.parquet"
