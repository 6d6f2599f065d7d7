"""Decides which folders of a user's photos are parts of the dataset and which are classes, by names and contents.

A part under an unknown name would be taken for a class, and no result of the run would show it. So if a folder looks
like a part with another name, the user is asked which it is.
"""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets.class_folders import composed, entries, is_image_name
from datasets.errors import UserError
from datasets.folders import require_folder, subfolders

ADVICE = "give a folder of class folders, or one with train/ and test/, with --data-root (or DIAGEN_DATA)"
PARTS = ("train", "val", "test", "uncommon")
"""Folders that are parts of the dataset and not classes (MS COCO has a class train)."""
ALL = "all"
"""Stands for the one folder of class folders if there are no parts."""
_SPELLINGS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "validate", "dev", "eval", "evaluation"),
    "test": ("test", "tests", "testing"),
}
_PART_OF = {spelling: part for part, spellings in _SPELLINGS.items() for spelling in spellings}
_FILLERS = {"set", "data", "dataset", "split", "folder", "image", "images", "img", "imgs", "photos", "pictures"}
"""Words that may accompany the name of a part: `Test_set`, `train images`."""
_WRAPPERS = 3
"""How many nested single folders are looked through: archives within archives unpack to such folders."""
_SHOWN = 3

_log = logging.getLogger(__name__)


def part_folders(root: Path) -> dict[str, Path]:
    """Map each part to its folder of class folders, in either layout; the part with the training images comes first.

    train/ and val/ are enough for callers that test nothing; the others also call `require_test`.
    """
    folders = {path.name: path for path in subfolders(root)}
    for name, path in folders.items():
        if name.lower() in PARTS and name not in PARTS:
            raise UserError(f"{path}: write '{name.lower()}' in lower case if it is not a class; otherwise rename it")
    if "train" not in folders:
        _refuse_parts_without_train(root, folders)
        return {ALL: root} | {name: path for name, path in folders.items() if name == "uncommon"}
    if "val" not in folders:  # train/ alone may be a class
        require_test(root)
    _settle_other_folders(root, folders)
    return {part: folders[part] for part in PARTS if part in folders}


def require_test(root: Path) -> None:
    """Raise `UserError` if test/ is missing beside train/; the message says how to get one."""
    require_folder(root / "test", _how_to_test([path.name for path in subfolders(root)]))


def refuse_parts_as_classes(root: Path, folders: Sequence[Path]) -> None:
    """Refuse class folders that are the parts of a dataset under other names, or that each contain such parts.

    Class folders that contain folders of the same names may be right (photos by year), so they only get a warning.
    """
    _refuse_parts_by_other_names(root, folders)
    _refuse_parts_within_classes(root, folders)
    shared = _shared_names(folders)
    if len(folders) > 1 and len(shared) > 1:
        _log.warning(
            "%s: %s were read as the classes, but each contains folders of the same names (%s): "
            "if those are the classes, put them here instead",
            root,
            _quoted_names(folders),
            _quoted(shared),
        )


def part_meant(name: str) -> str:
    """The part that a folder's name means (`Test_set`, `valid`, `seg_train`); "" for any other name."""
    words = re.split(r"[\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    telling = [word.removesuffix("set") for word in words if word and word not in _FILLERS]
    return _PART_OF.get(telling[-1], "") if telling else ""


def unwrapped(folder: Path) -> Path:
    """The folder, or if it contains just one folder and no images, that one; repeated up to `_WRAPPERS` times."""
    for _ in range(_WRAPPERS):
        inner = _folders_alone(folder)
        if len(inner) != 1:
            break
        folder = inner[0]
    return folder


def where_classes_lie(root: Path, folder: Path) -> str:
    """What to do if `folder`, the only class folder, seems to contain the classes; empty if it does not."""
    inner = unwrapped(folder)
    if len(_folders_alone(inner)) < 2:
        return ""
    names = _quoted_names(_folders_alone(inner))
    if folder.parent != root:
        return f"{names} in {inner} look like the class folders: move them up into {folder.parent}"
    return f"{names} in it look like the folders to read: give --data-root {shlex.quote(str(inner))}"


def _refuse_parts_without_train(root: Path, folders: dict[str, Path]) -> None:
    for part in ("test", "val"):
        if part in folders:
            named = _named_otherwise(folders, "train")
            advice = f"rename {named} to train" if named else f"{ADVICE}; {_if_a_class(part)}"
            raise UserError(f"{root}: {part}/ without train/; {advice}")


def _how_to_test(folders: Sequence[str]) -> str:
    if named := _named_otherwise(folders, "test"):
        return f"train/ needs a test/ folder beside it: rename {named} to test"
    val = "val" if "val" in folders else _named_otherwise(folders, "val")
    instead = f", or rename {val}/ to test/, and the rest of train/ will validate" if val else ""
    return (
        "train/ needs a test/ folder beside it, with the same class folders: move some photos of each class there"
        f"{instead}; {_if_a_class('train')}"
    )


def _if_a_class(part: str) -> str:
    return f"if {part} is a class like the other folders, rename it (classes.yaml may call it {part} again)"


def _settle_other_folders(root: Path, folders: dict[str, Path]) -> None:
    """Refuse a validation folder under another name, which would go unused; warn of other ignored folders."""
    if "val" not in folders and (named := _named_otherwise(folders, "val")):
        raise UserError(f"{root / named}: rename it to val if it is for validation; otherwise move it elsewhere")
    if ignored := [name for name in folders if name not in PARTS]:
        _log.warning("%s: folders beside train/ are ignored: %s (known: %s)", root, ignored, ", ".join(PARTS))


def _named_otherwise(folders: Iterable[str], part: str) -> str:
    return next((name for name in folders if name not in PARTS and part_meant(name) == part), "")


def _refuse_parts_by_other_names(root: Path, folders: Sequence[Path]) -> None:
    """Names alone are no evidence (a class may be a driving test): a folder must also contain folders, as parts do."""
    parts = {part: path for path in folders if (part := part_meant(path.name))}
    inner = {path.name: _folders_alone(unwrapped(path)) for path in parts.values()}
    divided = [(name, held) for name, held in inner.items() if len(held) > 1]
    if len(parts) > 1 and divided:
        name, held = divided[0]
        known = " and ".join(part for part in PARTS if part in parts)
        raise UserError(
            f"{root}: {_quoted(inner)} look like parts of a dataset, not like classes ({_quoted_names(held)} are in "
            f"'{name}'): name them {known}; if they are classes, rename them"
        )


def _refuse_parts_within_classes(root: Path, folders: Sequence[Path]) -> None:
    held = {path.name: {part_meant(inner.name): inner.name for inner in _folders(path)} for path in folders}
    divided = {name: parts for name, parts in held.items() if "train" in parts and ("test" in parts or "val" in parts)}
    if len(divided) > 1:
        name, parts = next(iter(divided.items()))
        inner = _quoted(parts[part] for part in ("train", "val", "test") if part in parts)
        raise UserError(
            f"{root}: {inner} are in the class folders {_quoted(divided)}, and would be mixed: put the class folders "
            f"into train/ and test/ (train/{name}, test/{name}), or put all images of a class into its own folder"
        )


def _shared_names(folders: Sequence[Path]) -> list[str]:
    """The names of folders that all the given folders contain, if these contain no images themselves."""
    names = [[composed(path.name) for path in _folders_alone(folder)] for folder in folders]
    return [name for name in names[0] if all(name in others for others in names)] if names else []


def _folders_alone(folder: Path) -> list[Path]:
    """The folders in a folder; none if it also contains images, as a class does."""
    return [] if any(is_image_name(path) for path in entries(folder)) else _folders(folder)


def _folders(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if path.is_dir()]


def _quoted_names(folders: Iterable[Path]) -> str:
    return _quoted(path.name for path in folders)


def _quoted(names: Iterable[str]) -> str:
    """`'a' and 'b'`; of many names, the first three."""
    quoted = [f"'{composed(name)}'" for name in names]
    if len(quoted) < _SHOWN:
        return " and ".join(quoted)
    return ", ".join(quoted[:_SHOWN] + (["…"] if len(quoted) > _SHOWN else []))
