"""Accuracy against shots and hyper-parameters, and the effect of components: the numbers that are drawn."""

from __future__ import annotations

import math

import pytest

from benchmark.figures import MissingRuns
from tests.benchmark.figures.cells import cell, drawn, rows, with_value

T_ONE, T_TWO = 12.7062047364, 4.30265272991
"""97.5% quantiles of Student's t with one and two degrees of freedom, from a printed table."""


def test_accuracy_is_the_mean_over_seeds_with_students_interval():
    (row,) = rows(drawn("accuracy", *(cell(seed=s, test=value) for s, value in enumerate((0.5, 0.55, 0.75)))).data)
    reach = T_TWO * math.sqrt(0.0175) / math.sqrt(3)  # the sample variance is (0.01 + 0.0025 + 0.0225) / 2
    assert (row["series"], row["x"], row["n"], row["test_set"]) == ("diagen", 2, 3, "test")
    assert row["mean"] == pytest.approx(0.6)
    assert (row["low"], row["high"]) == pytest.approx((0.6 - reach, 0.6 + reach))


def test_an_interval_is_drawn_from_0_to_100_at_most():
    drawing = drawn("accuracy", cell(seed=0, test=0.7), cell(seed=1, test=0.9))
    (row,) = rows(drawing.data)
    assert (row["low"], row["high"]) == (0.0, 1.0)
    (bar,) = drawing.figure.axes[0].collections
    (segment,) = bar.get_segments()
    assert segment[:, 1] == pytest.approx([0, 100])


def test_one_seed_has_no_interval_and_says_so():
    drawing = drawn("accuracy", cell(test=0.4))
    (row,) = rows(drawing.data)
    assert (row["mean"], row["n"]) == (0.4, 1)
    assert math.isnan(row["low"])
    assert math.isnan(row["high"])
    assert drawing.notes == ("One seed: points have no interval, and their differences may be chance.",)


def test_a_value_that_is_not_a_number_counts_as_missing():
    drawing = drawn("accuracy", cell(seed=0, test=0.4), cell(seed=1, test=math.nan), cell(shots=4, test=math.nan))
    assert [(row["x"], row["mean"], row["n"]) for row in rows(drawing.data)] == [(2, 0.4, 1)]


def test_every_dataset_and_test_set_has_a_panel_and_validation_none():
    uncommon = {"accuracy/uncommon": 0.3, "accuracy/test/time/day": 0.2}
    drawing = drawn("accuracy", cell(metrics=uncommon), cell(dataset="coco"), cell(dataset="coco", preset="paper"))
    assert [axes.get_title() for axes in drawing.figure.axes if axes.get_title()] == [
        "coco · mini · test",
        "coco · paper · test",
        "mini_focus · mini · test",
        "mini_focus · mini · uncommon",
    ]


def test_runs_of_ablations_are_left_to_their_own_figures():
    others = cell(components="noise"), cell(overrides="classifier.epochs=5")
    drawing = drawn("accuracy", cell(), *others, cell("standard", components="a part"))
    assert drawing.data["series"] == ["diagen"]
    assert "Not shown: 3 runs with other settings or components." in drawing.notes


def test_a_method_that_ran_with_other_settings_alone_is_shown_beside_one_that_has_no_such_settings():
    """DA-Fusion uses no prompts, so its runs with `--set prompts.source=file` record no override."""
    drawing = drawn("accuracy", cell("da_fusion"), cell(overrides="prompts.source=file"), cell(components="noise"))
    assert drawing.data["series"] == ["da_fusion", "diagen prompts.source=file"]
    assert "Not shown: 1 run with other settings or components." in drawing.notes


def test_what_selection_left_out_is_said():
    drawing = drawn("accuracy", cell(), cell(seed=1, status="FAILED"))
    assert drawing.notes[-1] == "1 run failed"


def test_a_method_looks_the_same_whichever_others_there_are():
    def colours(*methods: str) -> dict[str, str]:
        figure = drawn("accuracy", *(cell(method) for method in methods)).figure
        (legend,) = figure.legends
        return {t.get_text(): h.get_color() for t, h in zip(legend.get_texts(), legend.legend_handles, strict=True)}

    assert colours("diagen")["diagen"] == colours("standard", "alpha", "diagen", "beta")["diagen"]
    ten = [f"m{number}" for number in range(10)]
    assert len(set(colours(*ten).values())) == 10


def test_gains_are_paired_over_seeds():
    base = [cell("da_fusion", seed=s, test=value) for s, value in enumerate((0.2, 0.6, 0.9))]
    noise = [cell(components="noise", seed=s, test=value) for s, value in ((0, 0.3), (1, 0.8), (5, 0.1))]
    (row,) = rows(drawn("components", *base, *noise).data)
    reach = T_ONE * math.sqrt(0.005) / math.sqrt(2)  # of the differences 0.1 and 0.2; seed 5 has no counterpart
    assert (row["series"], row["n"]) == ("noise only", 2)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.15, 0.15 - reach, 0.15 + reach))


def test_components_name_those_that_are_missing():
    drawing = drawn("components", cell("da_fusion"), cell(components="prompts"), cell())
    assert drawing.data["series"] == ["prompts only", "all three"]
    (note,) = [note for note in drawing.notes if note.startswith("Missing")]
    assert note.startswith("Missing: noise + prompts at k = 2, noise only at k = 2; ")


def test_components_are_compared_with_da_fusion_run_with_the_same_settings():
    """DA-Fusion has none of the settings for prompts and weights, so only the others must match."""
    common = "classifier.epochs=2 textual_inversion.steps=20"
    whole = f"{common} guide_classifier.epochs=2 diagen.strength=0.6"
    drawing = drawn(
        "components",
        cell("da_fusion", test=0.1),
        cell("da_fusion", overrides=common, test=0.4),
        cell("da_fusion", overrides=f"{common} da_fusion.steps=9", test=0.2),
        cell(components="noise", overrides=whole, test=0.5),
        cell(overrides=whole, test=0.7),
    )
    assert [(row["series"], row["mean"]) for row in rows(drawing.data)] == [
        ("noise only", pytest.approx(0.1)),
        ("all three", pytest.approx(0.3)),
    ]


@pytest.mark.parametrize("records", [(cell("da_fusion"), cell()), (cell(components="noise"), cell())])
def test_components_need_some_of_them_and_da_fusion(records):
    with pytest.raises(MissingRuns, match=r"`python -m benchmark ablation --what components`"):
        drawn("components", *records)


@pytest.mark.parametrize(
    ("figure", "name"),
    [
        ("strength", "strength"),
        ("guidance", "guidance_scale"),
        ("alpha", "synthetic_probability"),
        ("images_per_example", "images_per_example"),
    ],
)
def test_a_line_goes_over_the_values_of_one_hyperparameter(figure: str, name: str):
    plain = [with_value(name, 2.0, plain=True, test=0.5), with_value(name, 2.0, plain=True, seed=1, test=0.7)]
    others = [with_value(name, 10.0, test=0.4), with_value(name, 1.0, test=0.3)]
    mixed = cell(overrides=f"classifier.epochs=3 diagen.{name}=1.0", parameters={f"diagen.{name}": "1.0"}, test=0.9)
    drawing = drawn(figure, *plain, *others, mixed)
    assert drawing.data["series"] == ["diagen, k = 2"] * 3
    assert drawing.data["x"] == [1.0, 2.0, 10.0]
    assert drawing.data["mean"] == pytest.approx([0.3, 0.6, 0.4])
    assert drawing.data["n"] == [1, 2, 1]


def test_noise_levels_stand_at_the_largest():
    levels = {"0.0": 0.3, "0.0,0.01,0.05": 0.5, "0.0,0.1": 0.4}
    records = [
        cell(test=value, parameters={"diagen.noise_std": text}, overrides=f"diagen.noise_std=[{text}]")
        for text, value in levels.items()
    ]
    drawing = drawn("noise_scale", *records)
    assert list(zip(drawing.data["x"], drawing.data["mean"], strict=True)) == [(0.0, 0.3), (0.05, 0.5), (0.1, 0.4)]


def test_same_hyperparameters_pairs_runs_by_their_values():
    def run(method: str, strength: str, overrides: str = "", **given):
        values = {"strength": strength, "guidance_scale": "4.0", "synthetic_probability": "0.7"}
        parameters = {f"{method}.{name}": value for name, value in values.items()}
        return cell(method, parameters=parameters, overrides=overrides, **given)

    drawing = drawn(
        "same_hyperparameters",
        run("diagen", "0.7", test=0.6),
        run("da_fusion", "0.5", test=0.1),
        run("da_fusion", "0.7", "da_fusion.strength=0.7", test=0.4),
        run("da_fusion", "0.7", "da_fusion.strength=0.7 classifier.epochs=3", test=0.2),
        run("diagen", "0.7", "classifier.epochs=3 prompts.model=x", test=0.3),
        run("diagen", "0.7", "classifier.iterations=3", test=0.8),
    )
    assert [(row["series"], row["mean"], row["hyper_parameters"]) for row in rows(drawing.data)] == [
        ("da_fusion", 0.4, "strength 0.7, guidance 4, α 0.7"),
        ("diagen", 0.6, "strength 0.7, guidance 4, α 0.7"),
        ("da_fusion", 0.2, "strength 0.7, guidance 4, α 0.7, classifier.epochs=3 prompts.model=x"),
        ("diagen", 0.3, "strength 0.7, guidance 4, α 0.7, classifier.epochs=3 prompts.model=x"),
    ]
