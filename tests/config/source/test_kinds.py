"""Files that are no config at all are named, and never quoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from townlet import cli
from townlet.config.source.kinds import is_list_of_entries, is_mapping_of, what_it_is

STRANGERS = {
    "shadow": "root:$6$SECRET$abc:19000:0:99999:7:::\ndaemon:*:SECRET:0:99999:7:::\n",
    "key": "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRETb3BlbnNzaC1rZXk\nAAAA==\n-----END OPENSSH PRIVATE KEY-----\n",
    "environment": "DB_PASSWORD=SECRET\nTOKEN=SECRET\n",
    "kubernetes": "apiVersion: v1\nkind: Secret\nmetadata: {name: SECRET}\ndata: {password: SECRET}\n",
    "service account": '{"type": "x", "private_key": "SECRET", "private_key": "SECRET", "client_email": "SECRET"}',
    "list": "- SECRET\n- user: SECRET\n  password: SECRET\n",
    "workflow": "name: SECRET\non: push\nenv: {KEY: SECRET}\njobs: {SECRET: {steps: []}}\n",
    "runs of another program": "name: SECRET\ndescription: SECRET\nauthor: SECRET\ninputs: {}\nruns: {SECRET: 1}\n",
    "unknown alias": "password: *SECRET\n",
    "alias inside itself": "password: &SECRET [*SECRET]\n",
    "tag": "password: !SECRET x\n",
    "handle": "password: !SECRET!x y\n",
    "colon": "password: SECRET: SECRET\n",
    "ini": "[default]\npassword = SECRET\n",
    "quote": 'password: "SECRET\n',
    "number": "7331\n",
    "half a character": '{"password": "SECRET\\ud83c"}',
    "two documents": "SECRET\n---\nSECRET\n",
    "list as key": "? [SECRET]\n: SECRET\n",
    "merge": "<<: SECRET\n",
    "binary": b"\x7fELF\x00SECRET\xff\xfe",
    "control": "SECRET\x07SECRET\n",
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
def test_never_quoted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content = STRANGERS[name]
    Path("stranger").write_bytes(content if isinstance(content, bytes) else content.encode())
    Path("town.yaml").write_text("config_id: t\naffordances: {affordances_file: stranger}\n")
    Path("suite.yaml").write_text("name: s\nruns: [{config: stranger}]\n")
    for file in ("stranger", "town.yaml", "suite.yaml"):
        for words in (["validate", file], ["plan", file, "--output", "out"], ["validate", "--json", file]):
            assert cli.main(words) == 2
            said = "".join(capsys.readouterr())
            assert "stranger" in said and "SECRET" not in said and "7331" not in said, said
    assert not Path("out").exists()


KEYS = {"config_id", "seed", "world", "scenario"}


@pytest.mark.parametrize(
    ("data", "is_one"),
    [({}, True), ({"config_id": 1, "a": 1, "b": 2}, True), ({"confg_id": 1, "a": 1, "b": 2}, True),
     ({"world": 1, "x": 2}, True), ({"wrld": 1, "scenaro": 2, "x": 3}, True), ({"world": 1, "x": 2, "y": 3}, False),
     ({"x": 1}, False), ([], False), (None, False), ("config_id", False)],
)  # fmt: skip
def test_a_mapping_of_keys(data: object, is_one: bool) -> None:
    assert is_mapping_of(KEYS, data, "config_id") == is_one


@pytest.mark.parametrize(
    ("data", "is_one"),
    [([], True), ([{"id": "a", "object_type": "b"}], True), ([{"id": "a", "obect_type": "b"}, 1], True),
     ([{"id": "a"}], False), ([1], False), ({}, False), (None, False)],
)  # fmt: skip
def test_a_list_of_entries(data: object, is_one: bool) -> None:
    assert is_list_of_entries(data) == is_one


def test_in_words() -> None:
    assert [what_it_is(data) for data in (None, {}, [], "x", 1.5)] == [
        "nothing", "a mapping with other keys", "a list", "text", "a single value",
    ]  # fmt: skip
