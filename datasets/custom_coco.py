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
from datasets.download import Archive
from datasets.errors import UserError
from datasets.few_shot import TRAIN_POOL_SIZE, split_pool
from datasets.folders import FolderDataset, class_noun, flat, require_folder, require_images, subfolders
from datasets.location import dataset_folder

_ADVICE = (
    "the data root must hold the custom_coco folder of github.com/visinf/DIAGen (--data-root or DIAGEN_DATA); "
    "`python -m benchmark prepare custom_coco` fetches it"
)
PUBLISHED_CLASSES = (
    *("bench", "bicycle", "book", "bottle", "bowl", "car", "cell phone", "chair", "clock", "computer mouse", "cup"),
    *("fork", "keyboard", "knife", "laptop", "motorcycle", "potted plant", "spoon", "sports ball", "tie"),
    *("traffic light", "tv remote", "wine glass"),
)
_COMMIT = "c809b578946be667bcc46322028c14e5a3338f1a"


@DATASETS.register("custom_coco")
class CustomCoco(FolderDataset):
    """Shots and validation from `train-val`; tested on `test` and, if its folder exists, on Uncommon Settings."""

    title = "Custom COCO with Uncommon Settings"
    source = "https://github.com/visinf/DIAGen"
    licence = "Apache-2.0"
    archives = (
        # GitHub packs the commit on request, so neither the size nor a checksum of the file is known beforehand.
        Archive(
            url=f"https://codeload.github.com/visinf/DIAGen/zip/{_COMMIT}",
            file_name=f"DIAGen-{_COMMIT[:12]}.zip",
            dataset="custom_coco",
            folders=("train-val", "test", "test_uncommon_context"),
            inside=f"DIAGen-{_COMMIT}/data/custom_coco",
        ),
    )

    classes: tuple[str, ...] = PUBLISHED_CLASSES
    published = {"validation": 439, "test": 368}  # without Uncommon Settings, whose size is not published

    def __init__(self, data_root: Path | None = None, unreadable: str = "refuse") -> None:
        self.root = dataset_folder(data_root, "custom_coco", "train-val", _ADVICE)
        train = require_folder(self.root / "train-val", _ADVICE)
        test = require_folder(self.root / "test", _ADVICE)
        self._names = tuple(folder.name for folder in subfolders(train))
        if not self._names:
            raise UserError(f"{train}: no class folders in it; {_ADVICE}")
        self.classes = tuple(class_noun(name) for name in self._names)
        uncommon = self.root / "test_uncommon_context"
        test_folders = {"test": test} | ({"uncommon": uncommon} if uncommon.is_dir() else {})
        groups = self._read([train, *test_folders.values()], unreadable)
        self._train = groups[train]
        self._tests = {name: flat(groups[folder]) for name, folder in test_folders.items()}

    def splits(self, seed: int) -> Splits:
        """The splits of `seed`.

        Raises:
            UserError: a class has no image left for validation.
        """
        purpose = f"{TRAIN_POOL_SIZE} for the train pool and at least 1 to validate are"
        require_images(self._names, self._train, TRAIN_POOL_SIZE + 1, purpose, f"look at {self.root / 'train-val'}")
        pairs = [split_pool(noun, group, seed) for noun, group in zip(self._names, self._train, strict=True)]
        return Splits(tuple(tuple(pool) for pool, _ in pairs), flat([rest for _, rest in pairs]), self._tests)
