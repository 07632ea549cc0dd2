"""A call prints one line, whatever stands in it; and what is said stands before what is remarked."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from townlet.console.printing import remark, say

ROOT = Path(__file__).resolve().parents[2]


def test_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb\x1b[31m")
    say()
    say(Path("c\u202e"))
    remark("d\re")
    assert capsys.readouterr() == ("a\\x0ab\\x1b[31m\n\nc\\u202e\n", "d\\x0de\n")


def test_the_order_in_one_pipe() -> None:
    """Standard output waits until its buffer is full, standard error does not: unless somebody sees to it."""
    code = "from townlet.console.printing import *; say(1); remark(2); say(3); remark(4)"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
    )  # fmt: skip
    assert ran.stdout.split() == ["1", "2", "3", "4"]


def test_without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that was started with both of them closed."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    say("nobody")
    remark("reads it")
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    remark("nor does it go elsewhere")
    assert out.getvalue() == ""


def test_a_program_s_own_output_that_cannot_be_written_ends_no_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    reader, writer = os.pipe()
    os.close(reader)
    unread = os.fdopen(writer, "w")
    unread.write("of the program")
    for stream in (closed, unread):
        monkeypatch.setattr(sys, "stdout", stream)
        remark("all the same")
    assert capsys.readouterr().err == "all the same\n" * 2
    with pytest.raises(BrokenPipeError):
        unread.close()
