"""`townlet train bc | ppo`: the kinds of training, each a module of its own, imported when it is typed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from townlet.console.help_text import columns, wrapped
from townlet.console.printing import say
from townlet.errors import UserError

KINDS = {
    "bc": "clone the policy of a data set (behaviour cloning)",
    "ppo": "improve a policy by playing: capture, learn, capture",
}

EXAMPLES = """\
examples:
  {prog} bc samples/teacher --output clone.onnx
  {prog} ppo training/small.yaml --output runs/small
  {prog} ppo training/small.yaml --output runs/better --init clone.onnx
"""


def usage(prog: str) -> str:
    """What `townlet train --help` prints."""
    text = "\n".join([
        f"usage: {prog} KIND ...",
        "",
        "Train a policy. It needs the extra `train` (torch).",
        "",
        "kinds:",
        *(f"  {kind:4} {what}" for kind, what in KINDS.items()),
        "",
        EXAMPLES.format(prog=prog),
        f"{prog} KIND --help shows the options of a kind.",
    ])  # fmt: skip
    return wrapped(text, columns())


def main(argv: Sequence[str], prog: str = "townlet train") -> int:
    if not argv or argv[0] in ("-h", "--help"):
        for line in usage(prog).splitlines():
            say(line)
        return 0 if argv else 2
    kind, *rest = argv
    if kind not in KINDS:
        raise UserError(f"expected {' or '.join(KINDS)} after `{prog}`, got {kind!r}")
    return importlib.import_module(f"townlet.commands.train.{kind}").main(rest, f"{prog} {kind}")
