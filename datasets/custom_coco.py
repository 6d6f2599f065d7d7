"""Custom COCO and Uncommon Settings, the DIAGen paper's own photos of 23 everyday objects.

Expected on disk:

    custom_coco/
        train-val/<class>/*.jpg
        test/<class>/*.jpg                      16 images per class
        test_uncommon_context/<class>/*.png     the same classes in uncommon settings (optional)
"""

from __future__ import annotations

from pathlib import Path

from datasets.base import DATASETS, Splits
from datasets.errors import UserError
from datasets.few_shot import split_pool
from datasets.folders import FolderDataset, class_noun, flat, require_folder, subfolders

_ADVICE = "the data root must hold the custom_coco folder of github.com/visinf/DIAGen (--data-root or DIAGEN_DATA)"


@DATASETS.register("custom_coco")
class CustomCoco(FolderDataset):
    """Shots and validation from `train-val`; tested on `test` and, where it is there, on Uncommon Settings."""

    title = "Custom COCO with Uncommon Settings"
    source = "https://github.com/visinf/DIAGen"
    licence = "Apache-2.0"

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:
        if data_root is None:
            raise UserError(f"dataset custom_coco: no data root given; {_ADVICE}")
        self.root = require_folder(Path(data_root) / "custom_coco", _ADVICE)
        train = require_folder(self.root / "train-val", _ADVICE)
        test = require_folder(self.root / "test", _ADVICE)
        self._names = tuple(folder.name for folder in subfolders(train))
        self.classes = tuple(class_noun(name) for name in self._names)
        uncommon = self.root / "test_uncommon_context"
        test_folders = {"test": test} | ({"uncommon": uncommon} if uncommon.is_dir() else {})
        groups = self._read([train, *test_folders.values()], unreadable)
        self._train = groups[train]
        self._tests = {name: flat(groups[folder]) for name, folder in test_folders.items()}

    def splits(self, seed: int) -> Splits:
        pairs = [split_pool(group, seed) for group in self._train]
        return Splits(tuple(tuple(pool) for pool, _ in pairs), flat([rest for _, rest in pairs]), self._tests)
