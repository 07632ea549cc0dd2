"""Reference and JSON Schema, made from the models; `python -m townlet.config.docs` writes docs/config.md.

Every key is in the reference, with its values, its default, and what it does or that it does nothing; a test
holds the file up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from townlet.config.affordances import (
    HOOKS,
    AffordanceInFile,
    EntriesOfFile,
    ObjectInFile,
)
from townlet.config.schema import DEFAULT_TICKS, PERSONALITIES, Config
from townlet.config.schema.json_schema import explained
from townlet.config.schema.types import ID_RULE, NO_EFFECT, UNREAD, names_of
from townlet.config.suite import SuiteInFile
from townlet.config.type_text import ValueKind
from townlet.vocabulary import COMPARISONS, FACTS

FILES: dict[str, tuple[type[BaseModel], str]] = {
    "config": (Config, "A Townlet config"),
    "affordances": (EntriesOfFile, "A Townlet affordance file"),
    "suite": (SuiteInFile, "A Townlet suite"),
}


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


INTRODUCTION = f"""\
# Config keys

*Written by `python -m townlet.config.docs` from the models in `townlet/config`; do not edit.*

A config is a YAML or JSON file of at most 8 MB. Only `config_id` has to be there; an unknown key is an error, with
the nearest known one. `townlet validate FILE` reports every mistake at once with file, line and column, in suites and
affordance files too: what it accepts can be captured. `townlet schema` prints the JSON Schema, for an editor's
completion. [existing-configs.md](existing-configs.md) says what is different
for configs of an existing installation.

- **YAML** is read as version 1.2: `1e-4` is a number, and `on`, `off`, `yes`, `no` are text (`lifecycle: on`
  needs no quotes); where true or false is meant, these words are understood. A number with a leading zero or
  a colon (`010`, `1:30`) is text, since YAML's versions disagree on it. A key given twice is an error.
- **Parts may be shared** by anchors, aliases and merge keys (`&day`, `*day`, `<<: *base`), as if they were written out:
  up to a million values and 64 levels. A text may have escapes, those of JSON for an emoji (`\\ud83c\\udfe0`) too.
- **A capture is a config**: its folder (or its manifest) stands for the run that made it, so that
  `townlet capture samples/kitchen --seed 5 --output samples/other` makes it again with another seed, and otherwise the
  same options; the file `*_config.json` in it is a config by itself. Suites may name both. A shipped config wins over a
  folder of its name: `./town` is the folder.
- **Links**: what a config or a suite names is looked for beside the link, then beside what it leads to. A config is the
  same, byte for byte in what is captured, however its path is spelled.
- **Networks** decide where a policy is `network:PATH`, or `network:PATH?mode=greedy&temperature=0.5`;
  [policies.md](policies.md) says where the file is looked for, and what is kept of it.
- **Ids** are {ID_RULE}. No two agents, and no two objects, may differ in case only.
- **Ranges** may be written `[min, max]`, `{{min: 1, max: 2}}` or as one number.
- **Tiles** are `[x, y]`, x east, y south, `[0, 0]` at the top left.
- **Which value wins**: the command line, a suite's entry, a suite's defaults, `scenario`, the top level, the
  default (seed 0, {DEFAULT_TICKS} ticks). A schedule wins over a policy unless `--ignore-schedules` is given.
- **Accepted, no effect on a capture** marks what other parts of an installation read. Such keys are named
  once when a config is loaded, and do not change what a run is.
"""

AFFORDANCE_TEXT = f"""\
## Affordance files

`affordances.affordances_file` names a list of entries, each an object or an affordance.

- **Preconditions** are text that compares a fact with a number, `true` or `false`: `"wallet >= 0.4"`. The
  facts are {_listed(FACTS)};
  the comparisons {_listed(COMPARISONS)}.
- **Hooks** are names of a fixed list, and load no code: {_listed(HOOKS)}.
  Where an entry does not say so itself, `on_attempt_eat` takes a meal, `on_attempt_cook` an ingredient;
  `on_finish_cook` puts a meal into the nearest fridge and costs `economy.cook_energy_cost` and
  `economy.cook_hygiene_cost`.
- **Prices** that an entry does not give are those of `economy`: `meal_cost` where it takes a meal,
  `ingredients_cost` where it takes or brings ingredients.
- **An affordance that a schedule names and no file defines** is a plain occupation of the objects that it is
  named with, of several types too (30 ticks, or the shift's length for a job's holder; no effects), with a
  notice. One that a file defines for other types is offered by these objects too, with its effects.
- **Stoves and showers** need power, showers water too, whatever they are used for.
"""

SUITE_TEXT = """\
## Suites

A suite names runs: configs with their seeds. Paths are relative to the suite file, and two runs may not have
the same name and seed.
"""


def render() -> str:
    """The text of docs/config.md."""
    lines = [INTRODUCTION]
    read = {name: field for name, field in Config.model_fields.items() if not _unused(field)}
    for name, field in read.items():
        lines += _chapter(name, field)
    others = tuple(name for name in Config.model_fields if name not in read)
    lines += [f"## Sections without effect\n\n{_listed(others)}: any mapping. {UNREAD}\n"]
    lines += [_personalities(), AFFORDANCE_TEXT]
    lines += _table(ObjectInFile, "objects: ")
    lines += _table(AffordanceInFile, "affordances: ")
    lines += [SUITE_TEXT, *_table(SuiteInFile, "")]
    return "\n".join(lines).rstrip() + "\n"


def _chapter(name: str, field: FieldInfo) -> Iterator[str]:
    """A top-level key: a heading, a line, and a table of the keys below it."""
    others = "".join(f", `{other}`" for other in names_of(name, field)[1:])
    yield f"## `{name}`{others}\n"
    model = _model_of(field)
    if model is None:
        yield f"{field.description} Expected: {_words(field)}. Default: {_default(field)}.\n"
        return
    if (model.__doc__ or "") != field.description:
        yield f"{field.description}\n"
    yield from _rows(list(_keys(name, field)))


def _table(model: type[BaseModel], prefix: str) -> Iterator[str]:
    yield from _rows([row for key, field in model.model_fields.items() for row in _keys(prefix + key, field)])


def _rows(rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield "| key | values | default | what it does |"
    yield "|---|---|---|---|"
    yield from ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    yield ""


def _keys(path: str, field: FieldInfo) -> Iterator[tuple[str, str, str, str]]:
    """A row for a key, then those of the keys below it."""
    kind = ValueKind.of(field)
    names = names_of(_last(path), field)
    if kind.model is None or kind.name is not None:
        shown = " or ".join(f"`{name}`" for name in (path, *names[1:]))
        yield shown, _words(field), _default(field), field.description or ""
    yield from _below(path, kind)


def _below(path: str, kind: ValueKind) -> Iterator[tuple[str, str, str, str]]:
    if kind.name is not None:
        return
    if kind.model is not None:
        for key, field in kind.model.model_fields.items():
            yield from _keys(f"{path}.{key}", field)
    elif kind.variants:
        yield from _variants(path, kind)
    elif _origin(kind) is dict:
        yield from _below(f"{path}.<name>", kind.of_value())
    elif _origin(kind) in (tuple, list):
        yield from _below(f"{path}[]", kind.of_value())


def _variants(path: str, kind: ValueKind) -> Iterator[tuple[str, str, str, str]]:
    """The keys of a union: first those that all have, then each one's own."""
    models = list(dict.fromkeys(kind.variants.values()))
    shared = [key for key in models[0].model_fields if all(key in model.model_fields for model in models)]
    kinds = " or ".join(f"`{tag}`" for tag in kind.variants)
    yield f"`{path}.kind`", kinds, _default(models[0].model_fields["kind"]), "What happens."
    for key in shared:
        if key != "kind":
            yield from _keys(f"{path}.{key}", models[0].model_fields[key])
    for tag, model in kind.variants.items():
        for key, field in model.model_fields.items():
            if key not in shared:
                for name, words, default, text in _keys(f"{path}.{key}", field):
                    yield f"{name} (`{tag}`)", words, default, text


def _origin(kind: ValueKind) -> Any:
    return getattr(kind.bare, "__origin__", None)


def _last(path: str) -> str:
    return path.rpartition(".")[2].rpartition(" ")[2]


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a key that has keys below it."""
    kind = ValueKind.of(field)
    return kind.model or (ValueKind(kind.of_value().bare).model if _origin(kind) is dict else None)


def _unused(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and NO_EFFECT in field.json_schema_extra


def _words(field: FieldInfo) -> str:
    kind = ValueKind.of(field)
    if kind.name is not None:
        return kind.words().replace(f" ({ID_RULE})", "")
    return _choice(kind) or _collection(kind) or kind.words()


def _choice(kind: ValueKind) -> str:
    return " or ".join(f"`{value}`" for value in kind.bare.__args__) if _origin(kind) is Literal else ""


def _collection(kind: ValueKind) -> str:
    if _origin(kind) is dict:
        value = kind.of_value()
        if value.model or value.variants:
            return "a mapping by name"
        names = _choice(kind.of_key()).replace(" or ", ", ") or "names"
        return f"a mapping of {names} to {_choice(value) or value.words()}"
    if _origin(kind) in (tuple, list):
        item = kind.of_value()
        return "a list" if item.model else f"a list, each {item.words().replace(f' ({ID_RULE})', '')}"
    return ""


def _default(field: FieldInfo) -> str:
    if _unused(field):
        return "-"
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value is PydanticUndefined:
        return "none"
    return f"`{json.dumps(to_jsonable_python(value, exclude_none=True), ensure_ascii=False)}`"


def _personalities() -> str:
    rows = [
        f"| `{name}` | {' | '.join(f'{part:g}' for part in parts)} |" for name, parts in PERSONALITIES.items()
    ]
    head = [
        "## Personality profiles",
        "",
        "| profile | extroversion | forgiveness | ambition |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def json_schema(kind: str = "config") -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file: `config`, `affordances` or `suite`. Raises KeyError for others."""
    model, title = FILES[kind]
    schema = explained(model.model_json_schema(mode="validation"))
    schema.pop("title", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:townlet:schema:{kind}",
        "title": title,
        **schema,
    }


def main(arguments: list[str]) -> int:
    """Write the reference to the file named, docs/config.md where none is."""
    target = Path(arguments[0]) if arguments else Path("docs/config.md")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
