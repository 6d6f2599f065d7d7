"""Reads and checks the texts of settings: a typo fails within a second, with the nearest names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from omegaconf import Container, DictConfig
from omegaconf.errors import OmegaConfBaseException

from datasets.errors import NOT_PARSED, UnknownName, UserError, reason_of
from datasets.images import UNREADABLE_CHOICES
from evaluation.device import DTYPES
from evaluation.views import RANDOM_VIEWS
from methods.compiled import COMPILE
from methods.prompts.openai_prompts import REQUESTS
from methods.schedulers import SCHEDULERS

CHOICES: Mapping[str, tuple[str, ...]] = {
    "unreadable": UNREADABLE_CHOICES,
    "generator.dtype": DTYPES,
    "generator.scheduler": tuple(SCHEDULERS),
    "generator.compile": COMPILE,
    "classifier.dtype": DTYPES,
    "features.dtype": DTYPES,
    "features.real_set": ("all_tests", "test"),
    "classifier.transform": RANDOM_VIEWS,
    "guide_classifier.confidence_transform": RANDOM_VIEWS,
    "textual_inversion.words_of": ("each_task", "first_task"),
    "prompts.plurals": ("word", "as_written"),
    "prompts.request": tuple(REQUESTS),
    **{
        f"{classifier}.{name}": choices
        for classifier in ("classifier", "guide_classifier")
        for name, choices in {
            "tested_epoch": ("best", "last"),
            "backbone_mode": ("eval", "train"),
        }.items()
    },
    "classifier.validation": ("once", "resampled"),
    "guide_classifier.validation": ("once", "resampled", "none"),
}

BESIDE_POSITIVE = {"workers": (-1, 0), "generator.batch_size": (0,), "textual_inversion.classes_per_batch": (0,)}
"""Values that are allowed besides positive ones: they let the program choose, or mean none."""

MAY_BE_ZERO = (
    "patience",
    "retries",
    "weight_decay",
    "noise_std",
    "synthetic_probability",
    "learning_rate",
    "seeds",
    "eta",
)
AT_MOST_ONE = ("strength", "synthetic_probability", "eta")

COMMON_TERMS = (
    *("strength", "guidance_scale", "steps", "images_per_example", "synthetic_probability"),
    *("noise_std", "prompts_per_class"),
)
"""Hyper-parameters that mean the same in every method; only the method itself knows the range of any other."""

_ALL_SETTINGS = "`python -m benchmark list settings` shows all of them"

_SERVER = re.compile(r"https?://[^\s/?#@\\]+(/[^\s?#@\\]*)?")
"""Scheme, host and path of a server, and nothing that could hold a secret: no user, query or fragment."""


def parse_numbers(name: str, text: str, minimum: int) -> list[int]:
    """Whole numbers separated by commas, without repeats, in the order given."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{name} '{text}' must be whole numbers separated by commas, such as 2,4,8") from None
    if min(numbers) < minimum:
        raise UserError(f"{name} '{text}' must be at least {minimum}")
    return list(dict.fromkeys(numbers))


def parts_of(text: str) -> list[str]:
    """The non-empty parts between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def parse_components(text: str, method: str, known: Sequence[str]) -> list[str]:
    """The enabled components in the method's own order; `all` or an empty text enables all, `none` enables none."""
    names = parts_of(text)
    if names in ([], ["all"]):
        return list(known)
    if names == ["none"]:
        return []
    for name in names:
        if not known:
            raise UserError(f"method '{method}' has no component '{name}': it has no components at all")
        if name not in known:
            raise UnknownName(f"component of {method}", name, [*known, "all", "none"])
    return [name for name in known if name in names]


def refuse_those_with_options(content: Mapping[str, Any], options: Mapping[str, str], where: str) -> None:
    """Refuse settings that have an option of their own, whose default would override them."""
    for name, option in options.items():
        if name in content:
            raise UserError(f"{where}: '{name}' has an option of its own; use --{option}")


def split_overrides(texts: Sequence[str]) -> tuple[str, ...]:
    """Split texts that hold several overrides: `a=1 b.c=2`, as MLproject's parameter `set` gives them, is two."""
    parts = [part for text in texts for part in re.split(r"[\s;]+(?=[\w.]+=)", text.strip())]
    return tuple(part for part in parts if part)


def parse_override(text: str) -> dict[str, Any]:
    """`a.b=1` as `{"a": {"b": 1}}`."""
    key, separator, value = text.partition("=")
    key = key.strip()
    if not separator or not all(key.split(".")):
        raise UserError(f"--set '{text}' must be key=value, such as diagen.strength=0.5")
    try:
        content: Any = yaml.safe_load(value)
    except NOT_PARSED as error:
        raise UserError(f"--set {key}: '{value[:60]}' is not a valid value: {reason_of(error)}") from error
    for part in reversed(key.split(".")):
        content = {part: content}
    return content


def merge(config: DictConfig, content: dict[str, Any], where: str) -> None:
    """Merge nested settings into `config`, refusing unknown names and values of another type."""
    try:
        _merge(config, config, content, where, "")
    except RecursionError:
        raise UserError(f"{where}: a setting is nested too deeply, or contains itself") from None


def check_values(flat: Mapping[str, Any], method: str) -> None:
    """Refuse values out of range; `flat` maps dotted names, those of `method` included, to plain values."""
    for name, value in flat.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise UnknownName(name, str(value), CHOICES[name])
        if isinstance(value, str):
            _check_address(name, value)
        last = name.rpartition(".")[2]
        for number in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(number, str):
                _check_text(name, number)
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                if name == f"{method}.{last}" and last not in COMMON_TERMS:
                    _check_finite(name, number)
                else:
                    _check_number(name, last, number)


def _check_text(name: str, text: str) -> None:
    """Refuse text that is not UTF-8, such as a file name in another encoding: it can be neither tracked nor printed."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(f"{name} is {text!a}, which is not valid UTF-8: rename the file or folder") from None


def first_line(error: Exception) -> str:
    """OmegaConf's message, without the lines that locate the error in its own structures."""
    return str(error).strip().split("\n", 1)[0]


def _as_written(name: str) -> str:
    """The name as a user writes it: `diagen.strength` for `methods.diagen.strength`."""
    return name.removeprefix("methods.").removeprefix("dataset_settings.")


def _check_address(name: str, text: str) -> None:
    """Refuse an address that holds or may hold a secret: settings are tracked. The message does not repeat it."""
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise UserError(f"'{name}' contains a password in its address, which would be tracked: leave it out")
    if name == "prompts.base_url" and text and not _SERVER.fullmatch(text):
        raise UserError(
            f"'{name}' must be an address such as http://localhost:8000/v1, without a password or a query, which would "
            "be tracked; the key is read from OPENAI_API_KEY alone"
        )


def _check_number(name: str, last: str, number: float) -> None:
    others = BESIDE_POSITIVE.get(name, ())
    if number in others:
        return
    low = number >= 0 if last in MAY_BE_ZERO else number > 0
    high = number <= 1 if last in AT_MOST_ONE else number < float("inf")
    if not (low and high):
        floor = "at least 0" if last in MAY_BE_ZERO else "".join(f"{other} or " for other in others) + "above 0"
        raise UserError(f"'{name}' is {number}: it must be {floor}{' and at most 1' if last in AT_MOST_ONE else ''}")


def _check_finite(name: str, number: float) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise UserError(f"'{name}' is {number}: it must be a finite number")


def _merge(root: DictConfig, config: DictConfig, content: dict[str, Any], where: str, prefix: str) -> None:
    for key, value in content.items():
        name = _as_written(f"{prefix}{key}")
        if key not in config:
            known = _names(root, "")
            if name in known:  # with dots, as --set takes it
                group, _, own = name.rpartition(".")
                raise UserError(f"{where}: in a file, write '{name}' nested: '{group}: {{{own}: {value}}}'")
            unknown = UnknownName("setting", _whole_name(name, value), known, _ALL_SETTINGS)
            of_a_plugin = "" if prefix or not isinstance(value, dict) else "; a plugin's needs --plugins"
            raise UserError(f"{where}: {unknown}{of_a_plugin}")
        node = config[key]
        if isinstance(node, DictConfig):
            if not isinstance(value, dict):
                members = ", ".join(_names(node, f"{name}."))
                raise UserError(f"{where}: '{name}' is a group of settings: set one of {members}")
            _merge(root, node, value, where, f"{prefix}{key}.")
        elif isinstance(value, dict):
            raise UserError(f"{where}: '{name}' is a single setting: it has no '{next(iter(value), '')}'")
        elif isinstance(value, str) and (value == "???" or "${" in value):
            # to OmegaConf these are a missing value and a reference
            raise UserError(f"{where}: '{name}': '{value}' is not a value")
        elif isinstance(node, Container) and (not isinstance(value, list) or any(isinstance(v, list) for v in value)):
            raise UserError(f"{where}: '{name}' takes a list such as [1,2], not '{value}'")
        else:
            try:
                config.merge_with({key: value})
            except (OmegaConfBaseException, OverflowError) as error:  # OverflowError: too large for a float
                raise UserError(f"{where}: {_misfit(name, value, node, error)}") from error


def _misfit(name: str, value: Any, node: Any, error: Exception) -> str:
    """Why a setting cannot have the value; OmegaConf's own message about a list does not say which element is wrong."""
    if value is None:
        return f"'{name}' has no value"
    if isinstance(value, list) and not isinstance(node, Container):
        return f"'{name}' takes one value, not a list"
    if isinstance(value, list):
        return f"'{name}': {value!s:.60} has another type than {list(node)}"
    return f"'{name}': {first_line(error)}"


def _whole_name(name: str, value: Any) -> str:
    return (
        _whole_name(f"{name}.{next(iter(value))}", next(iter(value.values())))
        if value and isinstance(value, dict)
        else name
    )


def _names(config: DictConfig, prefix: str) -> list[str]:
    names: list[str] = []
    for key in config:
        name = _as_written(f"{prefix}{key!s}")
        names += _names(config[key], f"{prefix}{key!s}.") if isinstance(config[key], DictConfig) else [name]
    return names
