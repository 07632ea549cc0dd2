"""`python -m townlet COMMAND ...` is `townlet COMMAND ...`."""

from __future__ import annotations

import sys

from townlet.console.interrupts import die_silently_of_interrupts


def run() -> int:
    """The entry point of the process `townlet`; returns its exit code."""
    die_silently_of_interrupts()
    from townlet import cli  # what it imports takes a while, in which somebody may change their mind

    return cli.run()


if __name__ == "__main__":
    sys.exit(run())
