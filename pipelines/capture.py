"""The capture pipeline, by Beam's conventions: `python -m pipelines.capture --config C --output DIR [BEAM OPTIONS]`.

    runs -> Reshuffle
         -> Simulate -> Stack -> WriteSample -> WriteReceipt    one fused stage: frames stay in memory
         -> CombinePerKey(MergeRunResults) -> PublishRun        ends of runs: a few hundred bytes each
         -> WriteIndex                                          where there are many runs

The steps are in `townlet/pipelines/`: capture (the whole), simulate, stack, stage, publish, index.
"""

from __future__ import annotations

import sys

from townlet.console.interrupts import die_silently_of_interrupts

if __name__ == "__main__":
    die_silently_of_interrupts()
    from townlet.commands.capture.capture import script

    sys.exit(script(sys.argv[1:], "python -m pipelines.capture", positional=False))
