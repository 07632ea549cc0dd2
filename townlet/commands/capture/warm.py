"""`townlet warm`: compile the simulation, before the first capture needs it."""

from __future__ import annotations

from collections.abc import Sequence

from townlet.compiler.store import is_complete, is_switched_off, notice, place
from townlet.compiler.warmup import note, warm
from townlet.console.interpreted import SWITCH
from townlet.console.parsing import Parser
from townlet.console.printing import next_step, say
from townlet.errors import UserError

EXAMPLES = """\
examples:
  townlet warm            on this machine, once for a version of Townlet
  townlet warm --quiet    in a script, or when an image is built

It is kept in $TOWNLET_CACHE_DIR, else in $XDG_CACHE_HOME/townlet, else in ~/.cache/townlet. Several checkouts of one
version share it. It is machine code: a folder to which other users can write, or that lies in such a one, is not used,
and a line says why. Without this command it is compiled when something large is played for the first time.

exit codes: 0 compiled, now or before; 1 it could not be compiled; 2 wrong usage; 130 interrupted
"""


def main(argv: Sequence[str], prog: str = "townlet warm") -> int:
    """Returns the exit code; raises CompileError where compiling fails."""
    parser = Parser(prog, "Compile the simulation on all cores and keep it for every later start.", EXAMPLES)
    parser.add_argument("--quiet", action="store_true")
    arguments = parser.parse_args(argv)
    if is_switched_off():
        raise UserError(f"{SWITCH} is set: with it nothing is compiled; unset it")
    before = is_complete()
    seconds = warm(quiet=arguments.quiet, lasting=True)
    note(notice(), quiet=arguments.quiet)
    if not arguments.quiet:
        said = "compiled already" if before else f"compiled, in {seconds:.1f} s"
        where = place()
        say(f"{said}: {where.path if where else ''}")
        next_step("townlet capture scenarios/kitchen_breakfast.yaml --output samples/kitchen")
    return 0
