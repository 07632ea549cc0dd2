"""One file that loads nothing, in which no text of data is more than text."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from tests.report.read_page import array_at, read_page
from townlet.report.bundle import PAGE, PageArrays, bundle, is_report, json_in_page

HOSTILE = '</script><img src=x onerror="boom()"><!--\u2028\u202e\ud800&amp;'


def page_of(**arrays: np.ndarray) -> bytes:
    block = PageArrays()
    return bundle({"kind": "run", "runs": [{"arrays": block.table(arrays)}], "text": HOSTILE}, block, HOSTILE)


ARRAYS = {
    "floats": np.array([[0.5, -1.0, np.nan], [3.0, 1e-30, np.inf]], np.float32),
    "shorts": np.arange(12, dtype=np.uint16).reshape(2, 3, 2) * 5000,
    "signed": np.array([-5, 7, -32768], np.int16),
    "bytes": np.array([0, 255, 3], np.uint8),
    "flags": np.array([True, False]),
    "wide": np.array([1 << 31, 5], np.uint32),
    "strided": np.arange(20, dtype=np.float32).reshape(4, 5)[:, ::2],
    "big": np.array([1, 2, 3], ">i2"),
    "none": np.zeros((0, 4), np.float32),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back(name: str) -> None:
    document, block = read_page(page_of(**ARRAYS))
    entry = document["runs"][0]["arrays"][name]
    found = array_at(entry, block)
    assert found.shape == ARRAYS[name].shape
    assert np.array_equal(found, ARRAYS[name], equal_nan=found.dtype.kind == "f")
    assert entry["shuffled"] == (found.dtype.itemsize > 1)


def test_the_same_bytes_twice() -> None:
    assert page_of(**ARRAYS) == page_of(**ARRAYS)


def test_text_of_data_stays_text() -> None:
    page = page_of().decode()
    assert "<img" not in page and "boom()" in page
    assert "\u202e" not in page and "\u2028" not in page
    assert read_page(page.encode())[0]["text"] == HOSTILE
    assert page.count("</script>") == page.count("<script")
    assert re.findall(r"<title>(.*)</title>", page)[0].startswith("&lt;/script&gt;&lt;img")


def test_json_in_a_page_is_ascii_and_ends_nothing() -> None:
    text = json_in_page({"name": HOSTILE})
    assert text.isascii() and not re.search("[<>&]", text)
    assert json.loads(text) == {"name": HOSTILE}
    with pytest.raises(ValueError):
        json_in_page({"number": float("nan")})


def test_the_mark_says_that_a_file_is_a_report() -> None:
    assert is_report(page_of()) and not is_report(b"<!doctype html>\n<html>")


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = page_of().decode()
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert "/" + "tmp/" not in page and str(PAGE) not in page


def test_every_module_that_is_imported_is_in_the_map() -> None:
    page = page_of().decode()
    imports = json.loads(re.findall(r'<script type="importmap">(.*?)</script>', page)[0])["imports"]
    assert "#page/main.js" in imports
    for name, url in imports.items():
        text = base64.b64decode(url.partition(",")[2]).decode()
        assert text == (PAGE / name.removeprefix("#page/")).read_text(encoding="utf-8")
        assert set(re.findall(r'from "(#page/[^"]+)"', text)) <= set(imports), name
