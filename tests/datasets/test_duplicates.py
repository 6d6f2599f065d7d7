"""Images that lie in more than one split by content."""

from __future__ import annotations

from datasets.duplicates import Duplicates, duplicates_across


def test_splits_of_their_own_share_nothing() -> None:
    assert duplicates_across({"train": {"a": "1"}, "test": {"b": "2"}}) == Duplicates(0)


def test_the_same_content_in_two_splits_counts_once_with_a_pair() -> None:
    found = duplicates_across({"train": {"a": "1", "b": "2"}, "validation": {"c": "3"}, "test": {"d": "1"}})
    assert found == Duplicates(1, (("a", "d"),))


def test_duplicates_within_a_split_do_not_count() -> None:
    assert duplicates_across({"train": {"a": "1", "b": "1"}, "test": {"c": "2"}}) == Duplicates(0)


def test_a_content_in_three_splits_counts_once() -> None:
    splits = {"train": {"a": "1", "b": "1"}, "validation": {"c": "1"}, "test": {"d": "1"}}
    assert duplicates_across(splits) == Duplicates(1, (("a", "c"),))


def test_a_few_pairs_stand_for_many_in_one_line() -> None:
    train, test = ({f"{part}{n}": str(n) for n in range(9, 0, -1)} for part in ("train/", "test/"))
    found = duplicates_across({"train": train, "test": test}, shown=2)
    assert str(found) == ("9 images lie in more than one split, by content (train/1 = test/1, train/2 = test/2 …)")
