"""A tiny world to test the runner in: a dataset of coloured squares, a mean-colour backbone, a tinting generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.settings import RunSettings, resolve_settings
from datasets.base import DATASETS, Dataset, Example, Splits
from datasets.seeding import fingerprint
from methods.base import METHODS, Method
from methods.plan import PlanRow
from methods.settings import GeneratorSettings

COLOURS = {"apple": (200, 40, 40), "leaf": (40, 180, 60), "plum": (120, 40, 160)}


class Squares(Dataset):
    """Three classes that differ in colour; each image is noise around its class's colour."""

    title, source, licence = "Coloured squares", "drawn", "none"
    classes = tuple(COLOURS)
    slices = ("side",)

    def __init__(
        self,
        data_root: Path | None = None,
        unreadable: str = "refuse",
        *,
        tests: tuple[str, ...] = ("test", "uncommon"),
        limit: int | None = None,
    ) -> None:
        self.data_root = data_root
        self.tests = tests
        self.limit = limit

    def splits(self, seed: int) -> Splits:
        pools = tuple(self._examples(label, f"train{seed}", 8) for label in range(3))
        tests = {name: self._all(name) for name in self.tests}
        return Splits(pools, self._all("val"), tests)

    def load(self, example: Example) -> Image.Image:
        """Draw the image from its identifier alone, because labels may be corrected."""
        rng = np.random.default_rng(list(example.identifier.encode()))
        pixels = rng.normal(COLOURS[example.identifier.split("/")[0]], 60, (8, 8, 3))
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))

    def digest(self, example: Example) -> str:
        return fingerprint(example.identifier)

    def _all(self, name: str) -> tuple[Example, ...]:
        return tuple(example for label in range(3) for example in self._examples(label, name, 6))

    def _examples(self, label: int, name: str, count: int) -> tuple[Example, ...]:
        sides = ("left", "right")
        return tuple(Example(f"{self.classes[label]}/{name}/{i}", label, {"side": sides[i % 2]}) for i in range(count))


class MeanColour:
    """A backbone whose features are the mean and the spread of an image's colour."""

    fingerprint = "mean colour"
    dimension = 6
    batch_size = 32

    def embed_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for batch in batches:
            pixels = batch.reshape(len(batch), -1, 3).astype(np.float32) / 255
            yield np.concatenate([pixels.mean(1), pixels.std(1)], axis=1)

    def pixels(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image)


class Tint:
    """A generator that tints the guide by the row's seed and counts the images it makes."""

    fingerprint = "tint"
    word_dimension = 4
    folder = Path("tint")
    device, dtype = torch.device("cpu"), torch.float32
    compiled = False
    settings = GeneratorSettings("tint", 64)

    def __init__(self) -> None:
        self.made = 0
        self.stop_after = float("inf")
        self.longest_prompt = float("inf")

    def fits(self, prompt: str) -> bool:
        return len(prompt) < self.longest_prompt

    def generate(
        self,
        rows: Sequence[PlanRow],
        words: Mapping[str, Any],
        guides: Mapping[int, Image.Image],
    ) -> Iterator[tuple[int, Image.Image]]:
        for index, row in enumerate(rows):
            if self.made >= self.stop_after:
                raise KeyboardInterrupt
            rng = np.random.default_rng([row.seed, *words[row.word].view(np.uint32).tolist()])
            pixels = np.asarray(guides[row.guide], dtype=np.float64) + rng.normal(0, 20, 3)
            self.made += 1
            yield index, Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def learn_words(
    generator: Any,
    images: Sequence[Any],
    settings: Any,
    seeds: Sequence[int],
    on_progress: Any,
    nouns: Sequence[str],
    states: Any,
) -> np.ndarray:
    """Stand in for textual inversion: draw each word from its seed."""
    return np.stack([np.random.default_rng(seed).normal(size=4) for seed in seeds]).astype(np.float32)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Tint]:
    """Replace the real world with the tiny one, in a working directory of its own; yields its generator."""
    import evaluation.backbones
    import methods.generator
    import methods.textual_inversion

    tint = Tint()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(DATASETS, "_plugins", {**DATASETS._plugins, "squares": Squares})
    monkeypatch.setattr(evaluation.backbones, "load_backbone", lambda name, size, dtype: MeanColour())
    monkeypatch.setattr(methods.generator, "Generator", lambda settings: tint)
    monkeypatch.setattr(methods.textual_inversion, "learn_words", learn_words)
    monkeypatch.setattr("benchmark.job.check_services", lambda settings, method: None)
    yield tint


SMALL = (
    "log_classifier=false",
    "classifier.epochs=3",
    "classifier.iterations=20",
    "classifier.learning_rate=0.05",
    "classifier.views_per_image=2",
    "classifier.views_per_synthetic=1",
    "guide_classifier.epochs=2",
    "guide_classifier.iterations=10",
    "guide_classifier.views_per_image=2",
    "guide_classifier.confidence_views=2",
    "prompts.word_list=general",
)


@pytest.fixture
def small() -> Callable[..., RunSettings]:
    """Settings of a run on the squares that takes a moment; takes the arguments of `resolve_settings`."""

    def settings(method: str = "standard", overrides: tuple[str, ...] = (), **given: Any) -> RunSettings:
        own = (f"{method}.images_per_example=4",) if method != "standard" else ()
        arguments = {"dataset": "squares", "shots": "2", **given}
        return resolve_settings(method=method, overrides=(*SMALL, *own, *overrides), **arguments)

    return settings


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty MLflow store: creating one takes seconds, but copying it takes no time."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("mlflow")
    SqlAlchemyStore(f"sqlite:///{folder / 'empty.db'}", (folder / "artifacts").as_uri())
    return folder / "empty.db"


@pytest.fixture
def tracking_uri(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tracking store for this test alone, set as MLFLOW_TRACKING_URI."""
    database = tmp_path / "tracking.db"
    database.write_bytes(empty_database.read_bytes())
    uri = f"sqlite:///{database}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return uri


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Register methods by name, for the duration of the test."""
    monkeypatch.setattr(METHODS, "_plugins", dict(METHODS._plugins))

    def register(**own: type[Method]) -> None:
        for name, method in own.items():
            METHODS.register(name)(method)

    return register


@pytest.fixture
def new_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the default tracking store will be created; no environment variable names another."""
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mlflow.db"
