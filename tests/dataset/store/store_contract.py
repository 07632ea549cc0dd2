"""What every store promises: a test class to inherit, with a `store` fixture."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from townlet.dataset.store.contract import Store
from townlet.dataset.store.local import LocalStore
from townlet.errors import OutputError


class StoreContract:
    def names(self, store: Store, folder: str = "") -> list[str]:
        return [file.name for file in store.list(folder)]

    def test_reads_what_was_written(self, store: Store) -> None:
        store.write_new("a/new", [b"one ", memoryview(b"two")])
        store.write_whole("b", [b"three"])
        assert store.read("a/new") == b"one two"
        with store.open_read("b") as file:
            assert file.read(2) == b"th"
        assert (store.size("a/new"), store.size("b"), store.size("c")) == (7, 5, None)

    def test_what_is_not_there(self, store: Store) -> None:
        for read in (store.read, store.open_read):
            with pytest.raises(FileNotFoundError):
                read("a/b")
        with pytest.raises(FileNotFoundError):
            store.move("a", "b")
        assert self.names(store) == []
        store.delete("a/b")

    def test_whole_writes_replace(self, store: Store) -> None:
        store.write_whole("a", [b"a long first content"])
        store.write_whole("a", [b"second"])
        assert store.read("a") == b"second"
        assert self.names(store) == ["a"]

    def test_create_if_absent(self, store: Store) -> None:
        assert store.create_if_absent("a", [b"first"])
        assert not store.create_if_absent("a", [b"second"])
        assert store.read("a") == b"first"
        assert self.names(store) == ["a"]

    def test_compare_and_swap(self, store: Store) -> None:
        first, second = (hashlib.sha256(text).hexdigest() for text in (b"first", b"second"))
        assert not store.compare_and_swap("a", first, [b"first"])
        assert store.compare_and_swap("a", None, [b"first"])
        assert not store.compare_and_swap("a", None, [b"second"])
        assert not store.compare_and_swap("a", second, [b"third"])
        assert store.compare_and_swap("a", first, [b"second"])
        assert store.read("a") == b"second"
        assert self.names(store) == ["a"]

    def test_move_replaces(self, store: Store) -> None:
        store.write_new("a/x", [b"new"])
        store.write_new("b/x", [b"old"])
        store.move("a/x", "b/x")
        assert store.read("b/x") == b"new"
        assert self.names(store) == ["b/x"]

    def test_below_a_folder(self, store: Store) -> None:
        store.write_new("versions/1/a", [b"1"])
        inner = store.below("versions/1")
        assert (inner.renames, str(inner)) == (store.renames, f"{store}/versions/1")
        assert inner.read("a") == b"1"
        inner.below("deeper").write_new("b", [b"2"])
        assert self.names(store) == ["versions/1/a", "versions/1/deeper/b"]
        assert self.names(inner) == ["a", "deeper/b"]
        assert self.names(store.below("nothing")) == []
        inner.delete("a")
        inner.delete("deeper")
        assert self.names(store) == []
        for name in ("", "..", "/a", "a//b"):
            with pytest.raises(OutputError, match="expected a file name inside"):
                store.below(name)

    def test_links_and_copies(self, store: Store, tmp_path: Path) -> None:
        store.write_new("1/a", [b"first"])
        old, new = store.below("1"), store.below("2")
        for _ in range(2):
            new.link_from(old, "a", "c/a")
        assert new.read("c/a") == b"first"
        old.write_whole("a", [b"second"])
        assert new.read("c/a") == b"first"
        new.link_from(old, "a", "c/a")
        old.delete("a")
        assert self.names(store) == ["2/c/a"]
        assert store.read("2/c/a") == b"second"
        with pytest.raises(FileNotFoundError):
            new.link_from(old, "a", "b")
        elsewhere = LocalStore(tmp_path / "elsewhere")
        elsewhere.write_new("x", [b"third"])
        store.link_from(elsewhere, "x", "2/c/a")
        elsewhere.link_from(store, "2/c/a", "y")
        assert (store.read("2/c/a"), elsewhere.read("y")) == (b"third", b"third")

    def test_listing(self, store: Store) -> None:
        for name in ("b", "a/2", "a/1", "a/c/3"):
            store.write_new(name, [name.encode()])
        assert sorted(self.names(store)) == ["a/1", "a/2", "a/c/3", "b"]
        assert self.names(store) == self.names(store)
        assert [(file.name, file.size) for file in store.list("a", deep=False)] == [("a/1", 3), ("a/2", 3)]
        assert self.names(store, "nothing") == []

    def test_deleting(self, store: Store) -> None:
        for name in ("a/b/1", "a/b/2", "a/3", "4"):
            store.write_new(name, [b""])
        store.delete("a/b")
        assert sorted(self.names(store)) == ["4", "a/3"]
        store.delete("a/3")
        store.write_new("a/b/1", [b""])
        assert sorted(self.names(store)) == ["4", "a/b/1"]

    def test_durable(self, store: Store) -> None:
        store.write_new("a/1", [b""])
        store.make_durable(["a", "", "nothing"])

    @pytest.mark.parametrize("name", ["", "/a", "a/../../b", "..", "a//b", "./a", "a/", "a\0b"])
    def test_names_stay_inside(self, store: Store, name: str) -> None:
        with pytest.raises(OutputError, match="expected a file name inside"):
            store.write_new(name, [b""])
        with pytest.raises(OutputError, match="expected a file name inside"):
            store.read(name)
