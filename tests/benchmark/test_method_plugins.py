"""Third-party methods: what they can make without a generator, and which of their errors are refused or reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.checks import check_services
from benchmark.cli import main
from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.runner import run_job
from benchmark.settings import RunSettings, build_method
from benchmark.synthetic_checks import check_synthetic
from benchmark.tracking import Tracker
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from methods.base import Method, SyntheticSet, Tools
from methods.da_fusion import DAFusion
from tests.benchmark.mirror import Mirror, of
from tests.benchmark.squares import fresh_tools, plan, task

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


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
            (None, "nothing, but it takes pairs of a guide and its image"),
            ([None], "nothing, but it takes pairs of a guide and its image"),
            ([(0,)], "a tuple, but it takes pairs of a guide and its image"),
            ([("0", Image.new("RGB", (4, 4)))], "an image of guide '0': guides are indices into task.train, 0 to 5"),
            ([(0.0, Image.new("RGB", (4, 4)))], "an image of guide 0.0: guides are indices"),
            ([(0, np.zeros((4, 4, 3), np.uint8))], "a ndarray instead of a Pillow image: Image.fromarray makes one"),
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
            (lambda image: replace(image, row=None), "its row is not a PlanRow but nothing"),
            (lambda image: replace(image, row=replace(image.row, guide="0")), "its guide '0' is not an index"),
            (lambda image: replace(image, path="0.png"), "0.png is not in the store"),
            (lambda image: replace(image, weight=-1.0), r"its weight -1.0 must be a number and not negative"),
            (
                lambda image: replace(image, row=replace(image.row, guide=6)),
                "its guide 6 is not an index into task.train, 0",
            ),
            (lambda image: replace(image, row=replace(image.row, label=2)), "its label 2 is not 0, its guide's"),
            (lambda image: replace(image, path=Path("0.png")), r"0.png is not in the store: give images to"),
            (lambda image: None, "is not a SyntheticImage but nothing"),
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
        with pytest.raises(
            UserError, match="method 'mine': the images of its SyntheticSet must be a tuple, not a gener"
        ):
            self.check(SyntheticSet(image for image in ()))  # type: ignore[arg-type]

    def test_images_that_train_nothing_are_warned_of(self, world, small: Settings, caplog):
        made = self.images(small)
        self.check(made, Mirror(synthetic_probability=0.0))
        self.check(made.weighted([0.0] * 6))
        self.check(SyntheticSet())
        assert caplog.messages == [
            "mine: synthetic_probability is 0, so none of its images is trained on",
            "mine: all of its images have weight 0, so none is trained on",
            "mine made no images: the classifier is trained on real images alone",
        ]


def test_a_service_that_is_not_declared_is_refused(world, methods):
    """Its settings would not count as part of the run, so a sweep would reuse results from other prompts."""

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
