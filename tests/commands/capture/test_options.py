"""Options: ours strictly, Beam's in Beam's way, and never one that silently does not count."""

from __future__ import annotations

import pytest

from townlet.commands.capture import options
from townlet.config.shipped import existing
from townlet.errors import UserError
from townlet.pipelines.runners import options as runner_options

NEEDED = ["town.yaml", "--output", "out"]


def parse(*words: str, positional: bool = True):
    parser = options.capture_parser("townlet capture", positional=positional)
    return options.parse(parser, list(words))


def test_ours_are_ours_and_beams_pass_wherever_they_stand() -> None:
    arguments, beams = parse(
        "--flink_master", "localhost:8081", "a.yaml", "--ticks", "5", "--runner=FlinkRunner", "b.yaml",
        "--streaming", "--output", "out", "--environment_type", "LOOPBACK",
    )  # fmt: skip
    assert arguments.sources == ["a.yaml", "b.yaml"]
    assert arguments.ticks == 5
    assert arguments.output == "out"
    assert beams == [
        "--flink_master", "localhost:8081", "--runner=FlinkRunner", "--streaming",
        "--environment_type", "LOOPBACK",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--tick", r"unknown option --tick; did you mean --ticks\?"),
        ("--segment-tick=5", r"unknown option --segment-tick; did you mean --segment-ticks\?"),
        ("--flink_mster", r"unknown option --flink_mster; did you mean --flink_master\?"),
        ("--bogus", r"unknown option --bogus$"),
        ("--zzzzzzzzzzzz", r"unknown option --zzzzzzzzzzzz$"),
        ("-x", "unknown option -x"),
    ],
)
def test_a_mistyped_flag_names_the_nearest(flag: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(*NEEDED, flag)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["town.yaml"], "required: --output"),
        (["--output", "out"], "required: CONFIG"),
        ([*NEEDED, "--ticks"], "--ticks: expected one argument"),
        ([*NEEDED, "--ticks", "many"], "--ticks: expected a whole number, got 'many'"),
        ([*NEEDED, "--ticks", "1.5"], "--ticks: expected a whole number"),
        *(
            (
                [*NEEDED, flag, number],
                f"{flag}: expected a whole number, got '{number}'; write it in digits 0 to 9",
            )
            for flag in ("--ticks", "--seed", "--limit", "--segment-ticks", "--workers")
            for number in ("\u0661\u0662", "\uff11\uff12", "1\u09e8")
        ),
        ([*NEEDED, "--ticks", "9" * 5_000], "--ticks: expected a whole number, got '9999"),
        ([*NEEDED, "--ticks", ""], "--ticks: expected a whole number, got ''"),
        ([*NEEDED, "--seed", "1", "--seeds", "0..3"], "--seeds: not allowed with argument --seed"),
        ([*NEEDED, "--compression", "best"], "--compression: invalid choice: 'best'"),
    ],
)
def test_wrong_usage_is_one_line(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse(*words)
    assert "\n" not in str(caught.value)
    assert "townlet capture --help" in str(caught.value)


@pytest.mark.parametrize("words", [["--direct_num_workers", "\uff12"], ["--direct_num_workers=\u0662"]])
def test_numbers_of_beams_options(words: list[str]) -> None:
    with pytest.raises(UserError, match="expected a number in digits 0 to 9 among Beam's options"):
        parse(*NEEDED, *words)
    assert parse(*NEEDED, "--direct_num_workers", "2")[1] == ["--direct_num_workers", "2"]


def test_values_that_look_like_flags_are_values() -> None:
    arguments, _ = parse(*NEEDED, "--ticks", "-5", "--agent", "--odd--")
    assert arguments.ticks == -5
    assert arguments.agent == "--odd--"
    assert parse("--output", "out", "--", "--odd.yaml")[0].sources == ["--odd.yaml"]


def test_no_flag_of_ours_is_one_of_beams() -> None:
    ours = options.capture_parser("x", positional=False)._option_string_actions
    beams = runner_options.beam_parser()._option_string_actions
    assert set(ours) & set(beams) == set()


@pytest.mark.parametrize(
    ("text", "seeds"), [("7", (7,)), ("0..3", (0, 1, 2, 3)), ("1,5,8..10", (1, 5, 8, 9, 10))]
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    request = options.request(parse(*NEEDED, "--seeds", text)[0])
    assert request.seeds == seeds
    assert request.as_data_set


@pytest.mark.parametrize("text", ["", "a", "3..1", "0..", "-1", "1..2..3", "1,,2", "0..99999999", "1,1"])
def test_seeds_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match=r"^--seeds: expected"):
        options.request(parse(*NEEDED, f"--seeds={text}")[0])


def test_one_seed_is_a_capture() -> None:
    request = options.request(parse(*NEEDED, "--seed", "7")[0])
    assert request.seeds == (7,)
    assert not request.as_data_set


def test_beams_own_conventions() -> None:
    arguments, _ = parse("--suite", "s.yaml", "--config=c.yaml", "--output", "out", positional=False)
    assert arguments.sources == ["s.yaml", "c.yaml"]
    with pytest.raises(UserError, match="expected --config or --suite"):
        parse("--output", "out", positional=False)


def test_help_is_true_about_its_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = options.capture_parser("townlet capture", positional=True).format_help()
    examples = [line.split("     ") for line in text.splitlines() if line.startswith("  townlet capture")]
    assert len(examples) == 6
    for command, *_ in examples:  # a remark may follow
        arguments, _ = parse(*command.split()[2:])
        assert arguments.output.startswith("samples/")
        if arguments.from_tick is None:  # else it names a capture that an example before has made
            assert all(existing(source).is_file() for source in arguments.sources)
