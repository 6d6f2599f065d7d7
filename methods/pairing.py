"""Makes the plan of a generative method: which word is combined with which prompt on which guide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from datasets.few_shot import FewShotTask
from datasets.seeding import seed_from
from methods.plan import Plan, PlanRow, Vector

Turn = Callable[[int, int, int], tuple[int, int]]
"""Chooses prompt and word of a class's count-th row: (count, number of prompts, number of words) to their indices."""


def every_pair(count: int, prompts: int, words: int) -> tuple[int, int]:
    """Walk diagonally over the table of prompts and words, so that every cell is visited."""
    turn, prompt = divmod(count, prompts)
    return prompt, (prompt + turn) % words


def pair(
    task: FewShotTask,
    words: Sequence[Sequence[Vector]],
    prompts: Sequence[Sequence[str]],
    *,
    levels: Sequence[float] = (0.0,),
    images_per_example: int,
    strength: float,
    guidance_scale: float,
    steps: int,
    turn: Turn = every_pair,
    choices: Sequence[Sequence[tuple[int, int]]] | None = None,
    seed_parts: tuple[str, ...] = (),
) -> Plan:
    """A plan of `images_per_example` rows for each train example, in the order of `task.train`.

    A class's rows go through its prompts in turn; in each round through the prompts, each prompt gets the next noise
    level (`every_pair`). So every prompt meets every level within prompts × levels rows, and a guide uses each prompt
    once if `images_per_example` is the number of prompts.

    A row's seed is derived from the task's name and seed, the guide and the row's number among the guide's rows, but
    not from the method: two methods start a guide's j-th image from the same noise.

    Args:
        task: provides the guides.
        words: for each class, one vector per noise level.
        prompts: for each class, its prompts, with `<word>` for the class noun.
        levels: the standard deviations behind `words`, recorded in the rows.
        turn: how rows go through prompts and words.
        choices: for each class, the words that its rows go through, as (label, index of the level); by default its own.
        seed_parts: what else a row's seed is derived from.
    """
    if choices is None:
        choices = [[(label, i) for i in range(len(levels))] for label in range(len(task.classes))]
    rows: list[PlanRow] = []
    rank_in_class = [0] * len(task.classes)
    for guide, example in enumerate(task.train):
        label, rank = example.label, rank_in_class[example.label]
        rank_in_class[label] += 1
        for j in range(images_per_example):
            prompt, choice = turn(rank * images_per_example + j, len(prompts[label]), len(choices[label]))
            source, level = choices[label][choice]
            row = PlanRow(
                guide=guide,
                label=label,
                prompt=prompts[label][prompt],
                word=_key(source, levels[level]),
                strength=strength,
                guidance_scale=guidance_scale,
                steps=steps,
                seed=seed_from("generation", task.name, task.seed, example.identifier, j, *seed_parts),
                noise_std=levels[level],
            )
            rows.append(row)
    vectors = {
        _key(label, level): vector for label, own in enumerate(words) for level, vector in zip(levels, own, strict=True)
    }
    return Plan(tuple(rows), vectors)


def _key(label: int, level: float) -> str:
    return f"{label} σ={level!r}"
