"""Textual inversion: a class after the other, against all classes in one batch."""

from __future__ import annotations

import typer

from benchmarks_perf import report, seconds
from datasets.base import DATASETS
from datasets.few_shot import few_shot_task
from methods.generator import Generator
from methods.settings import GeneratorSettings, TextualInversionSettings
from methods.textual_inversion import learn_words


def main(checkpoint: str = "mini_sd", resolution: int = 64, steps: int = 10, shots: int = 4) -> None:
    """Time `steps` steps for the ten classes of mini_focus."""
    generator = Generator(GeneratorSettings(checkpoint, resolution))
    settings = TextualInversionSettings(steps=steps, learning_rate=5e-3)
    task = few_shot_task("mini_focus", DATASETS["mini_focus"](), shots, 0)
    images = [[task.image(e) for e in task.train if e.label == label] for label in range(len(task.classes))]
    seeds = list(range(len(images)))
    learn_words(generator, images[:1], TextualInversionSettings(steps=1), seeds[:1])  # opens the checkpoint

    def one_class_at_a_time() -> None:
        for own, seed in zip(images, seeds, strict=True):
            learn_words(generator, [own], settings, [seed])

    plain = seconds(one_class_at_a_time) / len(images)
    together = seconds(lambda: learn_words(generator, images, settings, seeds)) / len(images)
    report(f"{steps} steps of {settings.batch_size} samples", plain, together, "s a class")


if __name__ == "__main__":
    typer.run(main)
