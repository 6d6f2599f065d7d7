"""Figures of pictures: the right tiles in the right places."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.figures import MissingRuns
from tests.benchmark.figures.cells import COLOURS, cell, drawn, pictures, rows


def shown(drawing) -> list[tuple[int, ...]]:
    """The colours of the pictures, in drawing order."""
    arrays = [np.asarray(image.get_array()) for axes in drawing.figure.axes for image in axes.images]
    return [tuple(int(value) for value in array[1, 1, :3]) for array in arrays]


def test_images_shows_both_methods_under_the_same_real_image():
    one = pictures({"cat": [{"prompt": "a"}, {"prompt": "b"}]})
    two = pictures({"cat": [{"prompt": "c", "weight": 0.5}]})
    drawing = drawn("images", cell("da_fusion", **one), cell("diagen", **two), cell("standard"))
    guide, first, second = COLOURS[:3]
    assert shown(drawing) == [guide, first, second, first]
    table = [(row["method"], row["place"], row["prompt"], row["weight"]) for row in rows(drawing.data)]
    assert table == [("da_fusion", 1, "a", 1.0), ("da_fusion", 2, "b", 1.0), ("diagen", 1, "c", 0.5)]


def test_images_takes_the_cell_of_most_shots_that_both_methods_have():
    sheet = pictures({"cat": [{}]})
    records = [cell("diagen", 8, **sheet), *(cell(m, k, **sheet) for m in ("da_fusion", "diagen") for k in (2, 4))]
    drawing = drawn("images", *records)
    assert set(drawing.data["shots"]) == {4}
    assert drawing.notes[0] == "mini_focus, k = 4, seed 0."


@pytest.mark.parametrize(("protocol", "same"), [("paper", True), ("as_released", False)])
def test_images_says_where_a_column_starts_from_the_same_noise(protocol: str, same: bool):
    """In the released code, DIAGen's seeds depend on its weighting."""
    sheet = pictures({"cat": [{}]})
    drawing = drawn("images", *(cell(method, protocol=protocol, **sheet) for method in ("da_fusion", "diagen")))
    assert ("The images of a column start from the same noise." in drawing.notes) is same


def test_images_needs_two_methods():
    with pytest.raises(MissingRuns, match=r"`python -m benchmark sweep --methods da_fusion,diagen`"):
        drawn("images", cell("diagen", **pictures({"cat": [{}]})), cell("standard"))


def test_noise_orders_the_first_image_of_each_level():
    sheet = pictures({"cat": [{"noise_std": 0.1}, {"noise_std": 0.0}, {"noise_std": 0.1}, {"noise_std": 0.05}]})
    drawing = drawn("noise", cell(**sheet))
    assert drawing.data["noise_std"] == [0.0, 0.05, 0.1]
    assert shown(drawing) == [COLOURS[0], COLOURS[2], COLOURS[4], COLOURS[1]]


def test_noise_prefers_runs_whose_prompts_are_alike():
    differing = pictures({"cat": [{"prompt": "a"}, {"prompt": "b", "noise_std": 0.1}]})
    alike = pictures({"cat": [{"prompt": "x"}, {"prompt": "x", "noise_std": 0.1}]})
    alone = drawn("noise", cell(**differing))
    assert any(note.startswith("The prompts differ as well") for note in alone.notes)
    both = drawn("noise", cell(**differing), cell(components="noise", **alike))
    assert both.data["prompt"] == ["x", "x"]
    assert not any(note.startswith("The prompts differ as well") for note in both.notes)


def test_prompts_shows_each_prompt_once_with_the_word_named():
    made = [{"prompt": "a <word> at night"}, {"prompt": "a <word> at night"}, {"prompt": "a red <word>"}]
    drawing = drawn("prompts", cell(**pictures({"cat": made})))
    assert drawing.data["prompt"] == ["a <word> at night", "a red <word>"]
    assert shown(drawing) == [COLOURS[0], COLOURS[1], COLOURS[3]]
    words = [text.get_text().replace("\n", " ") for text in drawing.figure.texts]
    assert words == ["real cat", "a ‹cat› at night", "a red ‹cat›"]


@pytest.mark.parametrize("name", ["noise", "prompts"])
def test_one_level_or_prompt_is_not_enough(name: str):
    with pytest.raises(MissingRuns, match="python -m benchmark run --method diagen"):
        drawn(name, cell(**pictures({"cat": [{}, {}]})))
