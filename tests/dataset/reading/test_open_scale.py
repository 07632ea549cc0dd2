"""Many samples: opened, chosen, shuffled and sent to a worker, in little memory.

How long it takes is measured by `python -m bench`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.made_up import MadeUp
from townlet.dataset.store.local import LocalStore

RUNS = [1_000, 10_000]  # of ten samples

MEASURE = """
import json, pickle, re, sys
import townlet.dataset
opened = townlet.dataset.open(sys.argv[1])
len(opened), opened.shuffled(1)[:10].samples["seed"]
figures = {"samples": len(opened)}
train, validation = opened.filter(lambda samples: samples["figure_03_mean"] > 0.1).split(0.1)
windows = train.shuffled(1, epoch=3).shard(5, 64).windows(32)
figures |= {"chosen": len(train), "windows": len(windows)}
sent = pickle.dumps((opened, windows.shuffled(1)))
again, _ = pickle.loads(sent)
figures |= {"again": len(again), "sent": len(sent)}
status = open("/proc/self/status").read()  # ru_maxrss would begin with what the parent has
figures["memory"] = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024
print(json.dumps(figures))
"""


@pytest.mark.campaign
@pytest.mark.parametrize("runs", RUNS)
def test_many_samples(tmp_path: Path, runs: int) -> None:
    MadeUp(runs).write(LocalStore(tmp_path))
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["samples"] == found["again"] == runs * 10
    assert 7 * runs < found["chosen"] < 9 * runs
    assert found["windows"] > runs // 2
    assert found["sent"] < 100_000, found
    assert found["memory"] < 600e6, found
