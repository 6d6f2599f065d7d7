"""Split files list the exact images of a few-shot task, so that two laboratories can use the same ones.

A split file is JSON, with one line per image:

    {"format": "diagen-bench split 1", "dataset": "custom_coco", "shots": 4, "seed": 0,
     "classes": ["cell phone", …],
     "class_folders": ["cell_phone", …],
     "digest": "…",
     "head_digest": "…",
     "images": [
      {"path": "train-val/cell_phone/cell_phone (3).jpg", "sha256": "…", "split": "train", "label": 0},
      …]}

`path` is relative to the dataset's folder (or names a rendered image), `split` is `train`, `validation` or the name
of a test set, `label` is an index into `classes`. `class_folders` gives the names of the classes' folders and is not
part of a digest. `digest` covers classes and images; `head_digest` covers dataset, shots, seed and `digest`. Files of
earlier releases lack `head_digest` and `class_folders`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets.base import Dataset, Example
from datasets.errors import NOT_PARSED, UserError
from datasets.few_shot import FewShotTask
from datasets.plurals import counted
from datasets.seeding import fingerprint
from datasets.split_checks import VALIDATION, digests

FORMAT = "diagen-bench split 1"
TRAIN = "train"

_REMEDY = "set --data-root to where the same data is, or write a new split of this data with `split`"


@dataclass(frozen=True)
class SplitImage:
    """An image of a task. `sha256`: digest of its content, from `Dataset.digest`; `label`: index of its class."""

    path: str
    sha256: str
    split: str
    label: int


@dataclass(frozen=True)
class Split:
    """The images of a task, identified by content. Equal values of `digest` mean equal images, labels and splits.

    class_folders: the name of each class's folder of images; empty in files of earlier releases.
    """

    dataset: str
    shots: int
    seed: int
    classes: tuple[str, ...]
    images: tuple[SplitImage, ...]
    class_folders: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        rows = [[image.path, image.sha256, image.split, image.label] for image in self.images]
        return fingerprint("split", self.classes, rows)[:32]

    @property
    def head_digest(self) -> str:
        return fingerprint("split head", self.dataset, self.shots, self.seed, self.digest)[:32]


def split_of(task: FewShotTask) -> Split:
    """The task's images with their digests; reads every image once."""
    parts = [(name, example) for name, examples in _parts(task) for example in examples]
    images = split_images(task.dataset, parts)
    return Split(task.name, task.shots, task.seed, tuple(task.classes), images, task.dataset.class_folders)


def split_images(dataset: Dataset, parts: Sequence[tuple[str, Example]]) -> tuple[SplitImage, ...]:
    """The images of (split, example) pairs with their digests; reads every image once."""
    of_each = digests(dataset, (example for _, example in parts))
    return tuple(
        SplitImage(example.identifier, digest, name, example.label)
        for (name, example), digest in zip(parts, of_each, strict=True)
    )


def to_text(split: Split) -> str:
    """The content of a split file."""
    head = {
        "format": FORMAT,
        "dataset": split.dataset,
        "shots": split.shots,
        "seed": split.seed,
        "classes": split.classes,
        "class_folders": split.class_folders,
        "digest": split.digest,
        "head_digest": split.head_digest,
    }
    lines = ",\n".join(f"  {json.dumps(vars(image), ensure_ascii=False)}" for image in split.images)
    begin = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{begin},\n "images": [\n{lines}\n ]\n}}\n'


def read_split(path: Path) -> Split:
    """Read a split file.

    Raises:
        UserError: the file is missing, is not a split file, or was changed since it was written.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: the split file cannot be read ({error.strerror})") from None
    return split_from(text, str(path))


def split_from(text: bytes, where: str) -> Split:
    """Parse the content of a split file; `where` names the file in error messages.

    Raises:
        UserError: it is not a split file, or was changed since it was written.
    """
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except NOT_PARSED:
        raise UserError(f"{where}: not a split file (not JSON, or cut short); write one with `split`") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{where}: not a split file of the format '{FORMAT}'; write one with `split`")
    try:
        split = _split(content)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: damaged split file ({type(error).__name__}: {error}); write it again") from None
    if split.digest != content.get("digest"):
        raise UserError(f"{where}: its images do not match its digest: it was edited or cut short; write it again")
    trained_on = Counter(image.label for image in split.images if image.split == TRAIN)
    if any(trained_on[label] != split.shots for label in range(len(split.classes))):
        raise UserError(
            f"{where}: edited: it says {counted(split.shots, 'shot')}, but has another number; write it again"
        )
    if content.get("head_digest", split.head_digest) != split.head_digest:
        raise UserError(f"{where}: its dataset, shots or seed was edited; write it again")
    return split


def replay(split: Split, dataset: Dataset, where: str = "the split file") -> FewShotTask:
    """Rebuild a split file's task from the dataset on this machine; `where` names the file in error messages.

    Raises:
        UserError: the dataset has other classes, lacks an image, or has one with different content.
    """
    if split.classes != tuple(dataset.classes):
        raise UserError(
            f"{where}: {split.dataset} has different classes here: {_difference(split, dataset)}; {_REMEDY}"
        )
    known = _known(dataset, split.seed)
    missing = [image.path for image in split.images if image.path not in known]
    if missing:
        raise UserError(
            f"{where}: {split.dataset} here lacks {counted(len(missing), 'image')} of the split: {_first(missing)}; "
            f"{_REMEDY}"
        )
    examples = [replace(known[image.path], label=image.label) for image in split.images]
    found = zip(examples, split.images, digests(dataset, examples), strict=True)
    changed = [example for example, image, digest in found if digest != image.sha256]
    if changed:
        files = [str(dataset.file(example) or example.identifier) for example in changed]
        count = counted(len(files), "image")
        raise UserError(f"{where}: {count} with different content here: {_first(files)}; {_REMEDY}")
    return _task(split, examples, dataset)


def _first(names: Sequence[str]) -> str:
    return f"{names[0]}{' …' if len(names) > 1 else ''}"


def _known(dataset: Dataset, seed: int) -> dict[str, Example]:
    """Every image by its identifier, with its attributes from the splits, where a plugin may have added them."""
    known = {example.identifier: example for example in dataset.examples(seed)}
    with suppress(UserError):  # with too few images to divide: the split file has already divided them
        known |= {example.identifier: example for example in Dataset.examples(dataset, seed)}
    return known


def _task(split: Split, examples: Sequence[Example], dataset: Dataset) -> FewShotTask:
    parts: dict[str, list[Example]] = {TRAIN: [], VALIDATION: []}
    for image, example in zip(split.images, examples, strict=True):
        parts.setdefault(image.split, []).append(example)
    train, validation = (tuple(parts.pop(name)) for name in (TRAIN, VALIDATION))
    tests = {name: tuple(own) for name, own in parts.items()}
    return FewShotTask(split.dataset, dataset, split.shots, split.seed, train, validation, tests)


def _parts(task: FewShotTask) -> Iterator[tuple[str, tuple[Example, ...]]]:
    yield TRAIN, task.train
    yield VALIDATION, task.validation
    yield from task.tests.items()


def _split(content: Mapping[str, Any]) -> Split:
    images = tuple(SplitImage(**image) for image in content["images"])
    shots, seed = content["shots"], content["seed"]
    if type(shots) is not int or type(seed) is not int:
        raise ValueError("shots and seed must be whole numbers")
    if seed < 0:
        raise ValueError("the seed must not be negative")
    folders = tuple(map(str, content.get("class_folders", ())))
    split = Split(str(content["dataset"]), shots, seed, tuple(content["classes"]), images, folders)
    if any(not 0 <= image.label < len(split.classes) for image in images):
        raise ValueError("a label is not an index into classes")
    return split


def _difference(split: Split, dataset: Dataset) -> str:
    here, there = set(dataset.classes), set(split.classes)
    only = [
        f"only {where}: {', '.join(sorted(names)[:3])}"
        for where, names in (("in the file", there - here), ("in the data", here - there))
        if names
    ]
    return "; ".join(only) or "the order differs"
