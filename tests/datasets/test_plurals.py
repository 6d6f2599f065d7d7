"""Numbers with nouns in texts."""

from __future__ import annotations

from datasets.plurals import counted


def test_one_is_no_plural():
    assert [counted(count, "training image") for count in (0, 1, 2)] == [
        "0 training images",
        "1 training image",
        "2 training images",
    ]
    assert [counted(count, "class") for count in (1, 23)] == ["1 class", "23 classes"]
