"""Which of the files beside the runs of a data set are Townlet's: what the index names, or the log by its digest.

A name tells nothing: people have a README.md and a metrics.json of their own. The data card, which people like to
complete by hand, is theirs as soon as they have changed it: it is kept, and a new card goes beside it.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from townlet.dataset.format.canonical import file_sha256
from townlet.dataset.format.documents import MOST_INDEX_BYTES, Document, Sha256, parse_document
from townlet.dataset.format.manifest import LOG_NAME
from townlet.dataset.format.paths import CARD, INDEX, INDEX_FILES, NEW_CARD, model_in_name
from townlet.dataset.format.records import FileRecord
from townlet.dataset.store.contract import Store
from townlet.errors import CorruptSampleError, OutputError
from townlet.policy_text import MOST_MODEL_BYTES

LOG_LIMIT = 1 << 20  # bytes; ours has a few hundred


class Log(Document, frozen=True):
    """What every log of ours says, whatever else; and the digests of the index files that were written with it."""

    finished: str
    host: str
    pid: int
    platform: str
    versions: dict[str, str]
    files: dict[str, Sha256] = msgspec.field(default_factory=dict)


class _File(Document, frozen=True):
    sha256: Sha256


class _Facts(Document, frozen=True):
    files: dict[str, _File]


class _Index(Document, frozen=True):
    """As much of an index as tells which card is its own."""

    metadata: _Facts


def read_log(store: Store) -> Log | None:
    """The log in a place; None where there is none, or one that is not Townlet's."""
    try:
        return parse_document(Log, store.read(LOG_NAME, LOG_LIMIT), LOG_NAME, "a log of Townlet's")
    except (FileNotFoundError, CorruptSampleError, OutputError):
        return None  # a log is a hint: what cannot be read tells nothing, and stops nobody


def strange_files(store: Store) -> list[str]:
    """Files that have the names of index files and are not Townlet's, in a place that has no index.

    Where an index was, its log says which files it named: those are ours, damaged or not, as where it still is. A card
    that was changed is no stranger either: it stays as it is.
    """
    log = read_log(store)
    known = {} if log is None else log.files
    strange = [LOG_NAME] if log is None and store.kind(LOG_NAME) is not None else []
    others = (name for name in INDEX_FILES if name not in (INDEX, LOG_NAME, *known))
    return sorted([*strange, *(name for name in others if store.kind(name) is not None)])


def own_index_files(store: Store) -> list[str]:
    """The names beside the runs of a place with an index whose files are Townlet's: all but a card that was changed."""
    mine = set() if (card := _card_of_index(store)) is None else {card}
    mine = cards_of_ours(store, mine)
    strange = [name for name in (CARD, NEW_CARD) if digest_of(store, name) not in {None, *mine}]
    return [name for name in (*INDEX_FILES, NEW_CARD) if name not in strange]


def _card_of_index(store: Store) -> str | None:
    """The digest of the card that the index names, however damaged it is elsewhere; None where it names none."""
    try:
        index = parse_document(_Index, store.read(INDEX, MOST_INDEX_BYTES), INDEX, "an index")
    except (FileNotFoundError, CorruptSampleError):
        return None
    return index.metadata.files["card"].sha256 if "card" in index.metadata.files else None


def digest_of(store: Store, name: str) -> str | None:
    """SHA-256 of a file; None where it is not there."""
    try:
        with store.open_read(name) as file:
            return file_sha256(file)
    except FileNotFoundError:
        return None


def is_kept_model(store: Store, name: str) -> bool:
    """Whether a file is a model that a data set or a capture keeps: its name says the SHA-256 of its content."""
    digest = model_in_name(name)
    return (
        digest is not None
        and (store.size(name) or 0) <= MOST_MODEL_BYTES
        and digest_of(store, name) == digest
    )


def cards_of_ours(store: Store, before: Collection[str] = ()) -> set[str]:
    """The digests of cards that Townlet has written here: `before`, and what the log says."""
    log = read_log(store)
    return {*before, *([log.files[CARD]] if log is not None and CARD in log.files else [])}


def place_card(store: Store, card: FileRecord, staged: str, ours: Collection[str]) -> str:
    """Give the staged card a name: README.md, or README.new.md where people have changed that. Returns the name.

    `ours`: digests of earlier cards, which are replaced. Where both were changed, neither is: the new card is dropped,
    and the answer is "".
    """
    mine = {card.sha256, *ours}
    for name in (CARD, NEW_CARD):
        found = digest_of(store, name)
        if found is not None and found not in mine:
            continue
        if found != card.sha256:
            store.move(staged, name)
        if name == CARD and digest_of(store, NEW_CARD) in mine:
            store.delete(NEW_CARD)
        return name
    return ""


def has_card(store: Store, card: FileRecord, staged: str) -> bool:
    """Whether nothing is to be done about a card: it has a name, or people keep one of their own and none waits."""
    if card.sha256 in (digest_of(store, CARD), digest_of(store, NEW_CARD)):
        return True
    return store.size(CARD) is not None and store.size(staged) is None
