"""Profiles are files that people write: one that is something else is named, and not quoted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from townlet.errors import UserError
from townlet.pipelines.runners.options import beam_parser
from townlet.pipelines.runners.profiles import flags_of


def test_a_profile_that_is_another_file_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    for text in (
        "aws_key: SECRET\naws_password: [SECRET]\n",
        "- SECRET\n",
        "SECRET\n",
        "SECRET: SECRET: x\n",
    ):
        file.write_text(text)
        with pytest.raises(UserError) as found:
            flags_of(str(file), (), beam_parser())
        assert "SECRET" not in str(found.value) and "aws" not in str(found.value).removeprefix(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="expected an ordinary file, got a pipe"):
        flags_of(str(tmp_path / "pipe"), (), beam_parser())
