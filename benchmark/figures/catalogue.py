"""All figures by name, in the order in which a report shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.figures.accuracy import draw_accuracy
from benchmark.figures.base import Draw
from benchmark.figures.components import draw_components
from benchmark.figures.hyperparameters import (
    draw_alpha,
    draw_guidance,
    draw_images_per_example,
    draw_noise_scale,
    draw_strength,
)
from benchmark.figures.images import draw_images
from benchmark.figures.noise import draw_noise
from benchmark.figures.precision_recall import draw_precision_recall
from benchmark.figures.prompts import draw_prompts
from benchmark.figures.reliability import draw_reliability
from benchmark.figures.same_hyperparameters import draw_same_hyperparameters
from benchmark.figures.weights import draw_weights


@dataclass(frozen=True)
class Plot:
    """A figure's title, and the function that draws it from groups of runs."""

    title: str
    draw: Draw


FIGURES: Mapping[str, Plot] = {
    "accuracy": Plot("Accuracy against shots", draw_accuracy),
    "components": Plot("What each component adds", draw_components),
    "same_hyperparameters": Plot("The same hyper-parameters", draw_same_hyperparameters),
    "images": Plot("Images of the methods", draw_images),
    "strength": Plot("Accuracy against strength", draw_strength),
    "guidance": Plot("Accuracy against guidance scale", draw_guidance),
    "noise": Plot("One image at each noise level", draw_noise),
    "noise_scale": Plot("Accuracy against noise", draw_noise_scale),
    "prompts": Plot("Images and their prompts", draw_prompts),
    "alpha": Plot("Accuracy against synthetic probability", draw_alpha),
    "images_per_example": Plot("Accuracy against synthetic images per real image", draw_images_per_example),
    "precision_recall": Plot("Precision against recall", draw_precision_recall),
    "reliability": Plot("Calibration of the guide classifier", draw_reliability),
    "weights": Plot("Distribution of the weights", draw_weights),
}

OF_ABLATION: Mapping[str, Sequence[str]] = {
    "components": ("components",),
    "strength": ("strength",),
    "guidance": ("guidance",),
    "noise": ("noise", "noise_scale"),
    "alpha": ("alpha",),
    "images_per_example": ("images_per_example",),
    "same_hyperparameters": ("same_hyperparameters",),
}
"""What an ablation varies → the figures that its runs make."""
