"""Ablations and the runs that each compares: the paper's Figures 4, 5, 7 and 8, and similar ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmark.setting_checks import parts_of
from benchmark.settings import RunSettings, resolve_settings
from datasets.errors import UnknownName, UserError

METHODS = ("da_fusion", "diagen")
SHARED = ("strength", "guidance_scale", "synthetic_probability")
"""Hyper-parameters in which the paper's two methods differ (DIAGen, Figure 5)."""

HyperParameters = Mapping[str, Mapping[str, Any]]
"""Hyper-parameters by method, from the preset or as overridden for all runs."""


@dataclass(frozen=True)
class Variant:
    """One method specification: the values of `run`'s options --method, --components and --set."""

    method: str
    components: str = ""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ablation:
    """title: a short description of what is compared.
    values: the default values to try; empty if the ablation has none to choose.
    variants: the method specifications for these values.
    """

    title: str
    values: Callable[[HyperParameters], tuple[float, ...]]
    variants: Callable[[HyperParameters, Sequence[float]], list[Variant]]


def ablation_grid(what: str, values: Sequence[float], overrides: tuple[str, ...], **given: Any) -> list[RunSettings]:
    """The settings of every run that the ablation compares.

    Args:
        what: a name in `ABLATIONS`.
        values: used in place of the ablation's own values; empty: use those.
        overrides, given: as for `resolve_settings`; they apply to all runs.

    Raises:
        UserError: the ablation is unknown, values are given for one that has none, or settings are invalid.
    """
    if what not in ABLATIONS:
        raise UnknownName("ablation", what, ABLATIONS)
    ablation, hyper_parameters = ABLATIONS[what], _hyper_parameters(given, overrides)
    own = ablation.values(hyper_parameters)
    if values and not own:
        raise UserError(f"ablation '{what}' compares fixed variants: leave --values out")
    return [
        resolve_settings(
            method=variant.method,
            components=variant.components,
            overrides=(*overrides, *variant.overrides),
            **given,
        )
        for variant in ablation.variants(hyper_parameters, values or own)
    ]


def parse_values(text: str) -> list[float]:
    """Parse numbers separated by commas, dropping repeats; an empty text gives an empty list."""
    try:
        # A text of commas only is an error; only an empty text stands for the default values.
        return list(dict.fromkeys(float(part) for part in parts_of(text) or text.split()))
    except ValueError:
        raise UserError(f"--values '{text}' must be numbers separated by commas, such as 0.3,0.5,0.7") from None


def _hyper_parameters(given: Mapping[str, Any], overrides: tuple[str, ...]) -> HyperParameters:
    names = ("dataset", "preset", "protocol")
    settings = resolve_settings(**{name: given[name] for name in names if name in given}, overrides=overrides)
    return {method: asdict(settings.methods[method]) for method in METHODS}


def _nothing(_hyper_parameters: HyperParameters) -> tuple[float, ...]:
    return ()


def _fixed(values: tuple[float, ...], _hyper_parameters: HyperParameters) -> tuple[float, ...]:
    return values


def _multiples(name: str, hyper_parameters: HyperParameters) -> tuple[float, ...]:
    """Multiples of DIAGen's own value, since that depends on the generator."""
    own = hyper_parameters["diagen"][name]
    return tuple(float(f"{factor * own:.4g}") for factor in (0.25, 0.5, 1.0, 1.5, 2.0))


def _components(_hyper_parameters: HyperParameters, _values: Sequence[float]) -> list[Variant]:
    switched = ("noise", "prompts", "noise,prompts", "all")
    return [Variant("da_fusion"), *(Variant("diagen", components) for components in switched)]


def _swept(name: str, _hyper_parameters: HyperParameters, values: Sequence[float]) -> list[Variant]:
    return [Variant(method, overrides=(f"{method}.{name}={value:g}",)) for method in METHODS for value in values]


def _noise(hyper_parameters: HyperParameters, factors: Sequence[float]) -> list[Variant]:
    """Scale all the preset's noise levels σ together, so that only the amount of noise changes."""
    levels = hyper_parameters["diagen"]["noise_std"]
    scaled = [dict.fromkeys(f"{factor * level:.6g}" for level in levels) for factor in factors]
    return [Variant("diagen", overrides=(f"diagen.noise_std=[{','.join(own)}]",)) for own in scaled]


def _same_hyperparameters(hyper_parameters: HyperParameters, _values: Sequence[float]) -> list[Variant]:
    """Each method with its own hyper-parameters and with the other's."""
    return [
        Variant(method, overrides=tuple(f"{method}.{name}={hyper_parameters[owner][name]:g}" for name in SHARED))
        if owner != method
        else Variant(method)
        for owner in METHODS
        for method in METHODS
    ]


SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)

ABLATIONS: Mapping[str, Ablation] = {
    "components": Ablation("DIAGen's components against DA-Fusion", _nothing, _components),
    "strength": Ablation("the strength t0 of SDEdit", partial(_fixed, SHARES), partial(_swept, "strength")),
    "guidance": Ablation(
        "the guidance scale", partial(_multiples, "guidance_scale"), partial(_swept, "guidance_scale")
    ),
    "noise": Ablation("the embedding noise, all levels scaled", partial(_fixed, (0.0, 0.5, 1.0, 2.0)), _noise),
    "alpha": Ablation(
        "the share α of synthetic samples", partial(_fixed, SHARES), partial(_swept, "synthetic_probability")
    ),
    "images_per_example": Ablation(
        "synthetic images for each real one", partial(_fixed, (1, 2, 5, 10)), partial(_swept, "images_per_example")
    ),
    "same_hyperparameters": Ablation("both methods with the same hyper-parameters", _nothing, _same_hyperparameters),
}
