"""Miniature copies of MS COCO, and the folder of the cached index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.copies.coco import write_coco


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "store"))
    return tmp_path / "store" / "coco-index"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that no test modifies."""
    return write_coco(tmp_path_factory.mktemp("published"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy to modify."""
    return write_coco(tmp_path)
