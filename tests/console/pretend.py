"""Commands for `tests/console/test_interpreted.py`: each is called in the child, and returns an exit code."""

from __future__ import annotations

import os
import signal
import sys
import time

from townlet.console.errors import report


def work(words: list[str], code: int) -> int:
    print(" ".join(words), os.environ["NUMBA_DISABLE_JIT"], "numba" in sys.modules)
    print("said", file=sys.stderr)
    return code


def wait(path: str) -> int:
    """Until interrupted; `path` gets our process number once we are ready."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    os.replace(f"{path}.new", path)
    try:
        time.sleep(60)
    except KeyboardInterrupt as error:
        return report(error)
    return 0


def die(name: str) -> int:
    """Of a signal, as a process that has no handler for it."""
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(60)
    return 0
