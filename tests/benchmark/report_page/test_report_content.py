"""What the page shows: tables, the summary in words, the matching images, provenance."""

from __future__ import annotations

import base64
import math

import pytest
from scipy import stats

from benchmark.leaderboard import Board, leaderboard
from benchmark.records import Record
from benchmark.report_page import explorer
from benchmark.report_page.content import Summary
from benchmark.report_page.explorer import gallery
from benchmark.report_page.page import page_content
from benchmark.report_page.provenance import ended_at, provenance
from benchmark.report_page.summary import summarise
from benchmark.report_page.tables import tables
from benchmark.selection import comparable
from tests.benchmark.figures.cells import cell, pictures
from tests.benchmark.report_page.odd_cells import odd_cells


def _boards(records: list[Record]) -> list[Board]:
    return leaderboard(comparable(records))


def _summary(*records: Record) -> Summary:
    (group,) = comparable(records)
    return summarise(group, leaderboard([group]))


def _values(records: list[Record], title: str) -> dict[str, str]:
    """Map each method to its text in the column, with a star on the best."""
    shown = tables(_boards(records))[0]
    place = [column.title for column in shown.columns].index(title)
    found = [(line.method, line.values[place]) for line in shown.lines]
    return {method: "★" * value.best + value.text for method, value in found}


def test_a_line_holds_the_mean_over_seeds_and_its_interval() -> None:
    scores = [0.5, 0.6, 0.75]
    (line,) = tables(_boards([cell(seed=seed, test=score) for seed, score in enumerate(scores)]))[0].lines
    low, high = stats.t.interval(0.95, 2, loc=100 * sum(scores) / 3, scale=100 * stats.sem(scores))
    (value,) = [value for value in line.values if value.low is not None]
    assert (line.seeds, line.missing) == (3, 0)
    assert (value.mean, value.low, value.high) == pytest.approx((100 * sum(scores) / 3, low, high))
    assert value.interval == f"{low:.1f} to {high:.1f}"


def test_one_seed_has_no_interval_over_seeds() -> None:
    (line,) = tables(_boards([cell()]))[0].lines
    assert [value.interval for value in line.values if "over images" not in value.interval] == [""] * len(line.values)


def test_the_best_is_marked_but_not_where_all_are_equal() -> None:
    records = [cell("standard", test=0.5), cell("diagen", test=0.6)]
    assert _values(records, "Test") == {"standard": "50.0", "diagen": "★60.0"}
    assert _values([cell("standard"), cell("diagen")], "Test") == {"standard": "50.0", "diagen": "50.0"}


def test_a_line_that_lacks_a_run_is_no_best_one() -> None:
    whole = [
        cell(name, seed=seed, test=test) for seed in (0, 1) for name, test in (("standard", 0.5), ("da_fusion", 0.4))
    ]
    lucky = cell("diagen", seed=0, test=0.9)
    assert _values([*whole, lucky], "Test") == {"standard": "★50.0", "da_fusion": "40.0", "diagen": "90.0"}


def test_what_is_not_a_number_is_a_dash_and_does_not_enter_the_mean() -> None:
    standard = [cell("standard", seed=seed, test=0.5) for seed in (0, 1)]
    with_nan = [cell("diagen", seed=0, test=math.nan), cell("diagen", seed=1, test=0.6)]
    assert _values([*standard, *with_nan], "Test") == {"standard": "★50.0", "diagen": "60.0"}
    assert _values([*standard, with_nan[0]], "Test") == {"standard": "50.0", "diagen": "–"}


def test_scores_of_images_have_a_table_of_their_own_and_the_smallest_distance_is_the_best() -> None:
    records = [
        cell("da_fusion", metrics={"frechet_distance/pooled": 2000.4}),
        cell("diagen", metrics={"frechet_distance/pooled": 900.0}),
        cell("standard"),
    ]
    _, images = tables(_boards(records))
    assert [(line.method, line.values[0].text, line.values[0].best) for line in images.lines] == [
        ("da_fusion", "2,000.4", False),
        ("diagen", "900.0", True),
    ]


def test_the_summary_says_who_leads_and_ranks_no_method_that_lacks_a_seed() -> None:
    scores = (("standard", 0.5), ("diagen", 0.52))
    whole = [cell(name, seed=seed, test=score) for seed in (0, 1) for name, score in scores]
    found = _summary(*whole, cell("da_fusion", seed=0, test=0.9))
    assert found.leads == (
        "2 shots, the test set: diagen leads with 52.0%, 2.0 points ahead of standard "
        "(mean over 2 seeds; 1 method that lacks a seed is not ranked).",
    )
    assert "da_fusion, 2 shots: no finished run of seed 1" in found.notes


def test_where_every_method_lacks_a_seed_none_leads() -> None:
    found = _summary(cell("standard", seed=0), cell("diagen", seed=1))
    assert found.leads == ("2 shots, the test set: no method has all 2 seeds.",)


def test_equal_methods_are_level_and_one_alone_is_said_to_be() -> None:
    assert "diagen and standard are level at 50.0%" in _summary(cell("standard"), cell("diagen")).leads[0]
    alone = _summary(cell("diagen", metrics={"accuracy/uncommon": 0.4}))
    assert alone.leads[0] == "2 shots, uncommon settings: diagen alone, 40.0% (one seed)."
    assert (alone.significant, alone.open) == ((), ())


def test_all_that_are_level_are_named_and_of_many_how_many_more_there_are() -> None:
    behind = [cell("z1", test=0.2), cell("z2", test=0.2)]
    four = [cell(f"m{place}") for place in range(4)]
    assert "m0, m1, m2 and m3 are level at 50.0%" in _summary(*four, *behind).leads[0]
    seven = [cell(f"m{place}") for place in range(7)]
    assert "m0, m1, m2, m3, m4 and 2 more are level at 50.0%" in _summary(*seven, *behind).leads[0]
    assert "m0 leads with 50.0%, 30.0 points ahead of z1 and z2" in _summary(four[0], *behind).leads[0]


def test_differences_that_can_be_trusted_stand_apart_from_those_that_cannot() -> None:
    seeds = [(seed, 0.001 * seed) for seed in range(4)]
    better = [cell("diagen", seed=seed, test=0.8 + shift) for seed, shift in seeds]
    worse = [cell("standard", seed=seed, test=0.5 - shift) for seed, shift in seeds]
    trusted = _summary(*better, *worse)
    assert trusted.significant[0].startswith("diagen is better than standard on test")
    assert (len(trusted.significant), trusted.open) == (1, ())
    unclear = _summary(*better, *[cell("standard", seed=seed, test=0.3 + 0.3 * seed) for seed in range(4)])
    assert unclear.significant == ()
    assert unclear.open[0].startswith("no significant difference between diagen and standard")


def test_what_could_not_be_tested_is_not_said_to_be_without_significance() -> None:
    def both(seeds: range, name: str, score: float) -> list[Record]:
        return [cell(name, seed=seed, test=score * (1 + 0.3 * seed)) for seed in seeds]

    one_seed = [*both(range(1), "standard", 0.4), *both(range(1), "diagen", 0.5)]
    assert _summary(*one_seed).none_significant == "Too few seeds to tell any two methods apart."
    two_seeds = [*both(range(2), "standard", 0.4), *both(range(2), "diagen", 0.5)]
    assert _summary(*two_seeds).none_significant == "No difference between two methods is significant."
    assert _summary(*two_seeds, *both(range(1), "da_fusion", 0.4)).none_significant == (
        "No difference that could be tested is significant; 2 of 3 have too few seeds."
    )


def test_a_groups_summary_tells_of_its_own_boards_alone() -> None:
    content = page_content(comparable([cell(test=0.5), cell(test=0.7, protocol="as_released")]))
    assert [len(summary.leads) for summary in content.summaries] == [1, 1]


def test_a_sheet_holds_the_picture_itself_and_the_facts_of_every_tile() -> None:
    records = odd_cells()
    (sheet,) = gallery(comparable(records)).sheets
    (imaging,) = [record for record in records if record.files]
    assert base64.b64decode(sheet.picture.partition(",")[2]) == imaging.files["thumbnails.webp"]
    assert sheet.tiles["kind"] == ["guide", *["synthetic"] * 2, "guide", *["synthetic"] * 4]
    assert sheet.tiles["noise_std"][:3] == [None, 0.02, None]


def test_facts_stand_in_the_order_of_the_tiles() -> None:
    given = pictures({"cat": [{"prompt": "first"}, {"prompt": "second"}]})
    turned = {name: values[::-1] for name, values in given["tables"]["thumbnails"].items()}
    (sheet,) = gallery(comparable([cell(**{**given, "tables": {"thumbnails": turned}})])).sheets
    assert sheet.tiles["prompt"] == ["", "first", "second"]


def test_old_tables_without_strength_still_show_their_images() -> None:
    (sheet,) = gallery(comparable([cell(**pictures({"cat": [{}]}))])).sheets
    assert sheet.tiles["strength"] == [None, None]


def test_too_many_images_are_left_out_later_seeds_and_more_shots_first_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = pictures({"cat": [{}]})
    cells = ((method, shots, seed) for method in ("da_fusion", "diagen") for shots in (2, 4) for seed in (0, 1))
    groups = comparable([cell(*place, **made) for place in cells])
    monkeypatch.setattr(explorer, "MOST_SHEETS", 3)
    shown = gallery(groups)
    assert [sheet.title for sheet in shown.sheets] == [
        "da_fusion · 2 shots · seed 0",
        "da_fusion · 4 shots · seed 0",
        "diagen · 2 shots · seed 0",
    ]
    assert "The images of 5 runs are left out" in shown.notes[0]
    monkeypatch.setattr(explorer, "MOST_BYTES", 1)
    assert gallery(groups).sheets == ()


def test_settings_that_differ_stand_apart_and_own_parameters_under_their_bare_name() -> None:
    def run(method: str, strength: str) -> Record:
        given = {"method": method, f"{method}.strength": strength, "classifier.epochs": "20", "seeds": "0"}
        return cell(method, parameters=given)

    (settings,) = provenance(comparable([run("da_fusion", "0.5"), run("diagen", "0.7")])).settings
    assert settings.methods == ("da_fusion", "diagen")
    assert settings.different == (("strength", "0.5", "0.7"),)
    assert settings.same == (("classifier.epochs", "20"),)


def test_commands_make_every_run_and_no_other() -> None:
    overrides = "diagen.noise_std=[0.0,0.1] diagen.strength=0.5"
    records = [
        cell(shots=shots, seed=seed, components="noise", overrides=overrides, parameters={"data_root": "/home/me"})
        for shots, seed in ((2, 0), (2, 1), (4, 0), (4, 1), (8, 0))
    ]
    common = "python -m benchmark run --method diagen --components noise --dataset mini_focus --data-root DATA_ROOT"
    assert provenance(comparable(records)).commands == (
        f"{common} --preset mini --protocol paper --shots 8 --seeds 0 --set '{overrides}'",
        f"{common} --preset mini --protocol paper --shots 2,4 --seeds 0,1 --set '{overrides}'",
    )


def test_a_preset_file_stands_in_a_command_as_it_was_given() -> None:
    record = cell(preset="mine (a1b2c3)", parameters={"preset": "my presets/mine.yaml"})
    assert provenance(comparable([record])).commands == (
        "python -m benchmark run --method diagen --dataset mini_focus --preset 'my presets/mine.yaml' --protocol paper "
        "--shots 2 --seeds 0",
    )


def test_runs_on_given_splits_are_made_again_from_these() -> None:
    records = [cell(shots=shots, parameters={"split_files": "a.json,b.json"}) for shots in (2, 4)]
    assert provenance(comparable(records)).commands == (
        "python -m benchmark run --method diagen --dataset mini_focus --preset mini --protocol paper "
        "--split-file a.json,b.json",
    )


def test_provenance_names_what_made_the_runs() -> None:
    found = provenance(comparable([cell(git_commit="a" * 40, **{"version.torch": "2.0"}), cell(seed=1, python="3.11")]))
    assert dict(found.facts) == {
        "Latest run": "1970-01-01 00:00 UTC",
        "Runs": "2",
        "Commit": "a" * 40,
        "Python": "3.11",
        "torch": "2.0",
    }
    assert [(run.commit, run.split) for run in found.runs] == [("a" * 10, "–"), ("–", "–")]
    assert ended_at(0) == "–"
