"""A small Flink on this machine: one JobManager, and TaskManagers with Python workers of their own.

    python deploy/flink/cluster.py build      the jar, with Maven, if it is not there or older than its pom.xml
    python deploy/flink/cluster.py up [--task-managers 2] [--slots 1] [--port 8081]
    python deploy/flink/cluster.py status | down

Everything about a cluster lies in its folder (`--folder`, by default .tools/flink/cluster): configuration, logs,
process ids, and `profile.yaml`, with which `townlet capture SUITE --output DIR --profile FILE` uses it. Only this
machine can reach it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import string
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from townlet.errors import TownletError, UserError
from townlet.pipelines.runners.profiles import find_profile
from townlet.pipelines.runners.silence_beam_output import import_beam

import_beam()  # else it warns of what nobody misses here

from townlet.pipelines.runners.flink import JAR, count_slots, free_port  # noqa: E402

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
BUILD_TIMEOUT = 900.0  # seconds
START_TIMEOUT = 120.0  # seconds
STOP_TIMEOUT = 20.0
JOB_MANAGER = "job-manager"
MAINS = {
    JOB_MANAGER: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    "task-manager": "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}
# Flink looks into Java's own classes; the rest keeps the processes small. Sizes: those of conf/config.yaml.
OPENED = ("lang", "lang.invoke", "math", "net", "nio", "text", "time", "util", "util.concurrent")
JAVA = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENED]
JAVA += ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=256m"]
JAVA += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=info", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
HEAPS = {JOB_MANAGER: ["-Xmx384m"], "task-manager": ["-Xmx384m", "-XX:MaxDirectMemorySize=256m"]}


def build_jar() -> None:
    """Build the one jar. Raises TownletError with what Maven says."""
    if JAR.is_file() and JAR.stat().st_mtime >= POM.stat().st_mtime:
        return
    if shutil.which("mvn") is None:
        raise UserError("the jar is built with Maven (and Java 17): there is no mvn on the PATH")
    words = ["mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "--file", str(POM), "package"]
    built = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_TIMEOUT)
    if built.returncode:
        raise TownletError(f"Maven: {(built.stdout + built.stderr).strip()}")
    fresh = JAR.parent / "target" / JAR.name
    os.utime(fresh)
    os.replace(fresh, JAR)  # a Flink that runs keeps the file that it has open


class Cluster:
    """A cluster in a folder. Its processes are known by the process ids that are kept there."""

    def __init__(self, folder: Path, jar: Path = JAR) -> None:
        self.folder = folder.resolve()
        self.jar = jar
        self.profile = self.folder / "profile.yaml"
        self._pids = self.folder / "pids"
        self._children: list[subprocess.Popen[bytes]] = []  # those that this very process has started

    @property
    def master(self) -> str:
        """Where the JobManager listens. Raises UserError where there is no cluster."""
        try:
            return (self.folder / "master").read_text()
        except FileNotFoundError:
            raise UserError(f"{self.folder}: no cluster here; make flink-up starts one") from None

    def up(self, task_managers: int = 2, slots: int = 1, port: int = 0) -> None:
        """Start a cluster, and return when all of it answers. On an error nothing is left behind."""
        if self.processes():
            raise UserError(f"{self.folder}: a cluster runs here already; make flink-down stops it")
        if not self.jar.is_file():
            raise UserError(f"{self.jar}: not there; make flink-jar builds it")
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in ("conf", "tmp", "pids", "logs"):
            (self.folder / folder).mkdir(parents=True)
        port = port or free_port()
        facts = {"rest_port": port, "rpc_port": free_port(), "slots": slots, "folder": self.folder}
        template = string.Template((HERE / "conf" / "config.yaml").read_text())
        (self.folder / "conf" / "config.yaml").write_text(template.substitute(facts))
        (self.folder / "master").write_text(f"127.0.0.1:{port}")
        shipped = find_profile("flink").read_text()
        self.profile.write_text(f"{shipped}flink_master: {self.master}\n")
        try:
            self._start(JOB_MANAGER, JOB_MANAGER)
            for _ in range(task_managers):
                self.start_task_manager()
            self.wait_for_slots(task_managers * slots)
        except BaseException:
            self.down()
            raise

    def start_task_manager(self) -> str:
        """Start one more; returns its name."""
        number = 1 + max((int(name.rpartition("-")[2]) for name in self._names()), default=0)
        name = f"task-manager-{number}"
        self._start(name, "task-manager", "-D", f"taskmanager.resource-id={name}")
        return name

    def kill(self, name: str) -> None:
        """End a process of the cluster at once, as when a machine is lost."""
        os.kill(self.processes()[name], signal.SIGKILL)

    def wait_for_slots(self, slots: int) -> None:
        """Until the cluster has that many. Raises TownletError when it takes too long, or a process ends."""
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end:
            with contextlib.suppress(UserError):
                if count_slots(self.master) >= slots:
                    return
            if len(self.processes()) < len(list(self._pids.glob("*"))):
                break
            time.sleep(0.2)
        raise TownletError(f"Flink does not start; see {self.folder / 'logs'}")

    def processes(self) -> dict[str, int]:
        """Process ids of what runs, by name."""
        files = sorted(self._pids.glob("*")) if self._pids.is_dir() else []
        found = {file.name: int(file.read_text()) for file in files}
        return {name: pid for name, pid in found.items() if self._is_ours(pid)}

    def down(self) -> None:
        """End everything that runs; the logs stay."""
        running = self.processes()
        for pid in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_TIMEOUT
        while any(self._is_ours(pid) for pid in running.values()):
            if time.monotonic() > end:
                for pid in running.values():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        for child in self._children:
            child.wait(STOP_TIMEOUT)
        self._children.clear()
        shutil.rmtree(self._pids, ignore_errors=True)
        for name in ("master", "profile.yaml"):
            (self.folder / name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        return [file.name for file in self._pids.glob("task-manager-*")]

    def _start(self, name: str, kind: str, *more: str) -> None:
        words = ["java", *JAVA, *HEAPS[kind], f"-Djava.io.tmpdir={self.folder / 'tmp'}"]
        words += ["-cp", str(self.jar), MAINS[kind], "--configDir", str(self.folder / "conf"), *more]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        with open(self.folder / "logs" / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PATH": path},  # townlet-worker is beside this Python
            )
        self._children.append(process)
        (self._pids / name).write_text(str(process.pid))

    def _is_ours(self, pid: int) -> bool:
        """Whether the process lives and is one of this cluster: its number may be somebody else's by now."""
        for child in self._children:
            if child.pid == pid:  # just started, it has no command line to be known by yet
                return child.poll() is None
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(self.folder / "conf").encode() in words


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"expected a whole number, in digits 0 to 9, got {text!r}")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("command", choices=("build", "up", "status", "down"))
    parser.add_argument("--folder", type=Path, default=JAR.parent / "cluster")
    parser.add_argument("--task-managers", type=_whole, default=2, metavar="N")
    parser.add_argument(
        "--slots", type=_whole, default=1, metavar="N", help="of each TaskManager: runs at a time"
    )
    parser.add_argument(
        "--port", type=_whole, default=0, metavar="N", help="of the JobManager; default: a free one"
    )
    arguments = parser.parse_args(argv)
    cluster = Cluster(arguments.folder)
    try:
        if arguments.command == "build":
            build_jar()
            print(JAR)
        elif arguments.command == "up":
            cluster.up(arguments.task_managers, arguments.slots, arguments.port)
            print(f"Flink runs at http://{cluster.master}; logs in {cluster.folder / 'logs'}")
            print(f"next: townlet capture SUITE --output DIR --profile {cluster.profile}")
        elif arguments.command == "down":
            cluster.down()
        else:
            for name, pid in cluster.processes().items():
                print(f"{name:<16} {pid}")
    except TownletError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
