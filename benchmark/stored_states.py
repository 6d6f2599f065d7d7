"""States of words that are still being learned, kept in the store until the words are finished."""

from __future__ import annotations

from typing import Any

from benchmark.store import Store
from datasets.seeding import fingerprint

_KIND = "unfinished"


class StoredStates:
    """Implements `methods.learning_states.LearningStates` for the words under one key of the store."""

    def __init__(self, store: Store, words_key: str) -> None:
        self._store, self._words_key = store, words_key
        self._known: set[str] = set()

    def get(self, name: str, /) -> dict[str, Any] | None:
        return self._store.state(_KIND, self._key(name))

    def __setitem__(self, name: str, state: dict[str, Any], /) -> None:
        self._store.put_state(_KIND, self._key(name), state)

    def clear(self) -> None:
        """Remove all states that were read or written through this object."""
        for key in self._known:
            self._store.remove_state(_KIND, key)

    def _key(self, name: str) -> str:
        """Includes the version of PyTorch: another version may compute differently, so learning starts anew."""
        import torch

        key = fingerprint("unfinished words", self._words_key, name, torch.__version__)
        self._known.add(key)
        return key
