"""Runs whose prompts come from a file: how they are identified, what is refused, and replaying an earlier run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.augmented_folder import PROVENANCE
from benchmark.export import export_cell
from benchmark.job import Job, open_job
from benchmark.progress import Stages
from benchmark.records import PLAN
from benchmark.runner import missing_cells, run_job
from benchmark.selection import comparable
from benchmark.settings import RunSettings
from benchmark.store import Store
from benchmark.tracking import PROMPTS, Tracker
from datasets.errors import UserError
from methods.prompts import template

Settings = Callable[..., RunSettings]


def run(job: Job) -> None:
    run_job(job, Tracker(), Stages(quiet=True))


@pytest.fixture
def reading(small: Settings) -> Callable[..., Job]:
    """Open a DIAGen job with two prompts per class from this file, which is written first if a text is given."""

    def job(path: str, text: str = "", *overrides: str, **given: str) -> Job:
        if text:
            Path(path).write_text(text)
        own = ("diagen.prompts_per_class=2", "prompts.source=file", f"prompts.file={path}")
        return open_job(small("diagen", overrides=(*own, *overrides), **given))

    return job


def table(classes: str = "apple leaf plum", places: str = "indoors outdoors") -> str:
    lines = [f"{noun};a photo of a <name> {place}" for noun in classes.split() for place in places.split()]
    return "\n".join(["class_name;prompt", *lines])


def test_all_seeds_share_a_files_prompts_and_runs_are_known_by_what_it_says(
    world, reading: Callable[..., Job], tracking_uri: str, monkeypatch
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    first = reading("a.csv", table(), seeds="0,1")
    run(first)
    cells = Tracker().finished_cells()
    wanted = {f"a photo of a <word> {place}" for place in ("indoors", "outdoors")}
    assert [set(cell.tables[PLAN]["prompt"]) for cell in cells] == [wanted, wanted]
    assert {cell.tags[PROMPTS] for cell in cells} == {first.tags[PROMPTS]}
    assert "prompts.file=a.csv prompts.source=file" in cells[0].tags["overrides"]
    assert missing_cells(reading("moved.csv", table(), seeds="0,1"), Tracker()) == []
    assert missing_cells(reading("other.csv", table(places="here there")), Tracker()) == [(2, 0)]


def test_an_edited_word_list_makes_other_runs(world, small: Settings, tracking_uri: str):
    """No mean may mix seeds of one word list with seeds of the other."""

    def drawn(weather: str, path: str = "words.yaml") -> Job:
        template.word_list.cache_clear()  # as in a new process
        Path(path).write_text(f"{{adjectives: [red], locations: [], weathers: [in {weather}], times: []}}")
        overrides = ("diagen.prompts_per_class=2", "prompts.source=template", f"prompts.word_list={path}")
        return open_job(small("diagen", overrides=overrides))

    run(drawn("rain"))
    assert missing_cells(drawn("rain"), Tracker()) == []
    run(drawn("snow"))
    (group,) = comparable(Tracker().cells())
    assert len(group.records) == 1


def test_a_class_without_prompts_is_told_before_anything_runs(world, reading: Callable[..., Job]):
    with pytest.raises(UserError, match=r"p\.csv has 0 usable prompts for class 'plum' where 2 are needed"):
        reading("p.csv", table("apple leaf"))
    reading("missing.csv", "", components="noise")


def test_runs_that_read_no_file_are_known_as_without_one(world, small: Settings):
    plain, named = (open_job(small("diagen", overrides=overrides)) for overrides in ((), ("prompts.file=p.csv",)))
    assert plain.tags[PROMPTS] == ""
    assert {**named.tags, "overrides": plain.tags["overrides"]} == plain.tags


def test_the_prompts_of_an_export_make_its_images_again(
    world, small: Settings, reading: Callable[..., Job], tracking_uri: str
):
    run(open_job(small("diagen", overrides=("diagen.prompts_per_class=2",))))
    (drawn,) = Tracker().finished_cells()
    export_cell(drawn, Store(), Path("augmented"))
    run(reading(f"augmented/{PROVENANCE}"))
    again, _ = Tracker().finished_cells()
    assert again.tables[PLAN] == drawn.tables[PLAN]
