"""Files of an output, changed by somebody else: as they are, or with every digest on the way up made to agree."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from townlet.dataset.format.canonical import document_bytes, line_bytes

# What a value of a document is replaced by. Texts that begin with `@` stand for JSON that Python does not write.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**53 + 1, 2**63, 10**30, -(2**63), 0.5, -0.0, 1e300,
    "", "x", ".", "..", "../../x", "/abs", "a/b", "~", "\x00", "a\nb", "\x1b[31mred\x1b[0m", "\x9b2J", "\u202egpj",
    "x" * 5000, "0" * 64, "f" * 64, "Ünïcødé", "$(touch x)", "=1+1", "<script>",
    [], {}, [[]], [None], {"": 0}, {"name": "../../x"}, [1, "a", {}], [0] * 3,
    "@NaN", "@Infinity", "@1e999", '@"\\ud800"', '@"\\u0000"', "@-0", "@9" + "9" * 400, "@9" + "9" * 5000,
    "@" + "[" * 70 + "]" * 70, "@" + "[" * 3000 + "]" * 3000, "@" + '{"a":' * 1500 + "1" + "}" * 1500,
    '@{"seed":1,"seed":2}', '@"\xff"',
)  # fmt: skip

_SIZES = {"sha256": "size", "meta_sha256": "meta_size", "manifest_sha256": "manifest_size"}


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def any_file(folder: Path, rng: random.Random) -> Path:
    """A file, of a kind that is as likely as the others: there are more samples than indexes."""
    kinds: dict[str, list[Path]] = {}
    for path in files_of(folder):
        kinds.setdefault(_kind(path), []).append(path)
    return rng.choice(kinds[rng.choice(sorted(kinds))])


def _kind(path: Path) -> str:
    parts = path.name.split("_")
    if path.suffix in (".npz", ".json") and path.parent.name.startswith("seed-"):
        return parts[-1] if len(parts) == 3 else f"sample{path.suffix}"
    staged = ".staging" in path.parts
    return f"{staged} {path.parent.name}" if staged or path.parent.parent.name == "index" else path.name


# Mutations: of a file's bytes, given and returned


def any_bytes(data: bytes, rng: random.Random) -> bytes:
    """As a disk, a careless copy or an editor would have it."""
    kind = rng.randrange(9)
    at, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 8, 100))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + data[at + length :]
    if kind == 2:
        return data[:at] + rng.randbytes(length) + data[at:]
    if kind == 3:
        return rng.choice(
            (b"", b"\0", b"{}", b"[]", b"null", b"7", b"[" * 100_000, b"\xff\xfe", rng.randbytes(300))
        )
    if kind == 4:
        return data + rng.choice((b"\n", b"\0" * 100, b"{}", data))
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 5))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def any_document(data: bytes, rng: random.Random) -> bytes:
    """A JSON document in which one value is another, or a key is another, gone, or one more."""
    document = json.loads(data)
    place = _any_place(document, rng)
    if place is None:
        return any_bytes(data, rng)
    holder, key = place
    value = rng.choice(VALUES)
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[rng.choice([text for text in VALUES if isinstance(text, str)])] = holder.pop(key)
    elif kind == 2:
        inner, name = _any_place(document, rng) or place
        holder[key] = json.loads(json.dumps(inner[name]))
    elif kind == 3 and isinstance(holder[key], int):
        holder[key] += rng.choice((1, -1, 10**6, 2**31, 2**40))
    else:
        holder[key] = value
    return written(document)


def written(document: Any) -> bytes:
    """In the way of our own files, with the texts that begin with `@` as they are."""
    try:
        text = document_bytes(document).decode() if isinstance(document, dict) else json.dumps(document)
    except ValueError:
        text = json.dumps(document)
    for value in VALUES:
        if isinstance(value, str) and value.startswith("@"):
            text = text.replace(json.dumps(value, ensure_ascii=False), value[1:])
    return text.encode("utf-8", "surrogatepass")


def any_table(data: bytes, rng: random.Random) -> bytes:
    """A Parquet table with another column, or damaged."""
    if rng.random() < 0.4:
        return any_bytes(data, rng)
    table = pq.read_table(io.BytesIO(data))
    name = rng.choice(table.column_names)
    index, column = table.column_names.index(name), table.column(name).to_pylist()
    kind = rng.randrange(6)
    if kind == 0:
        table = table.drop_columns([name])
    elif kind == 1:
        table = table.set_column(
            index, name, pa.array([b"\xff\xfe"] * len(column), pa.binary()).view(pa.string())
        )
    elif kind == 2:
        value = rng.choice(VALUES)
        table = table.set_column(index, name, pa.array([str(value)] * len(column)))
    elif kind == 3:
        table = table.slice(0, rng.randrange(len(column)))
    elif kind == 4:
        table = pa.concat_tables([table, table])
    else:
        column[rng.randrange(len(column))] = None
        table = table.set_column(index, name, pa.array(column, table.column(name).type))
    return packed(table)


def change_row(root: Path, row: int, **values: Any) -> None:
    """Have the first table of an index say something else of a sample, and all digests agree."""
    path = min((root / "index" / "samples").iterdir())
    table = pq.read_table(path)
    for name, value in values.items():
        column = table.column(name).to_pylist()
        column[row] = value
        field = table.schema.field(name)
        table = table.set_column(table.column_names.index(name), field, pa.array(column, field.type))
    replace_file(root, path, packed(table))


def packed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, store_schema=False)
    return sink.getvalue()


def mutation_of(path: Path) -> Callable[[bytes, random.Random], bytes]:
    return {".json": any_document, ".parquet": any_table}.get(path.suffix, any_bytes)


def _any_place(value: Any, rng: random.Random) -> tuple[Any, Any] | None:
    """A place of a document, those near the top as likely as the many far below."""
    place = None
    while value and isinstance(value, dict | list) and (place is None or rng.random() < 0.7):
        key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
        place, value = (value, key), value[key]
    return place


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a document: what holds it, and its key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


# Digests


def replace_file(root: Path, path: Path, data: bytes) -> None:
    """Replace a file, and let every file that names it by its SHA-256 agree, and so on upwards."""
    old = path.read_bytes()
    if path.suffix == ".json":
        data = signed(data)
    path.write_bytes(data)
    before, after = hashlib.sha256(old).hexdigest(), hashlib.sha256(data).hexdigest()
    if before == after:
        return
    if before in path.name:
        path = path.rename(path.with_name(path.name.replace(before, after)))
    for other in files_of(root):
        if other == path:
            continue
        content = other.read_bytes()
        changed = _agreeing(other, content, before, after, len(data))
        if changed != content:
            replace_file(root, other, changed)


def signed(data: bytes) -> bytes:
    """A document with its own digest made to agree, where it has one."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    try:
        if "sha256" in document and "samples" in document:  # a receipt
            del document["sha256"]
            return line_bytes({**document, "sha256": hashlib.sha256(line_bytes(document)).hexdigest()})
        metadata = document["metadata"]
        if "content_sha256" not in metadata:
            return data
        if (
            "runs" in document or "shards" in document
        ):  # an index: its digest is taken with zeros in its place
            metadata["content_sha256"] = "0" * 64
            metadata["content_sha256"] = hashlib.sha256(document_bytes(document)).hexdigest()
        else:
            del metadata["content_sha256"]
            metadata["content_sha256"] = hashlib.sha256(line_bytes(document)).hexdigest()
        return document_bytes(document)
    except (TypeError, KeyError, AttributeError, ValueError, RecursionError):
        return data


def _agreeing(path: Path, content: bytes, before: str, after: str, size: int) -> bytes:
    if path.suffix == ".parquet":
        return _agreeing_table(content, before, after, size)
    if before.encode() not in content:
        return content
    try:
        document = json.loads(content)
    except ValueError:
        return content.replace(before.encode(), after.encode())
    for holder, key in list(_places(document)):
        if isinstance(holder, dict) and holder.get(key) == before:
            holder[key] = after
            if _SIZES.get(key) in holder:
                holder[_SIZES[key]] = size
            if before in str(holder.get("name")):
                holder["name"] = holder["name"].replace(before, after)
    return line_bytes(document) if content.count(b"\n") == 1 else document_bytes(document)


def _agreeing_table(content: bytes, before: str, after: str, size: int) -> bytes:
    try:
        table = pq.read_table(io.BytesIO(content))
        for name, size_name in _SIZES.items():
            if name not in table.column_names:
                continue
            column = table.column(name).to_pylist()
            if before not in column:
                continue
            sizes = table.column(size_name).to_pylist()
            sizes = [size if value == before else old for value, old in zip(column, sizes, strict=True)]
            column = [after if value == before else value for value in column]
            for changed, values in ((name, column), (size_name, sizes)):
                place = table.column_names.index(changed)
                table = table.set_column(place, changed, pa.array(values, table.column(changed).type))
            content = packed(table)
    except (pa.ArrowException, OSError, ValueError, KeyError):
        return content
    return content
