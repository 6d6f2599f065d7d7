"""The size of a grid before it is run: counts, and hours estimated from finished cells or measured rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.fetch import fetch_grid
from benchmark.job import open_job
from benchmark.outlook import outlook, outlook_by_rates
from benchmark.progress import Stages
from benchmark.rates import Rates, read_rates
from benchmark.records import Record
from benchmark.runner import run_job
from benchmark.settings import RunSettings
from benchmark.sweep import count_grid, run_grid
from benchmark.tracking import Tracker
from datasets.errors import UserError
from methods.base import METHODS, Method
from methods.da_fusion import DAFusion
from methods.diagen import DIAGen

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)

CONTENT = {
    "device": "some GPU",
    "on_gpu": True,
    "seconds": {"word": 36.0, "image": 0.9, "view": 0.01, "head": 3.6, "feature": 0.02},
}


@pytest.fixture
def rates_file(tmp_path: Path) -> Path:
    path = tmp_path / "rates.json"
    path.write_text(json.dumps(CONTENT))
    return path


def test_a_dry_run_counts_and_runs_nothing(world, small: Settings, tracking_uri: str, capsys):
    count_grid([small("standard"), small("da_fusion", seeds="0,1"), small("diagen", seeds="0,1")])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    counts = {line[0]: line[2:5] for line in lines[1:4]}
    assert counts == {"standard": ["1", "0", "0"], "da_fusion": ["2", "6", "48"], "diagen": ["2", "0", "48"]}
    assert Tracker().finished_cells() == []
    assert world.made == 0


def test_what_is_only_counted_needs_no_key(world, small: Settings, tracking_uri: str, monkeypatch, capsys):
    """Running or fetching the grid asks for the language model's key before the first cell; counting does not."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    grid = [small("standard"), small("diagen", overrides=("prompts.source=openai",))]
    count_grid(grid)
    assert capsys.readouterr().out.splitlines()[2].split()[:5] == ["diagen", "squares", "1", "3", "24"]
    for begin in (run_grid, lambda grid: fetch_grid(grid, QUIET)):
        with pytest.raises(UserError, match="OPENAI_API_KEY"):
            begin(grid)
    assert Tracker().finished_cells() == []


def test_each_line_names_the_components_and_settings_that_tell_it_from_the_others(small: Settings, world, capsys):
    grid = [
        small("diagen", components="noise"),
        small("diagen", components="prompts"),
        small("diagen", overrides=("diagen.strength=0.3",)),
        small("diagen", overrides=("diagen.strength=0.9",)),
    ]
    jobs = [open_job(settings) for settings in grid]
    first, *lines = outlook([(job, job.cells) for job in jobs], []).splitlines()
    assert [line[: first.index("dataset")].strip() for line in lines[:4]] == [
        "diagen [noise]",
        "diagen [prompts]",
        "diagen strength=0.3",
        "diagen strength=0.9",
    ]
    assert "classifier.epochs=3" in lines[4]  # all runs have it, because `small` sets it


def test_the_time_is_estimated_from_finished_cells(world, small: Settings, tracking_uri: str):
    Path("mine.yaml").write_text("{}")
    job = open_job(small(preset="mine.yaml"))
    hint = "--rates benchmarks_perf/h100.json"
    text = outlook([(job, job.cells)], [])
    assert "unknown" in text and hint in text
    run_job(job, Tracker(), QUIET)
    finished = Tracker().finished_cells()
    text = outlook([(job, job.cells)], finished)
    assert "about 0 min" in text and hint not in text
    for other in (
        small(preset="mine.yaml", shots="2,4"),
        small(preset="mine.yaml", overrides=("classifier.epochs=9",)),
    ):
        job = open_job(other)
        assert "no finished cell with these settings at k = " in outlook([(job, job.cells)], finished)


def test_a_cell_that_found_its_images_in_the_store_says_nothing_of_the_time(world, small: Settings):
    job = open_job(small())
    cells = [
        Record({**job.tags, "shots": "2", "seed": seed}, {"seconds/generation": seconds}, 0)
        for seed, seconds in (("5", 3.0), ("6", 600.0), ("7", 4.0))
    ]
    assert "about 10 min" in outlook([(job, job.cells)], cells)


def test_hours_by_rates_are_those_of_a_hand_computation(small: Settings, world, rates_file: Path):
    inversion = [f"textual_inversion.{setting}" for setting in ("steps=500", "batch_size=8", "tries=2")]
    job = open_job(small("diagen", seeds="0,1", overrides=(*inversion, "diagen.steps=50")))
    hours = _hours(outlook_by_rates([(job, job.cells)], read_rates(rates_file)))
    words, images = 3 * 2, 2 * 6 * 4  # two seeds of three classes, two shots and four images from each
    assert hours["textual inversion"] == (words, pytest.approx(words * 2 * 36 / 3600, abs=0.005))
    assert hours["generation"] == (images, pytest.approx(images * 0.9 / 3600, abs=0.005))
    assert hours["total"][1] == pytest.approx(sum(h for name, (_, h) in hours.items() if name != "total"), abs=0.02)


def test_the_classifier_that_weights_images_is_counted(small: Settings, world):
    rates = Rates("file", "GPU", on_gpu=True, word=0, image=0, view=3600, head=3600, feature=0)

    def of(components: str) -> tuple[int, float]:
        overrides = ("guide_classifier.views_per_image=7", "guide_classifier.confidence_views=5")
        job = open_job(small("diagen", seeds="0,1", components=components, overrides=overrides))
        return _hours(outlook_by_rates([(job, job.cells)], rates))["classifiers"]

    (heads, hours), (heads_without, hours_without) = of("noise,prompts,weights"), of("noise,prompts")
    assert (heads, heads_without) == (2 * 2, 2)
    views = 2 * 6 * 7 + 2 * 6 * 4 * 5  # 7 views of each real image for two seeds, and 5 of each synthetic one
    assert hours - hours_without == views + 2


def test_the_views_of_a_classifier_are_those_that_it_trains_on_validates_and_tests(small: Settings, world):
    rates = Rates("file", "GPU", on_gpu=True, word=0, image=0, view=3600, head=0, feature=0)
    views = "classifier.views_per_image=7", "classifier.views_per_synthetic=3"
    job = open_job(small("da_fusion", seeds="0,1", overrides=views))
    plain = [
        example for task in job.tasks.values() for part in (task.validation, *task.tests.values()) for example in part
    ]
    hours = _hours(outlook_by_rates([(job, job.cells)], rates))["classifiers"][1]
    assert hours == 2 * 6 * 7 + 2 * 6 * 4 * 3 + len(plain)


def test_fewer_steps_without_guidance_take_less(small: Settings, world, rates_file: Path):
    rates = Rates("file", "GPU", on_gpu=True, word=0, image=3600, view=0, head=0, feature=0)

    def of(*overrides: str) -> float:
        job = open_job(small("diagen", overrides=overrides))
        return _hours(outlook_by_rates([(job, job.cells)], rates))["generation"][1]

    all_steps, unguided = of("diagen.steps=50"), of("diagen.steps=50", "diagen.guidance_scale=1")
    assert all_steps == pytest.approx(24)  # the setting at which the rate was measured
    assert unguided == pytest.approx(24 * (35 * 0.80 + 3.63) / (70 * 0.80 + 3.63), abs=0.01)


def test_jobs_share_words_and_test_images(small: Settings, world, rates_file: Path):
    jobs = [open_job(small(method)) for method in ("da_fusion", "diagen")]
    alone, both = (
        _hours(outlook_by_rates([(job, job.cells) for job in chosen], read_rates(rates_file)))
        for chosen in (jobs[:1], jobs)
    )
    assert both["textual inversion"] == alone["textual inversion"]
    assert both["features"][0] < 2 * alone["features"][0]


class TestOtherPeoplesMethods:
    """A method cannot use a service that it does not declare, so its cells include no cost for it."""

    @pytest.fixture
    def amounts(self, world, small: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, tuple]]:
        rates = Rates("file", "GPU", on_gpu=True, word=3600, image=3600, view=0, head=0, feature=0)

        def of(*services: str, before: tuple[str, ...] = (), method: type[Method] = DIAGen, **given: str):
            mine = type("Mine", (method,), {"services": services})
            monkeypatch.setattr(METHODS, "_plugins", {**METHODS._plugins, "mine": mine})
            jobs = [open_job(small(name, **given)) for name in (*before, "mine")]
            return _hours(outlook_by_rates([(job, job.cells) for job in jobs], rates))

        return of

    def test_words_are_learned_for_textual_inversion(self, amounts):
        assert amounts("generator", "features")["textual inversion"] == (0, 0)
        assert amounts("generator", "textual_inversion", "features")["textual inversion"][0] == 3

    def test_images_without_a_generator_take_it_no_time(self, amounts):
        assert amounts("features")["generation"] == (2 * 3 * 4, 0)

    def test_images_are_embedded_for_features(self, amounts):
        images, tested = 2 * 3 * 4, 2 * 18
        assert amounts("features")["features"][0] == images + tested
        assert amounts()["features"][0] == 0

    def test_a_method_without_features_embeds_no_test_images_for_those_after_it(self, amounts):
        assert amounts("features", before=("standard",))["features"] == amounts("features")["features"]

    def test_a_guide_classifier_is_trained_where_no_component_leaves_it_out(self, amounts):
        asked = ("guide_classifier", "features")
        assert amounts(*asked)["classifiers"][0] == 2
        assert amounts(*asked, components="noise,prompts")["classifiers"][0] == 1
        assert amounts(*asked, method=DAFusion)["classifiers"][0] == 2
        assert amounts("features")["classifiers"][0] == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("{", "is not a file of rates"),
        ("[]", "is not a file of rates"),
        ("[" * 100_000, "is not a file of rates"),
        (json.dumps({**CONTENT, "seconds": {"word": 10**400}}), "is not a file of rates"),
        (json.dumps({**CONTENT, "seconds": {"word": 1}}), "lacks 'image'"),
    ],
)
def test_a_file_that_is_no_file_of_rates_is_refused(tmp_path: Path, text: str | None, says: str):
    path = tmp_path / "rates.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=says) as refusal:
        read_rates(path)
    assert "benchmarks_perf" in str(refusal.value)


def test_rates_go_with_a_dry_run(rates_file: Path, capsys):
    assert main(["sweep", "--rates", str(rates_file)]) == 2
    assert "--dry-run" in capsys.readouterr().err


def test_the_whole_paper_is_counted_by_one_command(rates_file: Path, tracking_uri: str, monkeypatch, capsys):
    """This works without key, GPU, weights or datasets, whose published numbers of images are known."""
    for variable in ("OPENAI_API_KEY", "DIAGEN_DATA"):
        monkeypatch.delenv(variable, raising=False)
    assert main(["sweep", "--dry-run", "--preset", "paper", "--rates", str(rates_file)]) == 0
    printed = capsys.readouterr()
    counts = {part: count for part, (count, _) in _hours(printed.out).items()}
    classes, seeds, shots, generative = 10 + 23 + 80, 3, (2, 4, 8), 2
    images = generative * 10 * sum(shots) * classes * seeds
    tested = (19_735 + 368 + 4_952) * seeds
    standard_and_diagens_two = 3 + 1
    assert counts["textual inversion"] == classes * len(shots) * seeds
    assert counts["generation"] == images
    assert counts["classifiers"] == 3 * len(shots) * seeds * standard_and_diagens_two
    assert counts["features"] == images + tested
    assert "GPU-hours" in printed.out
    assert "Computed, not measured" in printed.out
    assert "focus is not on disk: using its published numbers of images" in printed.err


def test_only_what_is_published_is_counted_without_its_images(tracking_uri: str, monkeypatch, tmp_path: Path, capsys):
    """Published counts serve only for counting: a real sweep, or one with a split file, says what is missing."""
    monkeypatch.delenv("DIAGEN_DATA", raising=False)
    of_focus = ["sweep", "--datasets", "focus"]
    for command in (of_focus, [*of_focus, "--dry-run", "--split-file", "s.json"]):
        assert main(command) == 2
        assert capsys.readouterr().err.startswith("dataset focus: no data root given")
    assert main(["sweep", "--dry-run", "--datasets", "imagefolder"]) == 2
    assert capsys.readouterr().err.startswith("dataset imagefolder: no data root given")
    (tmp_path / "focus").mkdir()
    assert main([*of_focus, "--dry-run", "--data-root", str(tmp_path)]) == 2
    assert "annotations.db" in capsys.readouterr().err


def _hours(text: str) -> dict[str, tuple[int, float]]:
    """The count and the hours of each part."""
    found: dict[str, tuple[int, float]] = {}
    for line in text.splitlines()[1:6]:
        words = line.replace(",", "").split()
        numbers = [word for word in words if word.replace(".", "").isdigit()]
        name = "total" if words[0] == "total" else line[:20].strip()
        found[name] = (int(float(numbers[0])), float(numbers[-1]))
    return found
