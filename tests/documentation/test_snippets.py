"""What pages show: every command is one that there is, and what capturing.md shows of Python runs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.documentation.pages import FOLLOWED, PAGES, ROOT, blocks, commands, text_of
from townlet import cli
from townlet.commands.config.completion import parsers
from townlet.console.parsing import Parser
from townlet.dataset import load_capture

SHELL = ("sh", "", "bash")
WITH_COMMANDS = tuple(
    page
    for page in PAGES
    if any(list(commands(block.text)) for block in blocks(text_of(page)) if block.language in SHELL)
)
BEAMS = (
    "--runner",
    "--flink",
    "--spark",
    "--direct",
    "--environment",
    "--job",
    "--parallelism",
    "--region",
    "--project",
    "--temp_location",
    "--sdk",
)


@cache
def parsers_by_name() -> dict[str, Parser]:
    """Of every command; of a group of commands, by both words."""
    found: dict[str, Parser] = {}
    for name, _, parser in parsers():
        kinds = (
            {f"{name} {kind}": of for kind, (_, of) in parser.items()}
            if isinstance(parser, dict)
            else {name: parser}
        )
        found |= kinds
    return found


def checked(words: list[str]) -> None:
    """Raise UserError where a command does not take these words."""
    if "--help" in words:
        return
    length = 1 if words[0] in parsers_by_name() else 2
    parser = parsers_by_name()[" ".join(words[:length])]
    _, others = parser.parse_known_args(words[length:])
    strange = [word for word in others if word.startswith("-") and not word.startswith(BEAMS)]
    assert not strange, f"townlet {' '.join(words)}: unknown {' '.join(strange)}"


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_commands_are_those_that_there_are(page: str) -> None:
    for block in blocks(text_of(page)):
        if block.language in SHELL:
            for words, _ in commands(block.text):
                checked(words)


def test_readme_shows_a_picture_and_where_to_go() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert "](docs/pictures/" in text


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("capturing")
    (folder / "configs").symlink_to(ROOT / "configs")
    for source, name in (("queue_conflict", "queue"), ("smoke", "smoke")):
        assert cli.main(["capture", source, "--output", str(folder / "samples" / name), "--quiet"]) == 0
    return folder


EXAMPLES = [block.text for block in blocks(text_of("capturing.md")) if block.language == "python"]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_capturing_runs(samples: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.chdir(samples)
    found: dict[str, object] = {}
    exec(compile(EXAMPLES[number], f"capturing.md, example {number + 1}", "exec"), found)
    assert {"capture", "data"} & set(found)


# Where the Python of pages runs that are not followed step by step (tests/documentation/test_pages_run.py).
RUN_BY = {
    "capturing.md": "tests/documentation/test_snippets.py",
    "environments.md": "tests/env/test_guide.py",
    "events.md": "tests/playback/test_reasons.py",
    "exports.md": "tests/dataset/export/test_exports_guide.py",
    "models.md": "tests/policy/network/graph/test_models_page.py",
    "notebooks.md": "tests/notebook/test_guide.py",
    "policies.md": "tests/documentation/test_snippets.py",
    "reading.md": "tests/dataset/reading/test_open_guide.py",
    "training.md": "tests/train/test_training_guide.py",
}
GENERATED = ("reference/",)
WITH_PYTHON = [
    page
    for page in PAGES
    if not page.startswith((*GENERATED, *FOLLOWED))
    and any(b.language == "python" for b in blocks(text_of(page)))
]


def test_python_of_every_page_runs_somewhere() -> None:
    assert set(WITH_PYTHON) <= set(RUN_BY)
    for page, test in RUN_BY.items():
        assert page in (ROOT / test).read_text(encoding="utf-8"), f"{test} does not speak of {page}"


def test_the_example_of_policies_writes_a_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = [block.text for block in blocks(text_of("policies.md")) if block.language == "python"]
    exec(compile(example, "policies.md", "exec"), {"__name__": "policies"})
    sample = load_capture("samples/mine").joined("alice")
    assert sample.metadata["policy"]["kind"] == "outside"
    chosen = [int(mask[1:].argmax()) + 1 if mask[1:].any() else 0 for mask in sample.action_mask]
    assert sample.actions.tolist() == chosen
