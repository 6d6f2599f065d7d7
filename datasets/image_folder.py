"""A user's own photos: the data root itself is the folder, in one of two layouts.

Expected on disk:

    <data root>/                          <data root>/
        train/<class>/*                       <class>/*
        val/<class>/*        (optional)       uncommon/<class>/*   (optional)
        test/<class>/*
        uncommon/<class>/*   (optional)
"""

from __future__ import annotations

from pathlib import Path

from datasets.base import DATASETS, Splits
from datasets.errors import UserError
from datasets.few_shot import split_pool
from datasets.folders import FolderDataset, class_noun, flat, require_folder, subfolders

_ADVICE = "give a folder of class folders, or one with train/ and test/, by --data-root (or DIAGEN_DATA)"


@DATASETS.register("imagefolder")
class ImageFolder(FolderDataset):
    """With `train/` and `test/`: shots from `train/`, validation from `val/` or else from the rest of `train/`.

    Without them each class is divided by a seeded permutation: the first 8 images are the train pool, half of the
    others validate, half test (of an odd number the extra one tests).
    """

    title = "A folder of images"
    source = "the user's own"
    licence = "the user's own"

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:
        if data_root is None:
            raise UserError(f"dataset imagefolder: no data root given; {_ADVICE}")
        self.root = require_folder(Path(data_root), _ADVICE)
        self._is_split = (self.root / "train").is_dir()
        if self._is_split:
            require_folder(self.root / "test", "train/ needs a test/ folder beside it, with the same class folders")
        elif (self.root / "test").is_dir():
            raise UserError(f"{self.root}: test/ without train/; {_ADVICE}")
        self._names = self._class_folders()
        self.classes = tuple(class_noun(name) for name in self._names)
        parts = ("train", "val", "test", "uncommon") if self._is_split else ("", "uncommon")
        folders = {part: self.root / part for part in parts if (self.root / part).is_dir()}
        groups = self._read(list(folders.values()), unreadable)
        self._parts = {part: groups[folder] for part, folder in folders.items()}

    def _class_folders(self) -> tuple[str, ...]:
        folder = self.root / "train" if self._is_split else self.root
        names = tuple(path.name for path in subfolders(folder) if self._is_split or path.name != "uncommon")
        if not names:
            raise UserError(f"{folder}: no class folders in it; {_ADVICE}")
        return names

    def splits(self, seed: int) -> Splits:
        groups = self._parts["train" if self._is_split else ""]
        pools, rests = zip(*(split_pool(group, seed) for group in groups), strict=True)
        tests = {"uncommon": flat(self._parts["uncommon"])} if "uncommon" in self._parts else {}
        if self._is_split:
            validation = flat(self._parts.get("val", rests))
            tests = {"test": flat(self._parts["test"])} | tests
        else:
            validation = flat([rest[: len(rest) // 2] for rest in rests])
            tests = {"test": flat([rest[len(rest) // 2 :] for rest in rests])} | tests
        return Splits(tuple(tuple(pool) for pool in pools), validation, tests)
