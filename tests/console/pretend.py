"""Commands for `tests/console/test_interpreted.py`: each is called in the child, and returns an exit code."""

from __future__ import annotations

import os
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
