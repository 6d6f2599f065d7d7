"""Images that occur twice by content."""

from __future__ import annotations

from datasets.duplicates import duplicates
from datasets.split_file import SplitImage


def images(**contents: str) -> list[SplitImage]:
    """With `one="train/cup/a test/cup/b"`, these paths, which give split and class, have the same content `one`."""
    found = []
    for content, paths in contents.items():
        for path in paths.split():
            split, name, _ = path.split("/")
            found.append(SplitImage(path, content, split, ("cup", "key", "pot", "jar", "box").index(name)))
    return found


def test_copies_in_one_class_and_one_split_do_no_harm() -> None:
    assert duplicates(images(one="train/cup/a train/cup/b", two="test/cup/c")) == []


def test_a_content_in_several_splits_counts_once_and_the_test_image_is_named_first() -> None:
    assert duplicates(images(one="train/cup/a train/cup/b validation/cup/c test/cup/d", two="test/cup/e")) == [
        "1 image is in more than one split, by content (test/cup/d = train/cup/a = validation/cup/c = train/cup/b)"
    ]


def test_a_content_of_two_classes_is_told_in_whichever_split_it_lies() -> None:
    assert duplicates(images(one="train/cup/a train/key/b", two="test/key/c test/cup/d")) == [
        "2 images are in more than one class, by content (test/cup/d = test/key/c, train/cup/a = train/key/b)"
    ]


def test_a_content_may_be_in_two_splits_and_of_two_classes() -> None:
    place = "by content (test/cup/b = train/key/a)"
    assert duplicates(images(one="train/key/a test/cup/b")) == [
        f"1 image is in more than one split, {place}",
        f"1 image is in more than one class, {place}",
    ]


def test_what_matters_is_named_however_many_copies_there_are() -> None:
    (line,) = duplicates(images(one="train/cup/a test/cup/b test/cup/c test/cup/d test/cup/e test/cup/f"))
    assert line.endswith("(test/cup/b = train/cup/a = test/cup/c = test/cup/d = …)")
    *_, line = duplicates(images(one="train/cup/a test/cup/b test/key/c test/pot/d test/jar/e test/box/f"))
    assert line.endswith("(test/box/f = test/cup/b = test/jar/e = test/key/c = …)")


def test_a_few_contents_stand_for_many_in_one_line() -> None:
    many = {f"content{n}": f"train/cup/{n} test/cup/{n}" for n in range(9, 0, -1)}
    (line,) = duplicates(images(**many))
    named = ", ".join(f"test/cup/{n} = train/cup/{n}" for n in (1, 2, 3))
    assert line == f"9 images are in more than one split, by content ({named} …)"
