"""A user's own photos: the data root itself is the folder, in one of two layouts.

Expected on disk:

    <data root>/                          <data root>/
        train/<class>/*                       <class>/*
        val/<class>/*        (optional)       uncommon/<class>/*   (optional)
        test/<class>/*                        classes.yaml         (optional)
        uncommon/<class>/*   (optional)
        classes.yaml         (optional: nouns and names, see datasets/class_list.py)

Folders in a class folder belong to the class; links are followed; hidden files and files that are no images by their
names are ignored.
"""

from __future__ import annotations

import logging
from pathlib import Path

from datasets.base import DATASETS, Example, Splits
from datasets.cache import default_cache
from datasets.class_folders import entries, is_image_name
from datasets.class_list import read_class_list
from datasets.errors import UserError
from datasets.few_shot import TRAIN_POOL_SIZE, split_pool
from datasets.folders import FolderDataset, Groups, flat, require_folder, require_images, subfolders

_ADVICE = "give a folder of class folders, or one with train/ and test/, by --data-root (or DIAGEN_DATA)"
PARTS = ("train", "val", "test", "uncommon")
"""Folders that are parts of the dataset and not classes (MS COCO knows a class train)."""
_ALL = "all"

_log = logging.getLogger(__name__)


@DATASETS.register("imagefolder")
class ImageFolder(FolderDataset):
    """With `train/` and `test/`: shots from `train/`, validation from `val/` or else from the rest of `train/`.

    Without them each class is divided by a seeded permutation: the first `train_pool` images are the train pool; of
    the others a share of `validation_share`, rounded down, validates, and the rest tests.

    Args:
        train_pool: images per class that shots are drawn from.
        validation_share: share of a class's other images that validates, where the folder has no train/ and test/.
    """

    title = "A folder of images"
    source = "the user's own"
    licence = "the user's own"

    def __init__(
        self,
        data_root: Path | None = None,
        unreadable: str = "refuse",
        *,
        train_pool: int = TRAIN_POOL_SIZE,
        validation_share: float = 0.5,
    ) -> None:
        if train_pool < 1:
            raise UserError(f"imagefolder.train_pool={train_pool}: at least 1 image per class is trained on")
        if not 0 < validation_share < 1:
            raise UserError(f"imagefolder.validation_share={validation_share}: give a share between 0 and 1")
        if data_root is None:
            raise UserError(f"dataset imagefolder: no data root given; {_ADVICE}")
        self.root = require_folder(Path(data_root), _ADVICE)
        self._train_pool, self._validation_share = train_pool, validation_share
        parts = _part_folders(self.root)
        _refuse_folders_of_no_class(next(iter(parts.values())))
        self._names = _class_names(next(iter(parts.values())))
        words = read_class_list(self.root / "classes.yaml", self._names)
        self.classes = tuple(own.noun for own in words)
        self._display_names = tuple(own.name for own in words)
        groups = self._read(list(parts.values()), unreadable)
        self._parts = {part: groups[folder] for part, folder in parts.items()}

    @property
    def display_names(self) -> tuple[str, ...]:
        return self._display_names

    def splits(self, seed: int) -> Splits:
        """The splits of `seed`.

        Raises:
            UserError: a class has too few images for its train pool and one each to validate and to test.
        """
        self._require_images()
        named = zip(self._names, self._trained_on, strict=True)
        pools, rests = zip(*(split_pool(noun, group, seed, self._train_pool) for noun, group in named), strict=True)
        if "train" in self._parts:
            validation, test = self._parts.get("val", rests), self._parts["test"]
        else:
            validation, test = zip(*(self._halves(rest) for rest in rests), strict=True)
        tests = {"test": flat(test)}
        if "uncommon" in self._parts:
            tests["uncommon"] = flat(self._parts["uncommon"])
        return Splits(tuple(tuple(pool) for pool in pools), flat(validation), tests)

    @property
    def _trained_on(self) -> Groups:
        return self._parts["train" if "train" in self._parts else _ALL]

    def _halves(self, rest: list[Example]) -> tuple[list[Example], list[Example]]:
        """What is left of a class as (validation, test), with at least one image in each."""
        count = min(max(int(len(rest) * self._validation_share), 1), len(rest) - 1)
        return rest[:count], rest[count:]

    def _require_images(self) -> None:
        if "val" in self._parts:
            require_images(self._names, self._trained_on, 1, "at least 1 in train/ is", "add images")
            return
        others = 1 if "train" in self._parts else 2
        purpose = "at least 1 to validate" if others == 1 else "at least 1 to validate and 1 to test"
        purpose = f"{self._train_pool} for the train pool and {purpose} are"
        largest = min(len(group) for group in self._trained_on) - others
        lower = (
            f", or lower it with --set imagefolder.train_pool={largest} (and so many shots at most)"
            if largest >= 1
            else ""
        )
        require_images(self._names, self._trained_on, self._train_pool + others, purpose, f"add images{lower}")


def _part_folders(root: Path) -> dict[str, Path]:
    """The folders of class folders by part, the one with the training images first; of one layout or the other."""
    folders = {path.name: path for path in subfolders(root)}
    for name, path in folders.items():
        if name.lower() in PARTS and name not in PARTS:
            raise UserError(f"{path}: write '{name.lower()}' in small letters if it is not a class; else rename it")
    if "train" not in folders:
        for part in ("test", "val"):
            if part in folders:
                raise UserError(f"{root}: {part}/ without train/; {_ADVICE}")
        return {_ALL: root} | {name: path for name, path in folders.items() if name == "uncommon"}
    require_folder(root / "test", "train/ needs a test/ folder beside it, with the same class folders")
    if ignored := [name for name in folders if name not in PARTS]:
        _log.warning("%s: folders beside train/ are ignored: %s (known: %s)", root, ignored, ", ".join(PARTS))
    return {part: folders[part] for part in PARTS if part in folders}


def _refuse_folders_of_no_class(folder: Path) -> None:
    """Those of other datasets, and what runs leave that are started in the folder of photos."""
    here = Path.cwd().resolve()
    own = {
        default_cache().resolve(),
        *(here / name for name in ("mlruns", "mlartifacts", "reports", "splits", "augmented")),
    }
    for path in subfolders(folder):
        if path.name in DATASETS and not any(is_image_name(entry) for entry in entries(path)):
            raise UserError(f"{path}: the folder of another dataset is no class; {_ADVICE}")
        if path.resolve() in own:
            raise UserError(
                f"{path}: what earlier runs made lies among the class folders: move it, and start in another folder "
                "than that of the photos (DIAGEN_STORE names the store)"
            )


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(path.name for path in subfolders(folder) if path.name != "uncommon" or folder.name == "train")
    if not names:
        raise UserError(f"{folder}: no class folders in it; {_ADVICE}")
    if len(names) == 1:
        raise UserError(f"{folder}: one class folder only ('{names[0]}'), a classifier needs two; {_ADVICE}")
    return names
