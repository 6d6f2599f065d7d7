"""What the published code plans differently: an image's word, the prompt paired with it, and its initial noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from datasets.errors import UserError
from methods.as_released import words_by_substring
from methods.diagen import DIAGen
from methods.plan import Plan
from tests.methods.fakes import FakeTools, fake_task

LEVELS = (0.0, 0.005, 0.01, 0.025)


def plan_of(shots: int = 4, **changes: Any) -> Plan:
    tools = FakeTools()
    DIAGen(**changes).synthesize(fake_task(shots), tools)
    assert tools.plan is not None
    return tools.plan


class TestOneCounter:
    def test_only_twenty_of_the_forty_pairs_occur(self) -> None:
        rows = [row for row in plan_of(shots=8, rotation="one_counter").rows if row.label == 0]
        assert len(rows) == 80
        assert len({(row.prompt, row.noise_std) for row in rows}) == 20

    def test_the_words_of_a_class_come_in_turn_over_its_guides(self) -> None:
        rows = [row for row in plan_of(shots=2, rotation="one_counter", images_per_example=3).rows if row.label == 1]
        assert [row.noise_std for row in rows] == [0.0, 0.005, 0.01, 0.025, 0.0, 0.005]
        assert [row.prompt[-1] for row in rows] == ["0", "1", "2", "3", "4", "5"]


class TestSubstring:
    def test_car_has_the_words_of_carrot_and_hot_dog_none_of_dogs(self) -> None:
        found = words_by_substring(("car", "carrot", "dog", "hot dog"), (0.0, 0.01))
        assert found[0] == [(0, 0), (1, 0), (0, 1), (1, 1)]
        assert found[1] == [(1, 0), (1, 1)]
        assert found[2] == [(2, 0), (3, 0), (2, 1), (3, 1)]
        assert found[3] == [(3, 0), (3, 1)]

    def test_half_of_cars_images_are_made_with_a_word_of_carrot(self) -> None:
        plan = plan_of(shots=8, noisy_word_of="substring")
        cars = [row for row in plan.rows if row.label == 0]
        carrots = [row for row in cars if row.word.startswith("1 ")]
        assert len(carrots) == len(cars) / 2
        assert {row.noise_std for row in carrots} == set(LEVELS)
        assert all(row.word.startswith("1 ") for row in plan.rows if row.label == 1)
        clean = next(row for row in carrots if row.noise_std == 0)
        assert np.array_equal(plan.words[clean.word], np.full(8, 1, np.float32))

    def test_without_noise_words_are_found_by_label(self) -> None:
        plan = plan_of(noisy_word_of="substring", enabled=("prompts",))
        assert all(row.word.startswith(f"{row.label} ") for row in plan.rows)


class TestImageSeeds:
    def seeds(self, image_seeds: str, *enabled: str) -> list[int]:
        return [row.seed for row in plan_of(image_seeds=image_seeds, enabled=enabled).rows]

    def test_weighting_changes_the_images_as_released_and_in_the_paper_the_weights_alone(self) -> None:
        paper, released = "of_the_row", "also_of_the_weighting"
        assert self.seeds(paper, "noise", "weights") == self.seeds(paper, "noise")
        assert not set(self.seeds(released, "noise", "weights")) & set(self.seeds(released, "noise"))
        assert self.seeds(released, "noise") == self.seeds(paper, "noise")


@pytest.mark.parametrize("name", ["noisy_word_of", "rotation", "image_seeds"])
def test_other_values_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"unknown diagen.{name} 'both'"):
        DIAGen(**{name: "both"})  # type: ignore[arg-type]
