"""Methods of other people: what they make without a generator, and what of theirs is refused or noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from benchmark.checks import check_services
from benchmark.cli import main
from benchmark.job import open_job
from benchmark.plugins import load_plugins
from benchmark.progress import Stages
from benchmark.run_command import run_command
from benchmark.run_identity import settings_fingerprint
from benchmark.runner import missing_cells, run_job
from benchmark.settings import RunSettings, build_method, resolve_settings
from benchmark.synthetic_checks import check_synthetic
from benchmark.tracking import Tracker
from datasets import plugins
from datasets.base import DATASETS
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from evaluation.backbones import BACKBONES
from methods.base import METHODS, Method, SyntheticSet, Tools
from methods.da_fusion import DAFusion
from methods.prompts.sources import PROMPT_SOURCES
from tests.benchmark.conftest import SMALL, Squares
from tests.benchmark.squares import fresh_tools, plan, task

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


@dataclass(frozen=True)
class Mirror(Method):
    """Each photo mirrored, or all white: no generator has a part in it."""

    title = "Mirrored photos"
    paper = "nobody's"
    services = ("features",)

    brightness: float = 0.0
    blank: bool = False
    synthetic_probability: float = 0.5

    def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
        return tools.keep(task, ((guide, self._image(task, guide)) for guide in range(len(task.train))))

    def _image(self, task: FewShotTask, guide: int) -> Image.Image:
        photo = task.image(task.train[guide])
        return Image.new("RGB", photo.size, "white") if self.blank else photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Registers methods by name, for the test alone."""
    monkeypatch.setattr(METHODS, "_plugins", dict(METHODS._plugins))

    def register(**own: type[Method]) -> None:
        for name, method in own.items():
            METHODS.register(name)(method)

    return register


def of(method: str, *overrides: str) -> RunSettings:
    return resolve_settings(method=method, dataset="squares", shots="2", overrides=(*SMALL, *overrides))


class TestImagesWithoutAGenerator:
    def test_they_are_kept_by_what_they_show(self, world, small: Settings):
        red, blue = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
        tools = fresh_tools(small("da_fusion"))
        kept = tools.keep(task(), iter([(0, red), (3, blue), (5, red.convert("P"))])).images
        assert [(image.guide, image.label) for image in kept] == [(0, 0), (3, 1), (5, 2)]
        assert kept[0].path == kept[2].path != kept[1].path
        assert [np.asarray(image.load())[0, 0].tolist() for image in kept] == [[255, 0, 0], [0, 0, 255], [255, 0, 0]]
        assert {(image.weight, image.row.steps, image.row.prompt) for image in kept} == {(1.0, 0, "")}

    def test_equal_bytes_of_another_shape_are_another_image(self, world, small: Settings):
        wide, tall = Image.new("RGB", (8, 2)), Image.new("RGB", (2, 8))
        first, second = fresh_tools(small("da_fusion")).keep(task(), [(0, wide), (0, tall)]).images
        assert first.path != second.path

    def test_a_guide_that_is_no_training_image_is_refused(self, world, small: Settings):
        with pytest.raises(UserError, match=r"guide 6: guides are indices into task.train, 0 to 5"):
            fresh_tools(small("da_fusion")).keep(task(), [(6, Image.new("RGB", (4, 4)))])

    @pytest.mark.parametrize(
        ("images", "complaint"),
        [
            (None, "nothing: it takes pairs of a guide and its image"),
            ([None], "nothing: it takes pairs of a guide and its image"),
            ([(0,)], "a tuple: it takes pairs of a guide and its image"),
            ([("0", Image.new("RGB", (4, 4)))], "an image of guide '0': guides are indices into task.train, 0 to 5"),
            ([(0.0, Image.new("RGB", (4, 4)))], "an image of guide 0.0: guides are indices"),
            ([(0, np.zeros((4, 4, 3), np.uint8))], "a ndarray in place of Pillow's image: Image.fromarray makes one"),
            ([(0, Image.new("RGB", (0, 8)))], "an image of 0 × 8 pixels"),
        ],
    )
    def test_what_is_no_image_of_a_guide_is_refused(self, world, small: Settings, images: object, complaint: str):
        with pytest.raises(UserError, match=f"method gives tools.keep.* {complaint}"):
            fresh_tools(small("da_fusion")).keep(task(), images)  # type: ignore[arg-type]

    def test_a_guide_may_be_a_number_of_numpys(self, world, small: Settings):
        kept = fresh_tools(small("da_fusion")).keep(task(), [(np.int64(3), Image.new("RGB", (4, 4)))]).images  # type: ignore[list-item]
        assert [image.guide for image in kept] == [3]

    def test_they_are_trained_on_measured_and_exported(self, world, tracking_uri: str, methods, tmp_path: Path):
        methods(mirror=Mirror)
        for overrides in ((), ("mirror.blank=true",)):
            run_job(open_job(of("mirror", *overrides)), Tracker(), QUIET)
        figures = {cell.metrics["frechet_distance/pooled"] for cell in Tracker().cells()}
        assert len(figures) == 2, "other images have other figures"
        assert main(["export", "--out", str(tmp_path / "out")]) == 0
        photos = kept = 6
        assert len(list((tmp_path / "out").glob("*/*.png"))) == photos + kept

    def test_nothing_of_the_generator_is_asked_for(self, world, methods, caplog):
        methods(mirror=Mirror)
        settings = of("mirror", "generator.checkpoint=nowhere/at all", "prompts.source=openai")
        check_services(settings, build_method(settings))
        with pytest.raises(UserError, match="nowhere"):
            check_services(replace(settings, method="da_fusion"), build_method(of("da_fusion")))


class TestWhatAMethodReturns:
    def images(self, small: Settings) -> SyntheticSet:
        return fresh_tools(small("diagen")).generate(task(), plan())

    def check(self, synthetic: object, method: Method | None = None) -> None:
        store = fresh_tools(of("diagen")).store
        check_synthetic("mine", method or Mirror(), task(), synthetic, store)  # type: ignore[arg-type]

    def test_what_the_services_made_is_fine(self, world, small: Settings, caplog):
        self.check(self.images(small))
        assert not caplog.records

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            (lambda image: replace(image, weight=float("nan")), r"image 1 of 6: its weight nan must be a number"),
            (lambda image: replace(image, weight="1"), r"its weight '1' must be a number"),
            (lambda image: replace(image, weight=None), r"its weight None must be a number"),
            (lambda image: replace(image, weight=10**400), r"its weight 10{38,40} must be a number"),
            (lambda image: replace(image, row=None), "its row is no PlanRow but nothing"),
            (lambda image: replace(image, row=replace(image.row, guide="0")), "its guide '0' is no index"),
            (lambda image: replace(image, path="0.png"), "0.png does not lie in the store"),
            (lambda image: replace(image, weight=-1.0), r"its weight -1.0 must be a number, and not negative"),
            (
                lambda image: replace(image, row=replace(image.row, guide=6)),
                "its guide 6 is no index into task.train, 0",
            ),
            (lambda image: replace(image, row=replace(image.row, label=2)), "its label 2 is not its guide's, 0"),
            (lambda image: replace(image, path=Path("0.png")), r"0.png does not lie in the store: give images to"),
            (lambda image: None, "is no SyntheticImage but nothing"),
        ],
    )
    def test_an_image_that_would_give_other_figures_is_refused(self, world, small: Settings, change, complaint: str):
        images = list(self.images(small).images)
        images[1] = change(images[1])
        with pytest.raises(UserError, match=complaint):
            self.check(SyntheticSet(tuple(images)))

    @pytest.mark.parametrize(("returned", "kind"), [(None, "nothing"), ([], "a list")])
    def test_anything_but_a_set_is_refused(self, world, returned: object, kind: str):
        with pytest.raises(UserError, match=f"'mine' must return a SyntheticSet from synthesize, not {kind}"):
            self.check(returned)

    def test_a_generator_in_place_of_a_tuple_is_refused(self, world):
        with pytest.raises(UserError, match="method 'mine': the images of its SyntheticSet are a tuple, not a gener"):
            self.check(SyntheticSet(image for image in ()))  # type: ignore[arg-type]

    def test_images_that_train_nothing_are_warned_of(self, world, small: Settings, caplog):
        made = self.images(small)
        self.check(made, Mirror(synthetic_probability=0.0))
        self.check(made.weighted([0.0] * 6))
        self.check(SyntheticSet())
        assert caplog.messages == [
            "mine: synthetic_probability is 0, so that none of its images is trained on",
            "mine: all of its images weigh 0, so that none is trained on",
            "mine made no images: the classifier is trained on real ones alone",
        ]


def test_a_service_that_is_not_declared_is_refused(world, methods):
    """Its settings would make no other run: a sweep would take figures of other prompts for its own."""

    @dataclass(frozen=True)
    class Prompted(DAFusion):
        def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
            tools.prompts(task, 2)
            return super().synthesize(task, tools)

    methods(prompted=Prompted)
    settings = of("prompted")
    with pytest.raises(UserError, match="'prompted' asks for 'prompts': add 'prompts' to `services` of its class"):
        build_method(settings).synthesize(task(), fresh_tools(settings))


@pytest.mark.parametrize("ask", ["textual_inversion", "generate", "keep"])
def test_images_that_could_not_be_measured_are_refused_before_any_work(world, methods, ask: str):
    @dataclass(frozen=True)
    class Unmeasured(DAFusion):
        services = ("generator", "textual_inversion")

        def synthesize(self, task: FewShotTask, tools: Tools) -> SyntheticSet:
            if ask == "generate":
                return tools.generate(task, plan())
            if ask == "keep":
                return tools.keep(task, (pytest.fail("an image was made") for _ in task.train))
            return super().synthesize(task, tools)

    methods(unmeasured=Unmeasured)
    settings, tools = of("unmeasured"), fresh_tools(of("unmeasured"))
    with pytest.raises(UserError, match="'unmeasured' makes images, which are measured: add 'features' to `services`"):
        build_method(settings).synthesize(task(), tools)
    assert world.made == 0
    assert not list(tools.store.folder.rglob("*.npy"))


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
        """As a new process would: nothing of the file is registered yet."""
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
        """Of the last release: an update of plugins must not make finished runs look unfinished."""
        before = settings_fingerprint(resolve_settings(method="standard"))
        METHODS._plugins["unused"] = Mirror
        assert settings_fingerprint(resolve_settings(method="standard")) == before

    def test_an_edited_backbone_makes_other_runs_of_the_methods_that_use_it(self, tmp_path: Path):
        """Features measure images: a method that makes none stays what it was."""
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
        """And other prompts: what a source wrote is kept, as a language model's is, for as long as it is the same."""
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


class TestRegistration:
    """What a class lacks is said as it registers itself, not by a traceback of whatever reads it first."""

    @pytest.mark.parametrize(
        ("name", "members", "complaint"),
        [
            ("mine", {"title": None}, "lacks its title"),
            ("mine", {"synthesize": Method.synthesize}, "lacks synthesize"),
            ("mine", {"services": ("featurs",)}, "services are of generator, .* not featurs"),
            ("mine", {"components": ("noise",)}, "has components, but no field for those that are on: 'enabled'"),
            ("my.method", {}, "a name is of letters, digits and underscores"),
        ],
    )
    def test_a_class_that_is_no_method(self, methods, name: str, members: dict[str, object], complaint: str):
        with pytest.raises(TypeError, match=complaint):
            METHODS.register(name)(type("Mine", (Mirror,), members))

    def test_a_class_whose_fields_would_be_no_settings(self, methods):
        class Undecorated(Mirror):
            folds: ClassVar[int] = 3
            angle: float = 1.0

        with pytest.raises(TypeError, match="'mine': angle would be no setting: decorate its class with @dataclass"):
            methods(mine=Undecorated)
        methods(mine=dataclass(frozen=True)(Undecorated))

    def test_a_function_is_no_method(self, methods):
        with pytest.raises(TypeError, match=r"is no class that extends methods.base.Method"):
            METHODS.register("mine")(lambda task: task)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["classifier", "imagefolder"])
    def test_a_name_whose_settings_are_something_elses(self, methods, name: str):
        methods(**{name: Mirror})
        with pytest.raises(UserError, match=f"method '{name}' needs another name"):
            resolve_settings(method="standard")

    def test_a_dataset_whose_settings_would_be_something_elses(self, monkeypatch):
        monkeypatch.setitem(DATASETS._plugins, "prompts", Squares)
        with pytest.raises(UserError, match="dataset 'prompts' needs another name"):
            resolve_settings(method="standard")

    @pytest.mark.parametrize(
        ("annotation", "default", "complaint"),
        [
            (Callable[[int], int], None, "one of its own settings cannot be one"),
            (Path, Path("x"), "'own' is a Path: make it a text"),
        ],
    )
    def test_a_field_that_cannot_be_set(self, methods, annotation: object, default: object, complaint: str):
        own = type("Own", (Mirror,), {"__annotations__": {"own": annotation}, "own": default})
        methods(mine=dataclass(frozen=True)(own))
        with pytest.raises(UserError, match=f"method 'mine': .*{complaint}"):
            resolve_settings(method="standard")

    def test_a_setting_of_a_dataset_without_annotation(self, monkeypatch):
        class Untyped(Squares):
            def __init__(self, data_root=None, unreadable="refuse", *, breed="all") -> None:
                super().__init__(data_root, unreadable)

        monkeypatch.setattr(DATASETS, "_plugins", {**DATASETS._plugins, "untyped": Untyped})
        with pytest.raises(UserError, match=r"dataset 'untyped': .*'breed' lacks its annotation"):
            resolve_settings(method="standard")


class TestAMethodsOwnNumbers:
    def test_of_a_subclass_are_told_by_its_name(self, world, methods):
        methods(narrow=dataclass(frozen=True)(type("Narrow", (DAFusion,), {})))
        with pytest.raises(UserError, match=r"^narrow\.guidance_scale must be at least 1, got 0\.5"):
            build_method(of("narrow", "narrow.guidance_scale=0.5"))

    @pytest.mark.parametrize("number", ["0", "-1.5", "7"])
    def test_may_be_any(self, world, methods, number: str):
        methods(mirror=Mirror)
        assert build_method(of("mirror", f"mirror.brightness={number}")).brightness == float(number)  # type: ignore[attr-defined]

    @pytest.mark.parametrize("setting", ["brightness=.inf", "brightness=.nan", "synthetic_probability=1.5"])
    def test_are_numbers_and_mean_what_the_fields_terms_mean(self, world, methods, setting: str):
        methods(mirror=Mirror)
        with pytest.raises(UserError, match=f"'mirror.{setting.split('=')[0]}' is"):
            of("mirror", f"mirror.{setting}")
