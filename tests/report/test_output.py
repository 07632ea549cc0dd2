"""A report replaces a report; whatever else is there stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from townlet.errors import OutputError
from townlet.report.bundle import MARK
from townlet.report.output import check_folder, check_output, folder_beside, pages_in, write_report


def test_a_report_is_written_and_replaced(tmp_path: Path) -> None:
    target = check_output(str(tmp_path / "new" / "report.html"))
    write_report(target, MARK + b"one")
    write_report(check_output(str(target)), MARK + b"two")
    assert target.read_bytes() == MARK + b"two"
    assert os.listdir(target.parent) == ["report.html"], "nothing else is left there"


def test_another_file_stays_unless_it_is_to_be_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("<!doctype html>\n<html>mine</html>")
    with pytest.raises(OutputError, match=r"already exists, and is no report of Townlet's.*--overwrite"):
        check_output(str(target))
    assert check_output(str(target), overwrite=True) == target


def test_a_folder_is_no_place_for_a_report(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder; expected the name of a file"):
        check_output(str(tmp_path), overwrite=True)


def test_a_bucket_is_no_place_for_a_report() -> None:
    with pytest.raises(OutputError, match="expected a file of this machine"):
        check_output("s3://bucket/report.html")


def test_no_report_is_written_into_data(tmp_path: Path) -> None:
    (tmp_path / "rollout_sample_manifest.json").write_text('{"content_digest": "", "fingerprint": ""}')
    with pytest.raises(OutputError, match=r"lies inside .*, where only data belong"):
        check_output(str(tmp_path / "report.html"))


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file: cannot write: something else of this name is there"):
        write_report(tmp_path / "file" / "report.html", MARK)


def test_pages_beside_are_replaced_together(tmp_path: Path) -> None:
    folder = folder_beside(tmp_path / "report.html")
    assert folder == tmp_path / "report_files"
    for names in (("a.html", "b.html"), ("c.html",)):
        check_folder(folder)
        with pages_in(folder) as write:
            for name in names:
                write(name, MARK)
        assert sorted(path.name for path in folder.iterdir()) == list(names)
    assert os.listdir(tmp_path) == ["report_files"]


def test_pages_beside_stay_where_the_new_ones_fail(tmp_path: Path) -> None:
    folder = tmp_path / "report_files"
    with pages_in(folder) as write:
        write("a.html", MARK + b"old")
    with pytest.raises(RuntimeError, match="no more"), pages_in(folder) as write:
        write("a.html", MARK + b"new")
        raise RuntimeError("no more")
    assert (folder / "a.html").read_bytes() == MARK + b"old"
    assert os.listdir(tmp_path) == ["report_files"]


def test_a_folder_of_others_stays(tmp_path: Path) -> None:
    folder = tmp_path / "report_files"
    folder.mkdir()
    (folder / "thesis.html").write_text("mine")
    with pytest.raises(OutputError, match=r"holds thesis\.html, which is no report"):
        check_folder(folder)
    with pytest.raises(OutputError, match=r"holds thesis\.html"), pages_in(folder) as write:
        write("a.html", MARK)
    assert os.listdir(folder) == ["thesis.html"]
    (tmp_path / "other_files").write_text("")
    with pytest.raises(OutputError, match="is no folder"):
        check_folder(tmp_path / "other_files")


def test_what_is_no_file_is_not_overwritten(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="pipe: is no file; choose another --output"):
        check_output(str(tmp_path / "pipe"), overwrite=True)


def test_the_old_pages_come_back_where_the_new_ones_cannot_take_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename = tmp_path / "r_files", os.rename
    folder.mkdir()
    (folder / "a.html").write_bytes(MARK)

    def refuse(source: Path, target: Path) -> None:
        if str(source).endswith(".part"):
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    with pytest.raises(OutputError), pages_in(folder) as write:
        write("b.html", MARK)
        monkeypatch.setattr(os, "rename", refuse)
    assert os.listdir(tmp_path) == ["r_files"] and os.listdir(folder) == ["a.html"]
