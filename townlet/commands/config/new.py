"""`townlet new`: a commented config to start from, which is valid at once."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from townlet.console.parsing import Parser
from townlet.console.printing import remark, say
from townlet.errors import OutputError, UserError
from townlet.escaping import shown, typed

EXAMPLES = """\
examples:
  townlet new bakery                                  bakery.yaml: two rooms, two people, each part explained
  townlet new bakery --from kitchen_breakfast         a copy of a shipped config (`townlet list` shows them)
  townlet new towns/bakery.yaml --from our_town.yaml  or of a config of yours

A file that is there is never replaced.

exit codes: 0 written; 2 not a name, the file is there already, or no config to start from
"""

SUFFIXES = (".yaml", ".yml")
NOT_TEXT = (
    "null",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
)  # words that YAML may read as something else


def main(argv: Sequence[str], prog: str = "townlet new") -> int:
    parser = Parser(prog, "Write a commented config to start from.", EXAMPLES)
    parser.add_argument("name", metavar="NAME", help="the config's name; the file is NAME.yaml")
    parser.add_argument(
        "--from", dest="source", metavar="CONFIG", help="copy this config, with a comment at each section"
    )
    parser.add_argument("--quiet", action="store_true")
    arguments = parser.parse_args(argv)
    file, name = _file(arguments.name)
    text = _text(name, file, arguments.source)
    _check(text, file, arguments.source)
    _write(file, text)
    if not arguments.quiet:
        say(f"{file}: written")
        remark("next: edit it, and then")
        for words in (("validate", str(file)), ("capture", str(file), "--output", f"samples/{name}")):
            remark(f"  townlet {typed(*words)}")
    return 0


def _file(named: str) -> tuple[Path, str]:
    """The file that is to be written, and the name of the config in it. Raises UserError for what is no name."""
    from townlet.config.schema.types import ID_PATTERN, ID_RULE

    folder, stem = os.path.split(named)
    suffix = next((suffix for suffix in SUFFIXES if stem.endswith(suffix)), "")
    name = stem.removesuffix(suffix)
    if not ID_PATTERN.fullmatch(name):
        raise UserError(f"{shown(named)}: expected a name ({ID_RULE}), or a path that ends with one")
    file = Path(folder) / f"{name}{suffix or SUFFIXES[0]}"
    if os.path.lexists(file):
        raise OutputError(f"{shown(file)}: is there already, and stays as it is; choose another name")
    if folder and not os.path.isdir(folder):
        raise OutputError(f"{shown(folder)}: expected a folder to write into, found none; make it first")
    return file, name


def _text(name: str, file: Path, source: str | None) -> str:
    """The config, under its new name."""
    from townlet.commands.config.starter import STARTER

    text = STARTER if source is None else _copied(source)
    lines = [
        f"# {name}: made by `townlet new`" + (f" from {shown(source)}." if source is not None else "."),
        "# Every key with its default: docs/config.md; `townlet schema` has the same for editors. Try it:",
        f"#   townlet validate {typed(str(file))}",
        f"#   townlet capture {typed(str(file))} --output samples/{name}",
        "",
    ]
    said = name if name[0].isalpha() and name.lower() not in NOT_TEXT else f'"{name}"'
    identified, count = re.subn(r"(?m)^config_id:[^#\n]*?(?=\s*(?:#.*)?$)", f"config_id: {said}", text)
    if count != 1:
        raise UserError(
            f"{shown(source)}: expected `config_id: NAME` on a line of its own; copy the file by hand"
        )
    return "\n".join(lines) + "\n" + identified


def _copied(source: str) -> str:
    """A config's text, with a comment above each section that has none. Raises UserError for what is no config."""
    from townlet.config.load import load_config
    from townlet.config.schema.config import Config
    from townlet.config.shipped import existing
    from townlet.config.source.open_file import read_text
    from townlet.config.suite import is_suite

    if is_suite(source):
        raise UserError(f"--from: expected a config, got the suite {shown(source)}")
    load_config(source)
    place = existing(source)
    if place.suffix not in SUFFIXES:
        raise UserError(
            f"--from: expected a config as people write it, a .yaml file, got {shown(place)}; a capture can be "
            "captured again as it is"
        )
    commented: list[str] = []
    for line in read_text(place, source).splitlines():
        key = line.partition(":")[0]
        field = Config.model_fields.get(key)
        explained = bool(commented) and commented[-1].startswith("#")
        if field is not None and field.description and key != "config_id" and not explained:
            commented.append(f"# {field.description}")
        commented.append(line)
    return "\n".join(commented) + "\n"


def _check(text: str, file: Path, source: str | None) -> None:
    """Raise UserError where the new config would not be valid where it is to lie: what it names may lie elsewhere."""
    from townlet.config.load import load_config
    from townlet.dataset.store.os_errors import translate_os_error
    from townlet.errors import ConfigError

    with translate_os_error("write", str(file)):
        handle, place = tempfile.mkstemp(suffix=file.suffix, prefix=".townlet-new-", dir=file.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as made:
            made.write(text)
    try:
        load_config(place)
    except ConfigError as error:
        first = error.lines[0].replace(place, shown(source))
        raise UserError(f"--from: {first}: what it names lies beside it; copy both by hand") from None
    finally:
        Path(place).unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    from townlet.dataset.store.os_errors import translate_os_error

    with translate_os_error("write", str(file)):
        try:
            with open(file, "x", encoding="utf-8") as made:
                made.write(text)
        except FileExistsError:
            raise OutputError(
                f"{shown(file)}: is there already, and stays as it is; choose another name"
            ) from None
