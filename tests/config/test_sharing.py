"""What anchors and aliases may stand for: whatever the schema admits, and no bomb."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.config.conftest import Write
from townlet.config import load_config
from townlet.config.suite import load_suite
from townlet.config.yaml_loader import parse
from townlet.errors import ConfigError

HEAD = "config_id: t\nscenario:\n  objects: [{id: f, type: fridge}]\n  agents:\n"
ENTRIES = "    - {kind: request, object: f, until: granted}\n    - {kind: wait, ticks: 3}\n"


def sharing(agents: int, entries: int) -> str:
    first = f"  - id: a0\n    schedule: &day\n{ENTRIES * entries}"
    return HEAD + first + "".join(f"  - {{id: a{number}, schedule: *day}}\n" for number in range(1, agents))


@pytest.mark.parametrize(("agents", "entries"), [(20, 30), (256, 8)])
def test_agents_that_share_a_schedule(agents: int, entries: int, write: Write) -> None:
    found = load_config(write(sharing(agents, entries))).agents
    assert len(found) == agents
    assert all(
        agent.schedule == found[0].schedule and len(agent.schedule or ()) == 2 * entries for agent in found
    )


def test_a_shared_schedule_with_a_mistake_is_told_for_each(write: Write) -> None:
    with pytest.raises(ConfigError) as found:
        load_config(write(sharing(20, 3).replace("ticks: 3", "tics: 3")))
    assert len(found.value.problems) == 60
    assert str(found.value.problems[0]) == (
        "town.yaml:8:20: scenario.agents[0].schedule[1]: unknown key 'tics'; did you mean 'ticks'?"
    )


def test_merge_keys(write: Write) -> None:
    """Entries and agents made of shared mappings, in lists of them, some keys their own."""
    text = (
        "config_id: t\nmeta:\n  needs: &needs {needs: {hunger: 0.9}}\n  rich: &rich {wallet: 7}\n"
        "  base: &base {<<: [*needs, *rich], job: barista}\nscenario:\n  agents:\n"
    )
    text += "".join(f"  - {{id: a{number}, <<: *base, wallet: {number}}}\n" for number in range(150))
    text += "  - {<<: *base, id: last}\n"
    found = load_config(write(text)).agents
    assert [agent.wallet for agent in found] == [*map(float, range(150)), 7.0]
    assert {(agent.job, agent.needs["hunger"]) for agent in found} == {("barista", 0.9)}


def test_suites(write: Write) -> None:
    write("config_id: t\n", "b.yaml")
    seeds = f"&seeds [{', '.join(map(str, range(200)))}]"
    runs = "".join(f"- {{name: r{number}, config: b.yaml, seeds: *seeds}}\n" for number in range(1, 100))
    suite = load_suite(
        write(f"name: s\nruns:\n- {{name: r0, config: b.yaml, seeds: {seeds}}}\n{runs}", "s.yaml")
    )
    assert sum(len(run.seeds) for run in suite.runs) == 20_000


def test_levels_are_counted_as_if_written_out() -> None:
    """Else a chain of anchors, each 60 levels deep, is deeper than Python goes."""
    chain = "a0: &a0 " + "[" * 60 + "]" * 60 + "\n"
    for number in range(1, 50):
        chain += f"a{number}: &a{number} " + "[" * 60 + f"*a{number - 1}" + "]" * 60 + "\n"
    with pytest.raises(ConfigError, match=r"^t:2:\d+: expected at most 64 levels of nesting, got more$"):
        parse(chain, "t")
    assert parse("a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 33 + "*a" + "]" * 33, "t").data


LINE = "config_id: t\nmeta: {m: &m [" + "x, " * 999 + "x]}\n"
BOMBS = {
    "laughs": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
              for before, name in zip("abcdefgh", "bcdefghi", strict=True)),
    "one level": LINE + "scenario: [" + "*m, " * 2_000 + "]\n",
    "merged": "a: &a {" + ", ".join(f"k{number}: 1" for number in range(1_000)) + "}\nb:\n" + "- {<<: *a}\n" * 2_000,
    "merged lists": "a: &a {b: 1}\nc: &c [" + "*a, " * 1_000 + "]\nd:\n" + "- {<<: *c}\n" * 2_000,
    "agents": LINE.replace("x", "{a: 1, b: 2, c: 3}") + "scenario: {agents: [" + "*m, " * 200 + "]}\n",
    "entries": HEAD + "  - id: a\n    schedule: &s\n" + "    - {a: 1, b: 2}\n" * 1_000
    + "".join(f"  - {{id: a{number}, schedule: *s}}\n" for number in range(250)),
    "keys": "config_id: t\n" + "".join(f"k{number}: 1\n" for number in range(20_000)),
    "repeated keys": "config_id: t\n" + "a: 1\n" * 20_000,
}  # fmt: skip
MOST_SECONDS = 60.0  # of processor time, on any machine: it takes 3, and without a stop it would not end
MOST_MEGABYTES = 400
CODE = """\
import re, sys
from townlet.config import load_config
from townlet.errors import ConfigError
for name in sys.argv[1:]:
    try:
        load_config(name)
    except ConfigError as error:
        assert 1 <= len(error.problems) <= 101, name
    else:
        raise SystemExit(name + " loads")
status = open('/proc/self/status').read()  # ru_maxrss would begin with what the parent has
print(int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) // 1024)
"""


@pytest.mark.campaign
def test_bombs_are_stopped(write: Write) -> None:
    names = [str(write(text, f"{name}.yaml")) for name, text in BOMBS.items()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    ended = subprocess.run([sys.executable, "-c", CODE, *names], capture_output=True, text=True, timeout=300)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < MOST_MEGABYTES and spent < MOST_SECONDS


@pytest.mark.campaign
def test_the_most_that_is_admitted(write: Write, tmp_path: Path) -> None:
    """A million values and 8 MB, within a minute of a processor."""
    started = time.process_time()
    write(sharing(250, 300))
    assert len(load_config("town.yaml").agents) == 250
    write("config_id: t\nmeta:\n" + f"  - {{text: '{'x' * 60}', number: 7}}\n" * 90_000, "large.yaml")
    with pytest.raises(ConfigError, match="meta: expected a mapping, got a list of 90000"):
        load_config("large.yaml")
    assert time.process_time() - started < 60
