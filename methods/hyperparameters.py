"""Checks that the generative methods share."""

from __future__ import annotations

from typing import Protocol

from datasets.errors import UserError


class Generation(Protocol):
    """The hyper-parameters of a method that makes images from guides."""

    @property
    def strength(self) -> float: ...
    @property
    def guidance_scale(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def images_per_example(self) -> int: ...
    @property
    def synthetic_probability(self) -> float: ...


def check_generation(method: str, values: Generation) -> None:
    """Refuse invalid hyper-parameters; raises `UserError` naming the setting."""
    require(0 < values.strength <= 1, method, "strength", "in (0, 1]", values.strength)
    require(values.guidance_scale >= 1, method, "guidance_scale", "at least 1", values.guidance_scale)
    require(values.steps >= 1, method, "steps", "at least 1", values.steps)
    enough = int(values.steps * values.strength) >= 1
    require(enough, method, "steps", f"enough for one step at strength {values.strength}", values.steps)
    require(values.images_per_example >= 1, method, "images_per_example", "at least 1", values.images_per_example)
    alpha = values.synthetic_probability
    require(0 <= alpha <= 1, method, "synthetic_probability", "in [0, 1]", alpha)


def require(holds: bool, method: str, name: str, rule: str, value: object) -> None:
    """Unless the rule holds, raise a `UserError` that names the setting, the rule and the value."""
    if not holds:
        raise UserError(f"{method}.{name} must be {rule}, got {value}")
