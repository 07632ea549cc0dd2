"""What is ready to copy for schedulers: each file's command is one that `townlet regenerate` takes."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from townlet.commands.capture import options as capture_options
from townlet.commands.capture.golden import golden_parser
from townlet.commands.capture.regenerate import regenerate_parser
from townlet.config.shipped import existing
from townlet.config.suite import is_suite

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "schedule"


def cron_command() -> list[str]:
    """Of the one line that is no comment and no setting."""
    lines = [line for line in (FOLDER / "townlet.cron").read_text().splitlines() if line and line[0] != "#"]
    (line,) = (line for line in lines if not re.match(r"[A-Z]+=", line))
    assert "%" not in line  # cron would read it as a new line
    minute, hour, *others = line.split()[:5]
    assert 0 <= int(minute) < 60 and 0 <= int(hour) < 24 and others == ["*"] * 3
    user, *command = shlex.split(line)[5:]
    assert user == "townlet"
    return command


def unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None, comment_prefixes=("#",))
    read.optionxform = str  # type: ignore[method-assign, assignment]
    read.read_string((FOLDER / name).read_text())
    return read


def systemd_command() -> list[str]:
    program, *command = shlex.split(unit("townlet-regenerate.service")["Service"]["ExecStart"])
    assert program == "/usr/bin/env"
    return command


def cron_job() -> dict[str, Any]:
    (job,) = (
        one for one in yaml.safe_load_all((FOLDER / "cronjob.yaml").read_text()) if one["kind"] == "CronJob"
    )
    return job


def kubernetes_command() -> list[str]:
    (container,) = cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return [*container["command"], *container["args"]]


def airflow_command() -> list[str]:
    tree = ast.parse((FOLDER / "airflow_dag.py").read_text())
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return shlex.split(ast.literal_eval(values["COMMAND"]))


COMMANDS = {
    "cron": cron_command,
    "systemd": systemd_command,
    "Kubernetes": kubernetes_command,
    "Airflow": airflow_command,
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_command_is_one_that_regenerate_takes(command: Any) -> None:
    program, name, *words = command()
    assert (program, name) == ("townlet", "regenerate")
    arguments, beams = capture_options.parse(regenerate_parser(), words)
    assert not beams
    assert arguments.quiet and arguments.golden and arguments.output and arguments.keep == 7
    assert all(is_suite(existing(source)) for source in arguments.sources)
    assert capture_options.request(arguments).sources == tuple(arguments.sources)


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_what_is_to_be_done_by_hand_is_right_too(path: Path) -> None:
    """Every `townlet` line in a comment."""
    parsers = {"regenerate": regenerate_parser(), "golden": golden_parser()}
    lines = [line.lstrip("# ") for line in path.read_text().splitlines()]
    commands = [shlex.split(line) for line in lines if re.match(r"townlet (regenerate|golden) ", line)]
    for _, name, *words in commands:
        arguments, beams = capture_options.parse(parsers[name], words)
        assert not beams
        assert arguments.output
    assert commands or path.suffix == ".timer"


def test_the_timer_starts_the_service() -> None:
    timer = unit("townlet-regenerate.timer")
    assert timer["Timer"]["OnCalendar"] == "*-*-* 02:30:00"
    assert timer["Install"]["WantedBy"] == "timers.target"
    service = unit("townlet-regenerate.service")["Service"]
    assert service["Type"] == "oneshot"
    assert service["KillSignal"] == "SIGINT" and service["SuccessExitStatus"] == "130"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_finds_nothing_to_say() -> None:
    units = [str(FOLDER / f"townlet-regenerate.{kind}") for kind in ("service", "timer")]
    run = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert not [line for line in run.stderr.splitlines() if "townlet-regenerate" in line], run.stderr


def test_the_cron_job_is_whole() -> None:
    job = cron_job()
    assert job["apiVersion"] == "batch/v1"
    spec = job["spec"]
    assert len(spec["schedule"].split()) == 5
    assert spec["concurrencyPolicy"] == "Forbid"
    template = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert template["restartPolicy"] == "Never"  # which podFailurePolicy asks for
    (container,) = template["containers"]
    rule = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]
    assert rule["onExitCodes"] == {"containerName": container["name"], "operator": "In", "values": [2, 3]}
    volumes = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in template["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == set(volumes)
    claims = [one for one in yaml.safe_load_all((FOLDER / "cronjob.yaml").read_text()) if one is not job]
    assert [claim["metadata"]["name"] for claim in claims if claim["kind"] == "PersistentVolumeClaim"] == [
        *volumes.values()
    ]
    words = kubernetes_command()
    assert all(
        word.split("=")[1].startswith("/data/") for word in words if word.startswith(("--output", "--golden"))
    )


class Failed(Exception):
    pass


class FailedForGood(Failed):
    pass


def as_it_is(**_: Any) -> Any:
    return lambda function: function


def stand_ins(version: int) -> dict[str, types.ModuleType]:
    """Of Airflow's modules, as far as the DAG asks for them."""
    home = "airflow.sdk" if version == 3 else "airflow.decorators"
    names = ["airflow", home, "airflow.exceptions", *(["airflow.sdk.exceptions"] if version == 3 else [])]
    modules = {name: types.ModuleType(name) for name in names}
    modules[home].__dict__.update(dag=as_it_is, task=as_it_is)
    for name in modules:
        if name.endswith("exceptions"):
            modules[name].__dict__.update(AirflowException=Failed, AirflowFailException=FailedForGood)
    return modules


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("code", "ends"), [(0, None), (1, Failed), (2, FailedForGood), (3, FailedForGood), (130, Failed)]
)
def test_the_airflow_task(
    monkeypatch: pytest.MonkeyPatch, version: int, code: int, ends: type[Exception] | None
) -> None:
    """The DAG is built and its task called: with an exit code that another try may change, it is tried again."""
    asked: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, code)

    for name, module in stand_ins(version).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(subprocess, "run", run)
    compiled = compile((FOLDER / "airflow_dag.py").read_text(), "airflow_dag.py", "exec")
    raised: type[Exception] | None = None
    try:
        exec(compiled, {"__name__": "airflow_dag"})
    except Failed as error:
        raised = type(error)
    assert raised is ends
    assert asked == [airflow_command()]
