"""Stands for the program that compiles: quick, and it leaves a trace. `pretend` FOLDER decides what it does."""

from __future__ import annotations

import os
import sys
import time

from townlet.compiler.store import mark_complete

if __name__ == "__main__":
    how = os.environ["PRETEND"]
    with open(os.environ["PRETEND_LOG"], "a", encoding="utf-8") as log:
        log.write("compiled\n")
    if how == "fail":
        sys.exit("no memory is left")
    os.write(1, b"+++")
    for _ in range(3):
        time.sleep(0.1)
        os.write(1, b"-")
    mark_complete()
