"""The whole path with real parts: generator, textual inversion, prompts, guide classifier, backbone, MLflow."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]

SETTINGS = (
    "classifier.image_size=32 features.image_size=32 classifier.epochs=2 classifier.iterations=5 "
    "classifier.views_per_image=2 classifier.views_per_synthetic=1 guide_classifier.epochs=1 "
    "guide_classifier.iterations=5 guide_classifier.views_per_image=2 guide_classifier.confidence_views=1 "
    "generator.resolution=32 textual_inversion.steps=2 prompts.word_list=words.yaml features.neighbours=2 "
    "diagen.images_per_example=3 diagen.prompts_per_class=3 diagen.steps=4"
)


def methods_conftest() -> ModuleType:
    """The methods' tests can build a tiny random checkpoint."""
    spec = importlib.util.spec_from_file_location("methods_conftest", ROOT / "tests" / "methods" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny checkpoint and a tiny image folder of two classes."""
    from diffusers import DDIMScheduler

    folder = tmp_path_factory.mktemp("work")
    scheduler = DDIMScheduler(prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False)
    methods_conftest()._tiny_pipeline(scheduler).save_pretrained(folder / "checkpoint")
    words = "adjectives: [large, small]\nlocations: [on grass, in snow]\nweathers: [in snow]\ntimes: [at night]\n"
    (folder / "words.yaml").write_text(words)
    for split, count in (("train", 10), ("test", 4)):
        for noun, colour in (("car", (200, 40, 40)), ("bird", (40, 80, 200))):
            path = folder / "photos" / split / noun
            path.mkdir(parents=True)
            for number in range(count):
                noise = Image.effect_noise((32, 32), 40 + number).convert("RGB")
                Image.blend(noise, Image.new("RGB", (32, 32), colour), 0.5).save(path / f"{number}.png")
    return folder


def benchmark(folder: Path, database: Path, store: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"MLFLOW_TRACKING_URI": f"sqlite:///{database}", "DIAGEN_STORE": store, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmark", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **own})


@pytest.mark.slow
def test_diagen_from_photos_to_leaderboard_and_the_same_figures_again(workplace: Path, empty_database: Path):
    rows = []
    for name in ("first", "second"):
        database = workplace / f"{name}.db"
        database.write_bytes(empty_database.read_bytes())
        options = ("--method", "diagen", "--dataset", "imagefolder", "--shots", "3", "--data-root", "photos")
        checkpoint = f"generator.checkpoint={workplace / 'checkpoint'}"
        done = benchmark(workplace, database, name, "run", *options, "--set", SETTINGS, "--set", checkpoint)
        assert done.returncode == 0, done.stderr
        shown = benchmark(workplace, database, name, "leaderboard", "--format", "json")
        (row,) = json.loads(shown.stdout)
        rows.append({key: value for key, value in row["metrics"].items() if "second" not in key})
    assert rows[0] == rows[1]
    assert {"accuracy/val", "accuracy/test", "recall/class_mean", "precision/pooled"} <= set(rows[0])
    assert len(list((workplace / "first" / "images").rglob("*.png"))) == 2 * 3 * 3
