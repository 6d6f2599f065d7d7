"""Table 1 from records, with the paper's values beside ours."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from benchmark.records import Record
from benchmark.selection import comparable
from benchmark.table1 import NoTable, Table1Cell, table1, write_table1
from datasets.errors import UserError

SEVERAL_TEST_SETS = ("custom_coco", "mini_focus")


def cell(method: str, dataset: str, shots: int, seed: int, precision: float, recall: float, **tags: str) -> Record:
    own = {"method": method, "dataset": dataset, "preset": "mini", "shots": str(shots), "seed": str(seed)}
    own |= {"components": "noise,prompts,weights" if method == "diagen" else "", "settings_fingerprint": method}
    metrics = {"precision/class_mean": precision, "recall/class_mean": recall, "recall/pooled": 0.9}
    uncommon = {"accuracy/uncommon": 0.5} if dataset in SEVERAL_TEST_SETS else {}
    return Record({**own, **tags}, {**metrics, "accuracy/val": 0.5, "accuracy/test": 0.5, **uncommon})


def of_test_alone(record: Record) -> Record:
    tags = {"overrides": "features.real_set=test", "settings_fingerprint": "of test alone"}
    return replace(record, tags={**record.tags, **tags}, parameters={"features.real_set": "test"})


RECORDS = [cell("diagen", "focus", 2, seed, 0.5 + seed / 10, 0.25) for seed in range(3)] + [
    cell("da_fusion", "focus", 2, 0, 0.9, 0.1),
    cell("da_fusion", "mini_focus", 4, 0, 0.7, float("nan")),
]


def find(cells: list[Table1Cell], *place: object) -> Table1Cell:
    (found,) = [c for c in cells if (c.metric, c.method, c.dataset, c.shots) == place]
    return found


def test_a_cell_is_the_mean_and_sample_deviation_over_seeds_beside_the_papers_figure():
    found = find(table1(comparable(RECORDS), "class_mean"), "precision", "diagen", "focus", 2)
    assert (found.mean, found.deviation, found.n) == (pytest.approx(0.6), pytest.approx(0.1), 3)
    assert found.paper == pytest.approx(0.9933)


def test_one_seed_has_no_deviation_and_nan_no_figure():
    cells = table1(comparable(RECORDS), "class_mean")
    assert find(cells, "precision", "da_fusion", "focus", 2).deviation is None
    assert find(cells, "recall", "da_fusion", "mini_focus", 4).mean is None


def test_missing_cells_of_the_papers_datasets_show():
    cells = table1(comparable(RECORDS), "class_mean")
    missing = find(cells, "recall", "diagen", "focus", 8)
    assert (missing.mean, missing.n, missing.paper) == (None, 0, pytest.approx(0.2))


def test_the_layout_is_the_papers():
    text = write_table1(table1(comparable(RECORDS), "class_mean"), "markdown").splitlines()
    assert text[0] == "| ours ± deviation (paper), % | focus k=2 | focus k=4 | focus k=8 | mini_focus k=4 |"
    assert [line.split("|")[1].strip() for line in text[2:6]] == [
        "DA-Fusion precision",
        "DIAGen precision",
        "DA-Fusion recall",
        "DIAGen recall",
    ]
    assert text[3] == "| DIAGen precision | 60.0 ± 10.0 (99.3) | – (96.0) | – (95.3) | – |"


def test_the_real_set_stands_below_and_what_the_papers_may_be():
    records = [*RECORDS, cell("diagen", "custom_coco", 2, 0, 0.5, 0.5)]
    text = write_table1(table1(comparable(records), "class_mean"), "markdown")
    assert text.split("\n\n")[1].splitlines() == [
        "- focus: measured against the real images of test",
        "- custom_coco, mini_focus: measured against the real images of test and uncommon; the paper's figures may be "
        "against test alone, as --set features.real_set=test measures them",
    ]
    without = write_table1(table1(comparable(RECORDS), "class_mean"), "table")
    assert without.splitlines()[-1] == "mini_focus: measured against the real images of test and uncommon"


def test_each_real_set_has_columns_of_its_own():
    union = [cell("diagen", "custom_coco", 2, seed, 0.5, 0.5) for seed in (0, 1)]
    alone = [of_test_alone(cell("diagen", "custom_coco", 2, seed, 0.9, 0.5)) for seed in (0, 1)]
    cells = table1(comparable([*union, *alone]), "class_mean")
    found = {(c.real_set, c.mean, c.n) for c in cells if (c.metric, c.method, c.shots) == ("precision", "diagen", 2)}
    assert found == {("test and uncommon", 0.5, 2), ("test", 0.9, 2)}
    titles = write_table1(cells, "markdown").splitlines()[0]
    assert "custom_coco k=2, test and uncommon |" in titles
    assert "custom_coco k=2, test |" in titles


def test_against_one_test_set_both_real_sets_are_one_figure_a_seed():
    own = [cell("diagen", "focus", 2, seed, 0.5, 0.25) for seed in (0, 1)]
    found = find(table1(comparable([*own, *map(of_test_alone, own)]), "class_mean"), "recall", "diagen", "focus", 2)
    assert (found.real_set, found.mean, found.n) == ("test", 0.25, 2)


def test_without_a_set_called_test_the_real_set_is_all_of_them():
    """Images are then measured against all test sets, whatever the setting says."""
    own = of_test_alone(cell("diagen", "mini_focus", 2, 0, 0.5, 0.25))
    others = {name: value for name, value in own.metrics.items() if name != "accuracy/test"}
    found = table1(comparable([replace(own, metrics={**others, "accuracy/unseen": 0.5})]), "class_mean")
    assert {c.real_set for c in found} == {"uncommon and unseen"}


def test_latex_compiles_its_special_characters():
    text = write_table1(table1(comparable(RECORDS), "class_mean"), "latex")
    assert r"mini\_focus k=4" in text
    assert r"60.0 $\pm$ 10.0 (99.3)" in text
    assert r"ours $\pm$ deviation (paper), \%" in text


def test_csv_has_a_line_for_each_figure():
    lines = list(csv.DictReader(io.StringIO(write_table1(table1(comparable(RECORDS), "class_mean"), "csv"))))
    assert len(lines) == 4 * 4
    assert lines[0]["paper"] == "0.9867"


def test_the_pooled_figures_can_be_chosen():
    assert find(table1(comparable(RECORDS), "pooled"), "recall", "diagen", "focus", 2).mean == pytest.approx(0.9)


def test_presets_are_not_mixed():
    records = [*RECORDS, cell("diagen", "focus", 2, 0, 0.1, 0.1, preset="paper")]
    with pytest.raises(UserError, match="choose with --preset"):
        table1(comparable(records), "class_mean")


def test_no_runs_say_which_command_makes_them():
    with pytest.raises(UserError, match="sweep --methods da_fusion,diagen"):
        table1([], "class_mean")


def test_an_ablations_runs_are_not_in_the_table():
    noise = cell("diagen", "focus", 2, 3, 0.1, 0.1, components="noise")
    strength = cell("diagen", "focus", 2, 4, 0.1, 0.1, overrides="diagen.strength=0.5", settings_fingerprint="other")
    found = find(table1(comparable([*RECORDS, noise, strength]), "class_mean"), "precision", "diagen", "focus", 2)
    assert (found.mean, found.n, found.settings) == (pytest.approx(0.6), 3, "")
    command = "`python -m benchmark sweep --methods da_fusion,diagen --datasets focus` makes some"
    with pytest.raises(NoTable, match=f"no run of da_fusion or diagen .*{command}"):
        table1(comparable([noise]), "class_mean")


def test_a_method_without_a_run_as_the_preset_has_it_stands_with_its_settings_below():
    """Changes to its own hyper-parameters come last; among other settings, those with the most runs are chosen."""
    prompts = [cell("diagen", "focus", 2, seed, 0.5, 0.5, overrides="prompts.source=file") for seed in (0, 1)]
    epochs = cell("diagen", "focus", 2, 2, 0.1, 0.1, overrides="classifier.epochs=5", settings_fingerprint="epochs")
    strengths = [
        cell("diagen", "focus", 2, seed, 0.2, 0.2, overrides="diagen.strength=0.5", settings_fingerprint="strength")
        for seed in range(3)
    ]
    records = [cell("da_fusion", "focus", 2, 0, 0.9, 0.1), *strengths, epochs, *prompts]
    cells = table1(comparable(records), "class_mean")
    found = find(cells, "precision", "diagen", "focus", 2)
    assert (found.mean, found.n, found.settings) == (0.5, 2, "prompts.source=file")
    assert find(cells, "precision", "da_fusion", "focus", 2).settings == ""
    text = write_table1(cells, "table")
    assert text.splitlines()[-1] == "DIAGen on focus: prompts.source=file"
    assert find(table1(comparable(strengths), "class_mean"), "recall", "diagen", "focus", 2).mean == 0.2


def test_each_set_of_images_stands_where_its_dataset_does_with_the_papers_figures():
    records = [cell("diagen", "focus", 2, 0, 0.5, 0.5, data_fingerprint=data) for data in ("aaaaaa", "bbbbbb")]
    cells = table1(comparable([*records, cell("diagen", "a_first", 2, 0, 0.5, 0.5)]), "class_mean")
    assert list(dict.fromkeys((own.dataset, own.shots) for own in cells)) == [
        *((f"focus ({data})", shots) for data in ("aaaaaa", "bbbbbb") for shots in (2, 4, 8)),
        ("a_first", 2),
    ]
    assert find(cells, "precision", "diagen", "focus (aaaaaa)", 4).paper == pytest.approx(0.96)
