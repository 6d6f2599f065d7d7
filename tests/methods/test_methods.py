"""DA-Fusion and DIAGen as described in their papers, component by component."""

from __future__ import annotations

import subprocess
import sys
from inspect import signature
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from datasets.errors import UserError
from methods.base import METHODS
from methods.da_fusion import DAFusion
from methods.diagen import DIAGen
from methods.weighting import RULES, weights_from_confidence
from tests.methods.fakes import FakeTools, fake_task

SUBSETS = [subset for n in range(4) for subset in combinations(DIAGen.components, n)]


def synthesize(method: Any, shots: int = 2) -> tuple[Any, FakeTools]:
    tools = FakeTools()
    return method.synthesize(fake_task(shots), tools), tools


def test_the_defaults_are_the_papers() -> None:
    assert (DAFusion().strength, DAFusion().guidance_scale, DAFusion().synthetic_probability) == (0.5, 7.5, 0.5)
    assert (DIAGen().strength, DIAGen().guidance_scale, DIAGen().synthetic_probability) == (0.7, 15.0, 0.7)
    assert (DIAGen().images_per_example, DIAGen().prompts_per_class, DIAGen().steps) == (10, 10, 50)
    assert DIAGen().noise_std == (0.0, 0.005, 0.01, 0.025)
    assert DIAGen().weight == "min(1, 2c)"


def test_da_fusion_varies_each_guide_with_the_plain_prompt() -> None:
    made, tools = synthesize(DAFusion())
    assert tools.asked == ["words", "images"]
    assert len(made.images) == 2 * 2 * 10
    assert {image.row.prompt for image in made.images} == {"a photo of a <word>"}
    assert {image.row.noise_std for image in made.images} == {0.0}


@pytest.mark.parametrize("method", [DAFusion, DIAGen])
def test_images_are_made_as_is_set(method: type[DAFusion | DIAGen]) -> None:
    made, _ = synthesize(method(strength=0.3, guidance_scale=2.0, steps=20, images_per_example=3))
    rows = [image.row for image in made.images]
    assert {(row.strength, row.guidance_scale, row.steps) for row in rows} == {(0.3, 2.0, 20)}
    assert [row.guide for row in rows] == [guide for guide in range(4) for _ in range(3)]


def test_so_many_prompts_are_written_as_are_set() -> None:
    made, _ = synthesize(DIAGen(prompts_per_class=3))
    assert len({image.row.prompt for image in made.images}) == 2 * 3


def test_without_the_noise_words_are_clean_whatever_its_levels() -> None:
    made, _ = synthesize(DIAGen(noise_std=(0.1, 0.2), enabled=("prompts", "weights")))
    assert {image.row.noise_std for image in made.images} == {0.0}


@pytest.mark.parametrize("enabled", SUBSETS)
def test_each_component_of_diagen_does_its_own_part(enabled: tuple[str, ...]) -> None:
    made, tools = synthesize(DIAGen(enabled=enabled), shots=4)
    assert ("prompts" in tools.asked) == ("prompts" in enabled)
    assert ("confidence" in tools.asked) == ("weights" in enabled)
    assert len({image.row.noise_std for image in made.images}) == (4 if "noise" in enabled else 1)
    assert len({image.row.prompt for image in made.images}) == (20 if "prompts" in enabled else 1)
    assert (len({image.weight for image in made.images}) > 1) == ("weights" in enabled)


def test_diagen_without_components_is_da_fusion_with_its_own_numbers() -> None:
    plain = DIAGen(strength=0.5, guidance_scale=7.5, enabled=())
    (_, first), (_, second) = synthesize(plain), synthesize(DAFusion())
    assert first.plan is not None and second.plan is not None
    assert first.plan.rows == second.plan.rows
    assert all(np.array_equal(first.plan.words[key], vector) for key, vector in second.plan.words.items())


def test_weighting_changes_no_image() -> None:
    """Protocol note 10: the weighting ablation must compare the same images."""
    (_, with_weights), (_, without) = synthesize(DIAGen()), synthesize(DIAGen(enabled=("noise", "prompts")))
    assert with_weights.plan is not None and without.plan is not None
    assert with_weights.plan.rows == without.plan.rows


@pytest.mark.parametrize("other", [{"seed": 1}, {"name": "other"}])
def test_each_seed_and_each_dataset_has_noisy_words_of_its_own(other: dict[str, Any]) -> None:
    """The learned words may be shared between tasks (`words_of: first_task`); the noise on them is not."""
    one, another = FakeTools(), FakeTools()
    DIAGen().synthesize(fake_task(2), one)
    DIAGen().synthesize(fake_task(2, **other), another)
    assert one.plan is not None and another.plan is not None
    for key, vector in one.plan.words.items():
        assert np.array_equal(vector, another.plan.words[key]) == key.endswith("σ=0.0")


@pytest.mark.parametrize("rule", RULES)
def test_weights_follow_the_rule_that_is_set(rule: str) -> None:
    made, _ = synthesize(DIAGen(weight=rule, images_per_example=3), shots=1)
    expected = weights_from_confidence(np.linspace(0, 1, 6), rule)
    np.testing.assert_array_equal([image.weight for image in made.images], expected)


def test_confidence_becomes_weight() -> None:
    confidence = np.array([0.0, 0.2, 0.5, 0.9])
    np.testing.assert_allclose(weights_from_confidence(confidence), [0, 0.4, 1, 1])
    np.testing.assert_allclose(weights_from_confidence(confidence, "c"), confidence)
    with pytest.raises(UserError, match="outside"):
        weights_from_confidence(np.array([0.1, np.nan]))
    with pytest.raises(UserError, match="unknown weight rule '2c'"):
        weights_from_confidence(confidence, "2c")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DIAGen(strength=0.0), r"diagen.strength must be in \(0, 1\], got 0.0"),
        (lambda: DAFusion(strength=1.2), "da_fusion.strength"),
        (lambda: DAFusion(strength=0.01), "da_fusion.steps must be enough for one step"),
        (lambda: DAFusion(steps=50, strength=0.0199), "da_fusion.steps must be enough for one step"),
        (lambda: DAFusion(steps=0), "da_fusion.steps must be at least 1, got 0"),
        (lambda: DAFusion(guidance_scale=0.9), "da_fusion.guidance_scale must be at least 1"),
        (lambda: DAFusion(images_per_example=0), "da_fusion.images_per_example"),
        (lambda: DIAGen(synthetic_probability=1.5), "diagen.synthetic_probability"),
        (lambda: DIAGen(noise_std=()), "diagen.noise_std"),
        (lambda: DIAGen(noise_std=(0.1, 0.1)), "diagen.noise_std"),
        (lambda: DIAGen(noise_std=(-0.1, 0.1)), "diagen.noise_std"),
        (lambda: DIAGen(prompts_per_class=0), "diagen.prompts_per_class"),
        (lambda: DIAGen(weight="2c"), "unknown diagen.weight '2c'"),
        (lambda: DIAGen(enabled=("nois",)), "unknown component 'nois'; did you mean noise"),
    ],
)
def test_hyper_parameters_that_cannot_be_are_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize("alpha", [0, 1])
def test_hyper_parameters_may_be_at_their_limits(alpha: float) -> None:
    ends = DAFusion(strength=1.0, guidance_scale=1.0, steps=1, images_per_example=1, synthetic_probability=alpha)
    assert len(synthesize(ends)[0].images) == 4
    assert DAFusion(strength=0.1, steps=10).steps == 10, "one step is enough"


def test_every_registered_method_has_facts_and_defaults() -> None:
    assert {"standard", "da_fusion", "diagen"} <= set(METHODS)
    for name in METHODS:
        plugin: Any = METHODS[name]
        assert plugin.title and plugin.paper
        assert 0 <= plugin().synthetic_probability <= 1
        assert ("enabled" in signature(plugin).parameters) == bool(plugin.components)


def test_registering_the_methods_loads_no_heavy_library() -> None:
    code = "import sys, methods, methods.prompts, methods.checkpoint; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "diffusers", "transformers", "openai", "mlflow", "timm", "scipy", "pandas"} & set(loaded)
