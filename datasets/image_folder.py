"""A user's own photos: the data root itself is the folder, in one of two layouts.

Expected on disk:

    <data root>/                          <data root>/
        train/<class>/*                       <class>/*
        val/<class>/*        (optional)       uncommon/<class>/*   (optional)
        test/<class>/*                        classes.yaml         (optional)
        uncommon/<class>/*   (optional)
        classes.yaml         (optional: nouns and names, see datasets/class_list.py)

Folders inside a class folder belong to the class, and links are followed. Hidden files are ignored. So are, with a
warning, files whose names are not those of images, and images beside the class folders.
"""

from __future__ import annotations

import logging
from pathlib import Path

from datasets.base import DATASETS, Example, Splits
from datasets.cache import default_cache
from datasets.class_folders import entries, is_image_name
from datasets.class_list import read_class_list
from datasets.errors import UserError
from datasets.few_shot import TRAIN_POOL_SIZE, natural_key, split_pool
from datasets.folders import FolderDataset, Groups, flat, require_folder, require_images, subfolders
from datasets.part_folders import ADVICE, ALL, part_folders, refuse_parts_as_classes, require_test, where_classes_lie

PROVENANCE = "provenance.csv"
"""A file that `augment` and `export` write beside the class folders; it says which images are photos."""

_log = logging.getLogger(__name__)


@DATASETS.register("imagefolder")
class ImageFolder(FolderDataset):
    """With `train/` and `test/`: shots from `train/`, validation from `val/` or else from the rest of `train/`.

    Without them, each class is divided by a seeded permutation. The first `train_pool` images are the train pool. Of
    the others, `validation_share` (rounded down) is for validation and the rest for testing, at least one image each.

    Args:
        train_pool: images per class that shots are drawn from.
        validation_share: share of a class's other images used for validation, if the folder has no train/ and test/.
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
            raise UserError(f"imagefolder.train_pool={train_pool}: must be at least 1 image per class")
        if not 0 < validation_share < 1:
            raise UserError(f"imagefolder.validation_share={validation_share}: give a share between 0 and 1")
        if data_root is None:
            raise UserError(f"dataset imagefolder: no data root given; {ADVICE}")
        self.root = require_folder(Path(data_root), ADVICE)
        self._train_pool, self._validation_share = train_pool, validation_share
        parts = part_folders(self.root)
        trained_on = next(iter(parts.values()))
        _refuse_folders_of_no_class(trained_on)
        class_folders = _class_folders(self.root, trained_on)
        if ALL in parts:
            refuse_parts_as_classes(self.root, class_folders)
            _warn_of_made_images(self.root)
        self._names = tuple(path.name for path in class_folders)
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
            UserError: there is only one class, train/ has no test/ beside it, or a class has too few images for its
                train pool plus one each for validation and testing, where these have no folder of their own.
        """
        if len(self.classes) == 1:
            raise UserError(
                f"{self.root}: only one class folder ('{self._names[0]}'), but a classifier needs two; {ADVICE}"
            )
        if "train" in self._parts:
            require_test(self.root)
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

    def all_photos(self) -> tuple[tuple[tuple[Example, ...], ...], tuple[Example, ...]]:
        """All photos that may be trained on, by class and in natural order, and those of val/; for use without a test.

        Raises:
            UserError: a class has no photo.
        """
        require_images(self._names, self._trained_on, 1, "at least 1 is", "add images")
        trained_on = (sorted(own, key=lambda photo: natural_key(photo.identifier)) for own in self._trained_on)
        return tuple(map(tuple, trained_on)), flat(self._parts.get("val", ()))

    @property
    def _trained_on(self) -> Groups:
        return self._parts["train" if "train" in self._parts else ALL]

    def _halves(self, rest: list[Example]) -> tuple[list[Example], list[Example]]:
        """Divide the remaining images of a class into (validation, test), with at least one image in each."""
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
            f", or lower it with --set imagefolder.train_pool={largest} (and at most as many shots)"
            if largest >= 1
            else ""
        )
        require_images(self._names, self._trained_on, self._train_pool + others, purpose, f"add images{lower}")


def _refuse_folders_of_no_class(folder: Path) -> None:
    """Refuse folders of other datasets, and results of runs that were started in the folder of photos."""
    here = Path.cwd().resolve()
    own = {
        default_cache().resolve(),
        *(here / name for name in ("mlruns", "mlartifacts", "reports", "splits", "augmented")),
    }
    for path in subfolders(folder):
        if path.name in DATASETS and not any(is_image_name(entry) for entry in entries(path)):
            raise UserError(f"{path}: this is the folder of another dataset, not of a class; {ADVICE}")
        if path.resolve() in own:
            raise UserError(
                f"{path}: results of earlier runs are among the class folders: move them away, and start commands in "
                "another folder than that of the photos (DIAGEN_STORE names the store)"
            )


def _warn_of_made_images(root: Path) -> None:
    """Warn of generated images: a random split may test on them while training on the photo they were made from."""
    if (root / PROVENANCE).is_file():
        _log.warning(
            "%s was written by augment or export (it contains %s): generated images are treated as photos, and may be "
            "tested on; to train on them only, rename the folder to train and put test/ with other photos beside it",
            root,
            PROVENANCE,
        )


def _class_folders(root: Path, folder: Path) -> list[Path]:
    """The class folders of the folder to train on. In the root, `uncommon` is a part; in train/, it is a class."""
    found = [path for path in subfolders(folder) if path.name != "uncommon" or folder != root]
    if not found:
        raise UserError(f"{folder}: no class folders in it; {ADVICE}")
    if len(found) == 1 and (advice := where_classes_lie(root, found[0])):
        raise UserError(f"{folder}: only one class folder ('{found[0].name}'); {advice}")
    return found
