"""A data card with pictures."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from townlet import cli
from townlet.dataset.format.canonical import sha256_hex
from townlet.dataset.reading.data_set import open
from townlet.errors import UserError
from townlet.report.card.card import card_files
from townlet.report.card.plots import drawable


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card") / "data"
    words = ["capture", "kitchen_breakfast", "--seeds", "0..1", "--ticks", "30", "--quiet", "--json"]
    assert cli.main([*words, "--output", str(folder)]) == 0
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256_hex(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.page
def test_the_card_has_a_plot_and_a_picture_of_each_scenario(data: Path) -> None:
    from PIL import Image

    before = digests(data)
    files = card_files(open(data))
    assert {*files} == {"README.md", "card.json", "kitchen_breakfast.png", "kitchen_breakfast-town.png"}
    text = files["README.md"].decode()
    assert text.startswith((data / "README.md").read_text().rstrip())
    assert "](kitchen_breakfast.png)" in text and "at tick 15 of seed 0](kitchen_breakfast-town.png)" in text
    with Image.open(io.BytesIO(files["kitchen_breakfast.png"])) as image:
        assert image.size == (1000, 320) and "Software" not in image.info
    with Image.open(io.BytesIO(files["kitchen_breakfast-town.png"])) as image:
        assert image.size[0] % 32 == 0
    assert digests(data) == before, "the data set stays as it is"
    assert card_files(open(data)) == files


@pytest.mark.page
def test_a_card_that_people_have_changed_keeps_their_words(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    (folder / "README.md").write_text("# Our data\n\nAsk Ann.\n")
    text = card_files(open(folder))["README.md"].decode()
    assert text.startswith("# Our data\n\nAsk Ann.\n\n## Pictures\n")
    (folder / "README.md").unlink()
    with pytest.raises(UserError, match=r"has no README\.md, so that there is no card to illustrate"):
        card_files(open(folder))


@pytest.mark.page
def test_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["card", str(data), "--output", str(tmp_path / "card")]
    assert cli.main(words) == 0 and "card: README.md and 2 pictures, " in capsys.readouterr().out
    assert cli.main([*words, "--quiet"]) == 0 and capsys.readouterr().out == ""
    run = data / "runs" / "kitchen_breakfast" / "seed-0"
    assert cli.main(["card", str(run), "--output", str(tmp_path / "other")]) == 2
    assert "expected a data set; only these have a data card" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["matplotlib", "PIL"])
def test_without_the_extra_it_says_what_to_install(
    data: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in (missing, "matplotlib.figure", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=r"not installed here: pip install 'townlet\[report\]'"):
        card_files(open(data))


def test_names_are_no_formulas() -> None:
    assert drawable("need_hunger") == "need_hunger"
    assert drawable("a$b$") == r"a\$b\$" and drawable("\u540d") == r"\u540d"
