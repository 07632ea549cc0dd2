"""What lies in `deploy/` for clusters says what is there: options, files, versions, commands."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from townlet.commands.capture.options import capture_parser, parse
from townlet.errors import ConfigError, UserError
from townlet.pipelines.runners import engine_worker as boot
from townlet.pipelines.runners import flink
from townlet.pipelines.runners.engines import engine, is_loopback
from townlet.pipelines.runners.options import beam_options
from townlet.pipelines.runners.profiles import shipped_profiles

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
RUNNERS = {
    "flink": "FlinkRunner",
    "flink-kubernetes": "FlinkRunner",
    "spark": "PortableRunner",
    "dataflow": "DataflowRunner",
}


def flags(*words: str) -> list[str]:
    """Beam's flags of a command line."""
    parser = capture_parser("townlet capture", positional=True)
    return parse(parser, ["town.yaml", "--output", "out", *words])[1]


@pytest.mark.parametrize("name", RUNNERS)
def test_a_profile_is_understood(name: str) -> None:
    options = beam_options(flags("--profile", name), workers=None)
    found = options.get_all_options(drop_default=True)
    assert found.pop("runner") == RUNNERS[name]
    written = yaml.safe_load((DEPLOY / "profiles" / f"{name}.yaml").read_text())
    written.pop("runner")
    assert set(written) <= set(found)
    assert not is_loopback(options)


def test_there_are_no_other_profiles() -> None:
    assert set(shipped_profiles()) == set(RUNNERS)


def test_the_command_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("runner: FlinkRunner\nflink_master: a:1\nparallelism: 3\nexperiments: [x, y]\n")
    assert flags("--profile", str(path), "--flink_master", "b:2") == [
        "--runner=FlinkRunner",
        "--parallelism=3",
        "--experiments=x",
        "--experiments=y",
        "--flink_master",
        "b:2",
    ]
    path.write_text("direct_num_workers: 3")
    assert flags("--profile", str(path)) == ["--direct_num_workers=3"]
    assert flags("--profile", str(path), "--workers", "2") == []


def test_all_mistakes_of_a_profile_are_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "flink_mastr: a:1\nparallelism: many\n\nstreaming: false\nuse_public_ips: false\n"
        "job_endpoint: [a, b]\nrunner:\n"
    )
    with pytest.raises(ConfigError) as caught:
        flags("--profile", str(path))
    lines = [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]
    assert lines == [
        ":1:1: flink_mastr: Beam has no such option; did you mean flink_master?",
        ":2:1: parallelism: argument --parallelism: invalid int value: 'many' (an option of Beam's)",
        ":4:1: streaming: expected true, got false; leave the line out",
        ":5:1: use_public_ips: expected true, got false; leave the line out or write no_use_public_ips: true",
        ':6:1: job_endpoint: expected one value, got ["a", "b"]',
        ":7:1: runner: expected a value, got nothing (null)",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [("- runner", "expected a mapping of Beam's options"), ("runner: [", "not valid YAML")],
)
def test_what_is_no_profile(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        flags("--profile", str(path))


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(
        UserError, match="neither a file nor the name of a shipped profile; did you mean flink"
    ):
        flags("--profile", "flnk")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--runner", "FlinkRunner", "--flink_master", "a:1"], "no option says where workers find Townlet"),
        (
            ["--runner", "PortableRunner", "--environment_type", "LOOPBACK"],
            "expected --job_endpoint HOST:PORT",
        ),
        (["--profile", "spark", "--runner", "SparkRunner", "--job_endpoint", ""], "expected --job_endpoint"),
        (
            ["--profile", "flink", "--flink_job_server_jar", "no.jar"],
            "no.jar: no such file .nothing is downloaded",
        ),
        (["--profile", "flink", "--flink_submit_uber_jar"], "leave it out"),
        (["--profile", "flink", "--job_endpoint", "localhost:1"], "no job server answers there"),
        (["--runner", "DataflowRunner"], "no option says where workers find Townlet"),
    ],
)
def test_what_engines_need_is_asked_for_first(words: list[str], said: str) -> None:
    options = beam_options(flags(*words), workers=None)
    with pytest.raises(UserError, match=said), engine(options):
        pass


def test_a_jar_that_is_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(flink, "JAR", tmp_path / "no.jar")
    with pytest.raises(UserError, match="make flink-jar builds it"):
        flink.find_jar(beam_options(["--runner=FlinkRunner"], workers=None))


def test_a_flink_that_does_not_answer() -> None:
    with pytest.raises(UserError, match=f"127.0.0.1:{(port := flink.free_port())}: no Flink answers there"):
        flink.count_slots(f"127.0.0.1:{port}")


def test_the_workers_command_is_installed() -> None:
    [command] = entry_points(group="console_scripts", name="townlet-worker")
    assert command.load() is boot.main
    for name in ("flink", "spark"):
        written = yaml.safe_load((DEPLOY / "profiles" / f"{name}.yaml").read_text())
        assert written["environment_config"] == {"command": command.name}


def test_a_worker_that_nobody_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert boot.main([]) == 2
    assert "started by an engine" in capsys.readouterr().err


def test_versions_agree() -> None:
    pom = (DEPLOY / "flink" / "pom.xml").read_text()
    ElementTree.fromstring(pom)
    version = re.search(r"<flink.version>(.*)</flink.version>", pom)
    assert version
    cluster = yaml.safe_load((DEPLOY / "kubernetes" / "flink-deployment.yaml").read_text())["spec"]
    assert cluster["image"].startswith(f"flink:{version[1]}-")
    assert cluster["flinkVersion"] == f"v{version[1].replace('.', '_')}"
    docker = (DEPLOY / "docker" / "Dockerfile").read_text()
    beam = re.search(r"ARG BEAM=(\d+\.\d+)", docker)
    assert beam and f'"apache-beam>={beam[1]},' in (ROOT / "setup.py").read_text()


def test_the_pod_has_the_pool_that_the_profile_names() -> None:
    spec = yaml.safe_load((DEPLOY / "kubernetes" / "flink-deployment.yaml").read_text())["spec"]
    [worker] = spec["taskManager"]["podTemplate"]["spec"]["containers"]
    profile = yaml.safe_load((DEPLOY / "profiles" / "flink-kubernetes.yaml").read_text())
    command, *words = worker["command"]
    assert command == "townlet-worker" and "ports" not in worker
    arguments = boot._parser().parse_args(words)
    assert profile["environment_config"] == f"{arguments.pool_host}:{arguments.pool}"


def test_the_image_is_built_from_what_is_there() -> None:
    lines = (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    admitted = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert copied and set(copied) == admitted
    assert all((ROOT / name).exists() for name in copied)
    assert "RUN townlet-worker --warm" in lines


def test_the_template_of_the_cluster() -> None:
    text = (DEPLOY / "flink" / "conf" / "config.yaml").read_text()
    assert set(re.findall(r"\$(\w+)", text)) == {"rpc_port", "rest_port", "slots", "folder"}
    conf = yaml.safe_load(text)
    assert conf["restart-strategy"]["type"] == "fixed-delay"
    assert {conf["jobmanager"]["bind-host"], conf["taskmanager"]["bind-host"]} == {"127.0.0.1"}
