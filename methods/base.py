"""Defines what a method is, what it returns, and the services that it may use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from inspect import get_annotations, isabstract
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from datasets.few_shot import FewShotTask
from datasets.registry import Registry
from evaluation.arrays import Doubles, Floats, Indices
from methods.plan import Plan, PlanRow, Vector

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image


@dataclass(frozen=True)
class SyntheticImage:
    """An image that a method made: its plan row, and its PNG file in the store, whose name is unique.

    `weight` is at least 0; only ratios among the images of one guide matter (DIAGen, Eq. 2).
    """

    row: PlanRow
    path: Path
    weight: float = 1.0

    @property
    def label(self) -> int:
        return self.row.label

    @property
    def guide(self) -> int:
        return self.row.guide

    def load(self) -> Image:
        from datasets.images import load_rgb

        return load_rgb(self.path)


@dataclass(frozen=True)
class SyntheticSet:
    """All images that a method made for one task; empty for a method that makes none."""

    images: tuple[SyntheticImage, ...] = ()

    @property
    def labels(self) -> Indices:
        return np.array([image.label for image in self.images], dtype=np.int64)

    @property
    def guides(self) -> Indices:
        return np.array([image.guide for image in self.images], dtype=np.int64)

    @property
    def weights(self) -> Doubles:
        return np.array([image.weight for image in self.images], dtype=np.float64)

    def weighted(self, weights: Sequence[float] | Floats) -> SyntheticSet:
        """Return the same images with these weights, one per image, in order."""
        pairs = zip(self.images, weights, strict=True)
        return SyntheticSet(tuple(replace(image, weight=float(weight)) for image, weight in pairs))


class Tools(Protocol):
    """The expensive services. The runner caches each result under everything that it depends on.

    A method never sees a path, a device or a cache. It may only use services whose groups of settings it names in
    `Method.services`; each service says which it needs. Every service that makes images needs `features`, which
    measures them.
    """

    def textual_inversion(self, task: FewShotTask) -> tuple[Vector, ...]:
        """One learned word per class, in label order: a vector of the text encoder's width.

        Needs `textual_inversion`, and `generator`, for whose text encoder the words are learned.
        """

    def prompts(self, task: FewShotTask, per_class: int) -> tuple[tuple[str, ...], ...]:
        """`per_class` prompts for each class, in which `<word>` stands for the class noun.

        Needs `prompts`.
        """

    def generate(self, task: FewShotTask, plan: Plan) -> SyntheticSet:
        """The plan's images, in the plan's order, each with weight 1.

        Needs `generator` and `features`.
        """

    def keep(self, task: FewShotTask, images: Iterable[tuple[int, Image]]) -> SyntheticSet:
        """Store images that the method made without the generator; returns them in the same order, with weight 1.

        Needs `features`.

        Args:
            images: each with the index of its guide: the real image in `task.train` that it can be drawn in place of.
        """

    def confidence(self, task: FewShotTask, synthetic: SyntheticSet) -> Doubles:
        """Calibrated probability of each image's own label, in [0, 1], shape (images,).

        Needs `guide_classifier`.
        """


ENABLED = "enabled"
"""The field of a method that receives its enabled components; `--components` sets it."""

SERVICES = ("generator", "textual_inversion", "prompts", "guide_classifier", "features")
"""Groups of settings of the services that make and measure synthetic images."""


class Method(ABC):
    """An augmentation method: one file, with its facts on top and its hyper-parameters as constructor arguments.

    A method is a dataclass whose fields have defaults. The fields are the settings that a user may give
    (`--set METHOD.NAME=VALUE`); values are checked against the annotations.
    """

    title: ClassVar[str]
    paper: ClassVar[str]
    components: ClassVar[tuple[str, ...]] = ()
    """Names of the parts that `--components` can switch, all on by default; a field `enabled` receives those that are
    on."""
    services: ClassVar[tuple[str, ...]] = SERVICES
    """Those of `SERVICES` that make or measure its images. It may not use the others, whose settings change none of its
    figures."""

    synthetic_probability: float = 0.0
    """α of Eq. 2: the probability of drawing a synthetic image in place of its guide."""

    @abstractmethod
    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        """Make the task's synthetic images."""


def _check_method(name: str, method: type[Method]) -> None:
    """Raise a TypeError that says why a class cannot be a method of that name."""
    if not (isinstance(method, type) and issubclass(method, Method)):
        raise TypeError(f"method '{name}' is not a class that extends methods.base.Method")
    if not name.isidentifier():
        raise TypeError(
            f"method '{name}': use letters, digits and underscores only, since settings begin with this name"
        )
    if isabstract(method):
        raise TypeError(f"method '{name}' lacks {', '.join(sorted(method.__abstractmethods__))}")
    for fact in ("title", "paper"):
        if not isinstance(getattr(method, fact, None), str):
            raise TypeError(f"method '{name}' lacks its {fact}: add {fact} = '…' to the class")
    if unknown := [service for service in method.services if service not in SERVICES]:
        raise TypeError(f"method '{name}': services must be among {', '.join(SERVICES)}, not {', '.join(unknown)}")
    if undeclared := _annotated(method) - {item.name for item in _fields(method)}:
        lost = ", ".join(sorted(undeclared))
        raise TypeError(f"method '{name}': {lost} cannot be set: decorate its class with @dataclass(frozen=True)")
    if method.components and ENABLED not in {item.name for item in _fields(method)}:
        raise TypeError(f"method '{name}' has components, but no field '{ENABLED}' for those that are on")


def _fields(method: type[Method]) -> tuple[Field[Any], ...]:
    return fields(method) if is_dataclass(method) else ()


def _annotated(method: type[Method]) -> set[str]:
    """Names that a class annotates like dataclass fields without being decorated as a dataclass itself."""
    if "__dataclass_fields__" in vars(method):
        return set()
    return {name for name, annotation in get_annotations(method).items() if "ClassVar" not in str(annotation)}


def settings_without_part(method: type[Method]) -> tuple[str, ...]:
    """Prefixes of the settings that change no figure of the method: those of services that it does not use."""
    return tuple(f"{service}." for service in SERVICES if service not in method.services)


METHODS: Registry[type[Method]] = Registry("method", _check_method)


def registered_name(method: Method) -> str:
    """The name by which messages about settings call the method; for an unregistered subclass, its class name."""
    return next((name for name in METHODS if METHODS[name] is type(method)), type(method).__name__)
