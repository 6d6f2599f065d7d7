"""The miniature world: reproducible pictures, a closed vocabulary, and settings that are really common or uncommon."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from datasets.mini_focus import (
    CATEGORIES,
    COLOURS,
    COMMON,
    HELD_OUT,
    LOCATIONS,
    SUBTYPES,
    TIMES,
    VOCABULARY,
    WEATHERS,
    Scene,
    caption,
    full_caption,
    render,
    sample_common,
    sample_scene,
    sample_uncommon,
)
from datasets.mini_focus.caption import HOURS, PLACES, SKIES, TEMPLATES
from datasets.mini_focus.render import turn
from datasets.mini_focus.scene import COMMON_TIME, COMMON_WEATHER


def test_the_same_scene_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(0)
    for scene in [sample_scene(rng) for _ in range(20)]:
        assert render(scene).tobytes() == render(scene).tobytes()


def test_seed_and_every_word_change_the_picture() -> None:
    scene = Scene("car", "compact", "red", "grass", "clear", "day", 1)
    others = [
        Scene("boat", "steam", "red", "grass", "clear", "day", 1),
        Scene("car", "sports", "red", "grass", "clear", "day", 1),
        Scene("car", "compact", "blue", "grass", "clear", "day", 1),
        Scene("car", "compact", "red", "snow", "clear", "day", 1),
        Scene("car", "compact", "red", "grass", "rain", "day", 1),
        Scene("car", "compact", "red", "grass", "clear", "night", 1),
        Scene("car", "compact", "red", "grass", "clear", "day", 2),
    ]
    assert len({render(each).tobytes() for each in [scene, *others]}) == len(others) + 1


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("location", LOCATIONS)
def test_every_category_renders_at_every_location(category: str, location: str) -> None:
    scene = sample_scene(np.random.default_rng(3), category=category, location=location)
    picture = render(scene, 32)
    assert (picture.size, picture.mode) == ((32, 32), "RGB")
    assert np.asarray(picture).std() > 3


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("time", TIMES)
def test_every_subtype_renders_in_every_weather_and_at_every_hour(weather: str, time: str) -> None:
    for category, subtypes in SUBTYPES.items():
        for subtype in subtypes:
            assert render(Scene(category, subtype, COLOURS[0], "grass", weather, time, 5)).size == (64, 64)


def test_captions_stay_in_the_vocabulary() -> None:
    rng = np.random.default_rng(1)
    for _ in range(2000):
        assert set(caption(sample_scene(rng), rng).split()) <= set(VOCABULARY)


def test_vocabulary_is_sorted_and_covers_the_templates() -> None:
    assert list(VOCABULARY) == sorted(set(VOCABULARY))
    assert len(TEMPLATES) == 27
    assert all(set(template.format("car").split()) <= set(VOCABULARY) for template in TEMPLATES)


def test_articles_agree_with_the_word_that_follows() -> None:
    rng = np.random.default_rng(2)
    scene = Scene("umbrella", "open", "orange", "street", "rain", "night", 0)
    texts = [caption(scene, rng) for _ in range(200)]
    assert any(" an orange" in text for text in texts)
    assert not any(f" a {vowel}" in text for text in texts for vowel in "aeiou")


def test_words_of_another_class_or_colour_are_not_in_the_phrases() -> None:
    rng = np.random.default_rng(6)
    for _ in range(500):
        scene = sample_scene(rng)
        words = set(caption(scene, rng).split())
        assert scene.category in words
        assert not words & (set(CATEGORIES) - {scene.category})
        assert not words & (set(COLOURS) - {scene.colour})


def is_common(scene: Scene) -> bool:
    usual = (scene.weather, scene.time) == (COMMON_WEATHER, COMMON_TIME)
    return usual and scene.location in COMMON[scene.category]


@pytest.mark.parametrize("category", CATEGORIES)
def test_common_and_uncommon_scenes_are_what_they_say(category: str) -> None:
    rng = np.random.default_rng(4)
    assert all(is_common(sample_common(rng, category)) for _ in range(50))
    assert not any(is_common(sample_uncommon(rng, category)) for _ in range(50))


def test_common_locations_overlap_between_classes() -> None:
    for category, places in COMMON.items():
        others = {place for other, theirs in COMMON.items() if other != category for place in theirs}
        assert set(places) <= others


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"location": "indoors", "weather": "rain"}, "indoors has no weather but clear, got 'rain'"),
        ({"location": "space", "weather": "fog"}, "space has no weather but clear, got 'fog'"),
        ({"location": "space", "time": "day"}, "space is always night"),
        ({"location": "moon"}, "unknown location 'moon'"),
        ({"category": "cat"}, "unknown category 'cat'"),
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_scene(np.random.default_rng(5), **setting)  # type: ignore[arg-type]


def test_impossible_scenes_are_refused() -> None:
    with pytest.raises(ValueError, match="space is always night"):
        Scene("car", "compact", "red", "space", "clear", "day", 0)
    with pytest.raises(ValueError, match="subtype of car"):
        Scene("car", "sailing", "red", "grass", "clear", "day", 0)


def test_a_full_caption_leaves_no_setting_open() -> None:
    rng = np.random.default_rng(4)
    for _ in range(300):
        scene = sample_scene(rng)
        text = full_caption(scene, rng)
        assert set(text.split()) <= set(VOCABULARY)
        assert any(phrase in text for phrase in PLACES[scene.location])
        if scene.location != "space":
            assert any(phrase in text for phrase in HOURS[scene.time])
        if scene.location not in ("space", "indoors"):
            assert any(phrase in text for phrase in SKIES[scene.weather])


@pytest.mark.parametrize("category", HELD_OUT)
def test_a_held_out_category_is_drawn_but_never_met_in_training(category: str) -> None:
    scene = sample_common(np.random.default_rng(5), category)
    assert render(scene).size == (64, 64)
    assert category not in CATEGORIES
    assert category not in VOCABULARY
    assert not set(SUBTYPES[category]) & set(VOCABULARY)


@pytest.mark.parametrize("degrees", [-6.0, 0.0, 6.0])
def test_a_tilted_camera_leaves_no_empty_corner(degrees: float) -> None:
    """A white picture stays white, apart from rounding at the outermost pixels."""
    tilted = np.asarray(turn(Image.new("RGB", (96, 96), "white"), degrees))
    assert tilted[1:-1, 1:-1].min() == 255


def test_a_tilted_camera_turns_the_horizon_clockwise() -> None:
    """The ground is below a level horizon; after a clockwise rotation by 6 degrees it is higher on the left."""
    level = np.zeros((101, 101, 3), np.uint8)
    level[50:] = 255
    tilted = np.asarray(turn(Image.fromarray(level), 6.0))
    left, right = (int((tilted[:, column, 0] > 127).argmax()) for column in (5, 95))
    assert left < 50 < right
    assert right - left == pytest.approx(90 * np.tan(np.radians(6)), abs=2)
