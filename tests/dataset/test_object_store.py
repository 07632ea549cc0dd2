"""The object store keeps the contract (here in memory), travels without secrets, and explains its errors."""

from __future__ import annotations

import pytest

from tests.dataset.store_contract import StoreContract
from townlet.dataset.buckets import Bucket
from townlet.dataset.object_store import ObjectStore


@pytest.fixture
def store() -> ObjectStore:
    memory = pytest.importorskip("obstore.store").MemoryStore()
    return ObjectStore(Bucket("memory://bucket", memory), "deep/out")


class TestObjectStore(StoreContract):
    pass
