"""`townlet` commands without the second that a process takes to start: a process that has loaded everything forks.

It reads a JSON list a line, the words of a command, and answers with the process id of the child that runs it,
and then, once that has ended, with how it ended (as `subprocess` says it: -9 is SIGKILL).
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Forker:
    """The end that tests hold. One child at a time."""

    def __init__(self, log: Path) -> None:
        self.log = log  # where the children write
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(log)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *words: object) -> int:
        """Run a command; returns its process id."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def ended(self) -> int:
        """Wait for the command's end; returns its exit code."""
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def _answer(self) -> int:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the forker is gone; see {self.log}")
        return int(line)


def main(log: str) -> None:
    logging.getLogger().addHandler(logging.NullHandler())  # else Beam tells what it misses
    import apache_beam  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import townlet.commands.capture.capture
    import townlet.commands.capture.regenerate
    import townlet.pipelines.capture
    import townlet.pipelines.runners.in_process
    import townlet.pipelines.runners.monitor  # noqa: F401
    from townlet import cli
    from townlet.compiler.warmup import warm

    warm(quiet=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for stream in (1, 2):
                os.dup2(output, stream)
            code = cli.main(json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
