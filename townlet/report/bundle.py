"""A report as one file: template, style, modules, data and arrays in a page that loads nothing from elsewhere.

The page lies in `townlet/report/page/`: a template with a comment for each part (`<!-- style -->`), style sheets, and
modules that import one another as `#page/charts/line.js`. In the file an import map gives each of these names a `data:`
URL, so that a browser that opens the file from a disk finds them. The same data give the same bytes: no time of day, no
path of a machine.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from townlet import __version__
from townlet.escaping import shown

PAGE = Path(__file__).parent / "page"
ENTRY = "#page/main.js"
# What a file begins with that may be replaced: it is a report.
MARK = b"<!doctype html>\n<!-- townlet report -->\n"

_PART = re.compile(r"<!-- (title|style|modules|data) -->")


class PageArrays:
    """The arrays of a page: one zlib stream, filled array by array, and where in it each lies."""

    def __init__(self) -> None:
        self._stream, self._compressed, self._end = zlib.compressobj(9), list[bytes](), 0

    def add(self, array: np.ndarray) -> dict[str, Any]:
        """Append an array; what the page's JSON says of it.

        Bytes of numbers are grouped by their place in a number (all first bytes, all second ones, ...): those of
        neighbours are alike, and what is alike takes little space.
        """
        plain = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        size = plain.dtype.itemsize
        data = plain.reshape(-1).view(np.uint8).reshape(-1, size).T.tobytes() if size > 1 else plain.tobytes()
        self._compressed.append(self._stream.compress(data))
        start, self._end = self._end, self._end + len(data)
        kind = {"f": "f", "u": "u", "i": "i", "b": "u"}[plain.dtype.kind]
        dtype = f"<{kind}{size}" if size > 1 else f"{kind}1"
        return {"dtype": dtype, "shape": list(plain.shape), "at": start, "shuffled": size > 1}

    def table(self, arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
        """Append arrays, and say of each where it lies."""
        return {name: self.add(array) for name, array in arrays.items()}

    def finish(self) -> bytes:
        """The stream. Nothing is added afterwards."""
        self._compressed.append(self._stream.flush())
        return b"".join(self._compressed)


def bundle(document: Mapping[str, Any], arrays: PageArrays, title: str) -> bytes:
    """The page of a `document` (what the page shows, with its `kind`), whose arrays lie in `arrays`."""
    parts = {
        "title": html.escape(shown(title)),
        "style": f"<style>\n{_styles(str(document['kind']))}</style>",
        "modules": _modules(str(document["kind"])),
        "data": "".join(_data({"version": __version__, **document}, arrays.finish())),
    }
    template = _read("template.html")
    found = [match[1] for match in _PART.finditer(template)]
    assert sorted(found) == sorted(parts), (
        f"template.html: expected each of {sorted(parts)} once, found {found}"
    )
    page = _PART.sub(lambda match: parts[match[1]], template)
    return MARK + page.removeprefix("<!doctype html>\n").encode()


def is_report(beginning: bytes) -> bool:
    """Whether a file that begins like this is a report."""
    return beginning.startswith(MARK)


def json_in_page(value: Any) -> str:
    """JSON that may stand in a `<script>`: nothing in it ends the element or begins a comment, and all is ASCII."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(document: Mapping[str, Any], compressed: bytes) -> Iterator[str]:
    yield f'<script type="application/json" id="townlet-data">{json_in_page(document)}</script>\n'
    yield '<script type="application/octet-stream;base64" id="townlet-arrays">'
    yield base64.b64encode(compressed).decode()
    yield "</script>"


def _modules(kind: str) -> str:
    """An import map of all modules that a page of this kind may load, and the call of the first."""
    names = _needed(kind)
    urls = {name: _url(_read(name.removeprefix("#page/"))) for name in names}
    return (
        f'<script type="importmap">{json_in_page({"imports": urls})}</script>\n'
        f'<script type="module">import "{ENTRY}";</script>'
    )


_IMPORTED = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["'](#page/[\w./-]+)["']""")
_VIEW = re.compile(r"#page/(run|comparison|dataset|training)/view\.js")


@cache
def _needed(kind: str) -> tuple[str, ...]:
    """The modules that a page of this kind loads, sorted: those that others import, and no view of another kind."""
    found, waiting = set[str](), [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for imported in _IMPORTED.findall(_read(name.removeprefix("#page/"))):
            view = _VIEW.fullmatch(imported)
            if view is None or name != ENTRY or view[1] == kind:
                waiting.append(imported)
    return tuple(sorted(found))


def _styles(kind: str) -> str:
    """The common style sheet, and those that lie beside the modules that a page of this kind loads."""
    folders = sorted({name.removeprefix("#page/").rpartition("/")[0] for name in _needed(kind)} - {""})
    beside = (f"{folder}/style.css" for folder in folders if (PAGE / folder / "style.css").is_file())
    return "\n".join(map(_read, ("style.css", *beside)))


def _url(module: str) -> str:
    return f"data:text/javascript;base64,{base64.b64encode(module.encode()).decode()}"


@cache
def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")
