"""The image grid."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmark.image_grid import ACCENT, PAPER, TILE, _font, image_grid
from datasets.base import DATASETS
from datasets.few_shot import few_shot_task
from methods.base import SyntheticImage, SyntheticSet
from methods.plan import PlanRow


def test_guides_stand_beside_their_synthetics(world, tmp_path):
    task = few_shot_task("squares", DATASETS["squares"](), 2, 0)
    images = []
    for guide, example in enumerate(task.train):
        for number in range(3):
            path = tmp_path / f"{guide}-{number}.png"
            Image.new("RGB", (8, 8), (0, 0, 10 * (guide + 1))).save(path)
            row = PlanRow(guide, example.label, "a photo of a <word> in the snow " * 4, "w", 0.5, 7.5, 50, 1, 0.01)
            images.append(SyntheticImage(row, path, 0.25))
    figure = image_grid(task, SyntheticSet(tuple(images)))
    pixels = np.asarray(figure).reshape(-1, 3)
    assert figure.width > 5 * TILE
    assert figure.height > 3 * TILE
    for colour in ((0, 0, 10), (0, 0, 30), (0, 0, 50)):  # the first guide of each class, with its synthetic images
        assert (pixels == colour).all(axis=1).sum() == 3 * TILE * TILE
    for name in (PAPER, ACCENT):
        colour = tuple(int(name[i : i + 2], 16) for i in (1, 3, 5))
        assert (pixels == colour).all(axis=1).any()


def test_a_guide_has_its_classs_shown_name_and_a_prompt_the_noun(world, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(DATASETS["squares"], "display_names", ("Äpfel und andere runde Früchte", "Blatt", "Pflaume"))
    written: list[str] = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda self, place, text, **look: written.append(text))
    task = few_shot_task("squares", DATASETS["squares"](), 1, 0)
    path = tmp_path / "made.png"
    Image.new("RGB", (8, 8)).save(path)
    rows = [PlanRow(guide, e.label, "a <word>", "w", 0.5, 7.5, 50, 1, 0.0) for guide, e in enumerate(task.train)]
    figure = image_grid(task, SyntheticSet(tuple(SyntheticImage(row, path, 1.0) for row in rows)))
    assert figure.height > 3 * TILE
    assert [text for text in written if text][2:] == [
        "Äpfel und andere\nrunde Früchte",
        "a apple",
        "Blatt",
        "a leaf",
        "Pflaume",
        "a plum",
    ]


def test_letters_beyond_english_are_drawn():
    """A font draws the same box for every letter that it lacks."""
    drawn = {bytes(_font(20).getmask(letter)) for letter in "ÄÖéøЖλ"}
    assert len(drawn) == 6
