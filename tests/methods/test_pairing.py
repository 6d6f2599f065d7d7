"""Which prompt is paired with which noise level on which guide."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

from methods.pairing import every_pair, pair
from methods.plan import Plan
from tests.methods.fakes import fake_task

LEVELS = (0.0, 0.005, 0.01, 0.025)
WAY: dict[str, Any] = {"strength": 0.7, "guidance_scale": 15.0, "steps": 50}


def plan_of(shots: int, prompts: int, levels: tuple[float, ...], images: int, **of_task: Any) -> Plan:
    task = fake_task(shots, **of_task)
    words = [[np.full(8, 10 * label + i, np.float32) for i in range(len(levels))] for label in range(2)]
    texts = [[f"{label} <word> {i}" for i in range(prompts)] for label in range(2)]
    return pair(task, words, texts, levels=levels, images_per_example=images, **WAY)


@pytest.mark.parametrize(
    ("shots", "prompts", "levels", "images"), [(4, 10, 4, 10), (6, 4, 4, 6), (4, 5, 3, 4), (3, 4, 6, 8)]
)
def test_every_prompt_meets_every_level(shots: int, prompts: int, levels: int, images: int) -> None:
    sigmas = tuple(0.01 * i for i in range(levels))
    plan = plan_of(shots, prompts, sigmas, images)
    for label in range(2):
        met = Counter((row.prompt, row.noise_std) for row in plan.rows if row.label == label)
        wanted = set(product({f"{label} <word> {i}" for i in range(prompts)}, sigmas))
        assert set(met) == wanted
        assert max(met.values()) - min(met.values()) <= 1


def test_pairs_walk_diagonally_over_prompts_and_levels() -> None:
    """This way, the images of a guide also have different levels."""
    walk = [every_pair(count, prompts=3, words=2) for count in range(7)]
    assert walk == [(0, 0), (1, 1), (2, 0), (0, 1), (1, 0), (2, 1), (0, 0)]


def test_the_papers_four_shots_use_each_of_the_forty_pairs_once() -> None:
    rows = plan_of(shots=4, prompts=10, levels=LEVELS, images=10).rows
    assert len({(row.label, row.prompt, row.noise_std) for row in rows}) == len(rows) == 80


def test_a_guide_uses_each_prompt_once() -> None:
    rows = plan_of(shots=3, prompts=10, levels=LEVELS, images=10).rows
    for guide in range(6):
        assert len({row.prompt for row in rows if row.guide == guide}) == 10


def test_rows_follow_the_train_examples_and_name_their_words() -> None:
    plan = plan_of(shots=2, prompts=3, levels=LEVELS, images=5)
    assert [row.guide for row in plan.rows] == [guide for guide in range(4) for _ in range(5)]
    for row in plan.rows:
        assert row.label == row.guide // 2
        assert plan.words[row.word][0] == 10 * row.label + LEVELS.index(row.noise_std)


def test_seeds_are_distinct_and_shared_by_methods_and_by_shots() -> None:
    rows = plan_of(shots=2, prompts=3, levels=LEVELS, images=5).rows
    other_method = plan_of(shots=2, prompts=1, levels=(0.0,), images=7).rows
    assert len({row.seed for row in rows}) == len(rows)
    assert [row.seed for row in rows if row.guide == 3] == [row.seed for row in other_method if row.guide == 3][:5]
    more_shots = plan_of(shots=4, prompts=3, levels=LEVELS, images=5).rows  # the same photo is guide 5 of 8 here
    assert [row.seed for row in rows if row.guide == 3] == [row.seed for row in more_shots if row.guide == 5]


@pytest.mark.parametrize("other", [{"seed": 1}, {"name": "other"}])
def test_each_seed_and_each_dataset_has_noise_of_its_own(other: dict[str, Any]) -> None:
    plans = plan_of(2, 3, LEVELS, 5), plan_of(2, 3, LEVELS, 5, **other)
    one, another = ({row.seed for row in plan.rows} for plan in plans)
    assert not one & another
