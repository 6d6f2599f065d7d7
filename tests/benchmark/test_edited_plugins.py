"""Third-party plugin files: an edited file leads to new runs, and errors in it are reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.job import open_job
from benchmark.plugins import load_plugins
from benchmark.progress import Stages
from benchmark.run_command import run_command
from benchmark.run_identity import settings_fingerprint
from benchmark.runner import missing_cells, run_job
from benchmark.settings import RunSettings, resolve_settings
from benchmark.tracking import Tracker
from datasets import plugins
from datasets.base import DATASETS
from datasets.errors import UserError
from evaluation.backbones import BACKBONES
from methods.base import METHODS
from methods.prompts.sources import PROMPT_SOURCES
from tests.benchmark.conftest import SMALL
from tests.benchmark.mirror import Mirror, of
from tests.benchmark.squares import fresh_tools, task

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


METHOD = """
from methods.base import METHODS
from methods.standard import Standard

@METHODS.register("mine")
class Mine(Standard):
    title = "{title}"
"""

SOURCE = """
from time import time_ns
from methods.prompts.sources import PROMPT_SOURCES, PromptSource

def write(noun, count, settings, seed, fits):
    return [f"{said}, at {{time_ns()}}, a <word>"] * count

PROMPT_SOURCES.register("own")(PromptSource(check=lambda settings: None, write=write))
"""

DATASET = """
from datasets.base import DATASETS
from tests.benchmark.conftest import Squares

@DATASETS.register("mine")
class Mine(Squares):
    def __init__(self, data_root=None, unreadable="refuse"):
        {}["species"]
"""


class TestEditedPlugins:
    @pytest.fixture(autouse=True)
    def registries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plugins, "_sources", {})
        for registry in (METHODS, BACKBONES, DATASETS, PROMPT_SOURCES):
            monkeypatch.setattr(registry, "_plugins", dict(registry._plugins))

    def load(self, file: Path, text: str, name: str, registry) -> None:
        """Load the file as a new process would, with nothing of it registered yet."""
        registry._plugins.pop(name, None)
        plugins._sources.clear()
        file.write_text(text)
        load_plugins(str(file))

    def test_its_cells_are_run_again_and_a_moved_files_are_not(self, world, tracking_uri: str, tmp_path: Path):
        self.load(tmp_path / "mine.py", METHOD.format(title="first"), "mine", METHODS)
        run_job(open_job(of("mine")), Tracker(), QUIET)
        self.load(tmp_path / "moved.py", METHOD.format(title="first"), "mine", METHODS)
        assert missing_cells(open_job(of("mine")), Tracker()) == []
        self.load(tmp_path / "mine.py", METHOD.format(title="second"), "mine", METHODS)
        assert missing_cells(open_job(of("mine")), Tracker()) == [(2, 0)]

    def test_what_a_plugin_extends_is_part_of_it(self, tmp_path: Path):
        marks = []
        for title in ("first", "second"):
            self.load(tmp_path / "mine.py", METHOD.format(title=title), "mine", METHODS)
            base = METHODS["mine"]
            METHODS._plugins["extended"] = type("Extended", (base,), {})
            marks.append(settings_fingerprint(resolve_settings(method="extended")))
        assert len(set(marks)) == 2

    def test_the_projects_own_keep_their_addresses(self):
        """They keep those of the last release: updating a plugin must not make finished runs look unfinished."""
        before = settings_fingerprint(resolve_settings(method="standard"))
        METHODS._plugins["unused"] = Mirror
        assert settings_fingerprint(resolve_settings(method="standard")) == before

    def test_an_edited_backbone_makes_other_runs_of_the_methods_that_use_it(self, tmp_path: Path):
        """Features only measure images, so a method that makes no images is not affected."""
        text = "from evaluation.backbones import BACKBONES\nBACKBONES.register('own')(lambda: {number})\n"
        marks: dict[str, set[str]] = {"standard": set(), "diagen": set()}
        for number in (1, 2):
            self.load(tmp_path / "own.py", text.format(number=number), "own", BACKBONES)
            for method, its in marks.items():
                overrides = ("features.name=own",)
                its.add(settings_fingerprint(resolve_settings(method=method, overrides=overrides)))
        assert {method: len(its) for method, its in marks.items()} == {"standard": 1, "diagen": 2}

    def test_an_edited_source_of_prompts_makes_other_runs_of_the_methods_that_use_it(
        self, world, small: Settings, tmp_path: Path
    ):
        """It also writes new prompts: its prompts are cached, like a language model's, until the source changes."""
        given = {"overrides": ("prompts.source=own",)}
        marks: dict[str, list[str]] = {"da_fusion": [], "diagen": []}
        written = []
        for said in ("first", "first", "second"):
            self.load(tmp_path / "own.py", SOURCE.format(said=said), "own", PROMPT_SOURCES)
            for method, its in marks.items():
                its.append(settings_fingerprint(small(method, **given)))
            written.append(fresh_tools(small("diagen", **given)).prompts(task(), 1)[0])
        assert [len(set(its)) for its in marks.values()] == [1, 2]
        assert written[0] == written[1] != written[2]

    def test_features_of_an_edited_backbone_are_others(self, tmp_path: Path):
        from evaluation.backbones import load_backbone

        text = """
from evaluation.backbones import BACKBONES

@BACKBONES.register("own")
def own():
    from torch import nn
    from evaluation.frozen import Network, weights_digest
    module = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.{last}())
    return Network(module, (0.5,) * 3, (0.5,) * 3, "bilinear", weights_digest(module))
"""
        marks = []
        for last in ("Flatten", "Flatten", "Flatten(1) and nn.Flatten"):
            self.load(tmp_path / "own.py", text.format(last=last), "own", BACKBONES)
            marks.append(load_backbone("own", 32).fingerprint)
        assert marks[0] == marks[1] != marks[2]

    def test_a_file_may_be_given_twice(self, tmp_path: Path):
        (tmp_path / "mine.py").write_text(METHOD.format(title="twice"))
        load_plugins(f"{tmp_path / 'mine.py'}, {tmp_path / '.' / 'mine.py'}")
        assert METHODS["mine"].title == "twice"

    def test_a_file_that_may_not_be_read_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def refuse(_path: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        (tmp_path / "mine.py").write_text("")
        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(UserError, match=r"plugin file .*mine\.py cannot be read \(Permission denied\)"):
            load_plugins(str(tmp_path / "mine.py"))

    def test_a_file_is_found_in_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "mine.py").write_text(METHOD.format(title="at home"))
        load_plugins("~/mine.py")
        assert METHODS["mine"].title == "at home"

    def test_a_file_may_be_loaded_again_as_a_cell_of_a_notebook_is(self, tmp_path: Path):
        file = tmp_path / "mine.py"
        file.write_text(METHOD.format(title="first"))
        load_plugins(str(file))
        first = METHODS["mine"]
        load_plugins(str(file))
        assert METHODS["mine"] is first
        file.write_text(METHOD.format(title="second"))
        with pytest.raises(UserError, match=r"mine\.py fails: ValueError: method 'mine' is registered twice"):
            load_plugins(str(file))

    def test_what_a_methods_own_code_raises_is_told_in_a_line(self, tmp_path: Path):
        text = METHOD.format(title="mine") + "\n    def __post_init__(self): float('much')\n"
        decorated = text.replace("class Mine", "@dataclass\nclass Mine")
        self.load(tmp_path / "mine.py", "from dataclasses import dataclass" + decorated, "mine", METHODS)
        with pytest.raises(UserError) as refusal:
            open_job(resolve_settings(method="mine"))
        file = tmp_path / "mine.py"
        assert str(refusal.value) == (
            f"method mine: {file}, line 10, fails (ValueError: could not convert string to float: 'much')"
        )

    def test_what_a_datasets_own_code_raises_is_told_in_a_line(self, tmp_path: Path):
        self.load(tmp_path / "data.py", DATASET, "mine", DATASETS)
        with pytest.raises(UserError, match=r"^dataset mine: .*data\.py, line 8, fails \(KeyError: 'species'\)$"):
            open_job(resolve_settings(method="standard", dataset="mine"))

    def test_errors_of_the_projects_own_code_keep_their_traceback(self, world, monkeypatch: pytest.MonkeyPatch):
        def broken(self: object, data_root: Path | None = None, unreadable: str = "refuse") -> None:
            raise KeyError("species")

        monkeypatch.setattr(DATASETS["squares"], "__init__", broken)
        with pytest.raises(KeyError):
            open_job(resolve_settings(method="standard", dataset="squares"))

    def test_the_command_of_its_runs_names_the_file(self, world, tracking_uri: str, tmp_path: Path):
        self.load(tmp_path / "mine.py", METHOD.format(title="first"), "mine", METHODS)
        settings = resolve_settings(method="mine", dataset="squares", shots="2", plugins="mine.py", overrides=SMALL)
        run_job(open_job(settings), Tracker(), QUIET)
        (cell,) = Tracker().cells()
        assert " --plugins mine.py " in run_command(cell, [2], [0], "")
