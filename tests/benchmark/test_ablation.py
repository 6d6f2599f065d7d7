"""Which runs an ablation compares."""

from __future__ import annotations

import pytest

import datasets  # noqa: F401
import methods  # noqa: F401
from benchmark.ablation import ABLATIONS, ablation_grid, parse_values
from benchmark.run_identity import components_label, overrides_of
from datasets.errors import UserError


def grid(what: str, *values: float, **given: str) -> list[tuple[str, str, str]]:
    return [
        (settings.method, components_label(settings), overrides_of(settings))
        for settings in ablation_grid(what, values, (), **given)
    ]


def test_components_are_the_papers_four_against_da_fusion():
    assert grid("components") == [
        ("da_fusion", "", ""),
        ("diagen", "noise", ""),
        ("diagen", "prompts", ""),
        ("diagen", "noise,prompts", ""),
        ("diagen", "noise,prompts,weights", ""),
    ]


def test_a_swept_hyper_parameter_takes_each_value_in_both_methods():
    found = grid("strength", 0.3, 0.8)
    assert [(method, overrides) for method, _, overrides in found] == [
        ("da_fusion", "da_fusion.strength=0.3"),
        ("da_fusion", "da_fusion.strength=0.8"),
        ("diagen", "diagen.strength=0.3"),
        ("diagen", "diagen.strength=0.8"),
    ]


def test_the_presets_own_value_is_the_plain_run_so_that_it_is_not_made_twice():
    assert ("diagen", "noise,prompts,weights", "") in grid("guidance")
    assert ("diagen", "noise,prompts,weights", "") in grid("guidance", preset="paper")


def test_guidance_scales_follow_the_preset():
    mini, paper = (grid("guidance", preset=preset)[-1][2] for preset in ("mini", "paper"))
    assert (mini, paper) == ("diagen.guidance_scale=8.0", "diagen.guidance_scale=30.0")


def test_noise_levels_are_scaled_together():
    assert [overrides for _, _, overrides in grid("noise", preset="paper")] == [
        "diagen.noise_std=[0.0]",
        "diagen.noise_std=[0.0,0.0025,0.005,0.0125]",
        "",
        "diagen.noise_std=[0.0,0.01,0.02,0.05]",
    ]


def test_the_same_hyper_parameters_are_the_papers_figure_5():
    assert grid("same_hyperparameters", preset="paper") == [
        ("da_fusion", "", ""),
        (
            "diagen",
            "noise,prompts,weights",
            "diagen.guidance_scale=7.5 diagen.strength=0.5 diagen.synthetic_probability=0.5",
        ),
        (
            "da_fusion",
            "",
            "da_fusion.guidance_scale=15.0 da_fusion.strength=0.7 da_fusion.synthetic_probability=0.7",
        ),
        ("diagen", "noise,prompts,weights", ""),
    ]


def test_what_is_set_for_all_runs_is_what_is_compared():
    settings = ablation_grid("same_hyperparameters", (), ("diagen.strength=0.6",), preset="paper")
    assert [own.methods[own.method].strength for own in settings] == [0.5, 0.5, 0.6, 0.6]


def test_what_is_set_for_all_runs_stays():
    settings = ablation_grid("components", (), ("classifier.epochs=3",), shots="2,4", seeds="0,1", preset="mini")
    assert {s.classifier.epochs for s in settings} == {3}
    assert all((s.shots, s.seeds) == ([2, 4], [0, 1]) for s in settings)


@pytest.mark.parametrize("what", ABLATIONS)
@pytest.mark.parametrize("preset", ["mini", "paper"])
def test_every_ablation_can_be_planned(what: str, preset: str):
    assert len(set(grid(what, preset=preset))) >= 4


def test_an_unknown_ablation_names_the_nearest():
    with pytest.raises(UserError, match="unknown ablation 'strenght'; did you mean strength"):
        grid("strenght")


def test_values_where_there_are_none_to_choose_are_refused():
    with pytest.raises(UserError, match="leave --values out"):
        grid("components", 0.5)


def test_values_are_numbers():
    assert parse_values("0.3, 0.5") == [0.3, 0.5]
    assert parse_values("1,0,0.0") == [1, 0]
    assert parse_values("") == []
    for text in ("a,b", ",", ", ,"):
        with pytest.raises(UserError, match=f"--values '{text}' must be numbers"):
            parse_values(text)
