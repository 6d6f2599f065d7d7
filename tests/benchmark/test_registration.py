"""An invalid method, dataset or setting is refused when it is registered, before anything reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from benchmark.settings import build_method, resolve_settings
from datasets.base import DATASETS
from datasets.errors import UserError
from methods.base import METHODS, Method
from methods.da_fusion import DAFusion
from tests.benchmark.conftest import Squares
from tests.benchmark.mirror import Mirror, of


class TestRegistration:
    """Registration says what a class lacks, so that no later reader fails with a traceback."""

    @pytest.mark.parametrize(
        ("name", "members", "complaint"),
        [
            ("mine", {"title": None}, "lacks its title"),
            ("mine", {"synthesize": Method.synthesize}, "lacks synthesize"),
            ("mine", {"services": ("featurs",)}, "services must be among generator, .* not featurs"),
            ("mine", {"components": ("noise",)}, "has components, but no field 'enabled'"),
            ("my.method", {}, "use letters, digits and underscores only"),
        ],
    )
    def test_a_class_that_is_no_method(self, methods, name: str, members: dict[str, object], complaint: str):
        with pytest.raises(TypeError, match=complaint):
            METHODS.register(name)(type("Mine", (Mirror,), members))

    def test_a_class_whose_fields_would_be_no_settings(self, methods):
        class Undecorated(Mirror):
            folds: ClassVar[int] = 3
            angle: float = 1.0

        with pytest.raises(TypeError, match="'mine': angle cannot be set: decorate its class with @dataclass"):
            methods(mine=Undecorated)
        methods(mine=dataclass(frozen=True)(Undecorated))

    def test_a_function_is_no_method(self, methods):
        with pytest.raises(TypeError, match=r"is not a class that extends methods.base.Method"):
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
            (Callable[[int], int], None, "one of its settings is not allowed"),
            (Path, Path("x"), "'own' is a Path: make it a string"),
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
