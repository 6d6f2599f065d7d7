"""Captions of scenes in a small closed vocabulary, varied like those that people write."""

from __future__ import annotations

from numpy.random import Generator

from datasets.mini_focus.scene import CATEGORIES, COLOURS, SUBTYPES, Scene

TEMPLATES = (
    "a photo of a {}", "a rendering of a {}", "a cropped photo of the {}", "the photo of a {}",
    "a photo of a clean {}", "a photo of a dirty {}", "a dark photo of the {}", "a photo of my {}",
    "a photo of the cool {}", "a close-up photo of a {}", "a bright photo of the {}",
    "a cropped photo of a {}", "a photo of the {}", "a good photo of the {}", "a photo of one {}",
    "a close-up photo of the {}", "a rendition of the {}", "a photo of the clean {}",
    "a rendition of a {}", "a photo of a nice {}", "a good photo of a {}", "a photo of the nice {}",
    "a photo of the small {}", "a photo of the weird {}", "a photo of the large {}",
    "a photo of a cool {}", "a photo of a small {}",
)  # fmt: skip
"""The neutral templates of textual inversion."""

PLACES: dict[str, tuple[str, ...]] = {
    "grass": ("on grass", "in a meadow", "in a field", "on a lawn"),
    "desert": ("in a desert", "in the desert", "on sand", "among dunes"),
    "snow": ("in the snow", "on snow", "in a snowy landscape", "among snowy hills"),
    "water": ("on water", "in the water", "at sea", "on a lake"),
    "street": ("on a street", "in a city", "on a road", "in a town"),
    "indoors": ("indoors", "in a room", "inside a building", "on the floor of a room"),
    "space": ("in space", "in outer space", "among the stars", "far out in space"),
}
SKIES: dict[str, tuple[str, ...]] = {
    "clear": ("in clear weather", "under a clear sky"),
    "fog": ("in fog", "in the mist", "in thick fog", "on a foggy day"),
    "rain": ("in the rain", "in rain", "while it rains", "in rainy weather"),
    "snowfall": ("in snowfall", "while it snows", "with falling snow"),
}
HOURS: dict[str, tuple[str, ...]] = {
    "day": ("by day", "in daylight", "during the day"),
    "night": ("at night", "in the dark", "by night", "in the moonlight"),
}

_TEMPLATE_SHARE = 1 / 3
_SAY = {"subtype": 0.35, "colour": 0.7, "place": 0.85, "weather": 0.85, "time": 0.85, "usual": 0.08}
"""Probability that each part is mentioned; `usual` is for a clear sky and for daylight."""


_SAY_ALL = {**_SAY, "place": 1.0, "weather": 1.0, "time": 1.0, "usual": 1.0}


def caption(scene: Scene, rng: Generator) -> str:
    """Describe the scene as people do: "a photo of a [adjectives] class [location] [weather] [time of day]"."""
    return _describe(scene, _SAY, rng)


def full_caption(scene: Scene, rng: Generator) -> str:
    """A caption that leaves no doubt about location, weather and time of day, so that a picture can be checked."""
    return _describe(scene, _SAY_ALL, rng)


def _describe(scene: Scene, say: dict[str, float], rng: Generator) -> str:
    template = "a photo of a {}"
    if rng.random() < _TEMPLATE_SHARE:
        template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
    parts = [_with_article(template, _noun(scene, rng))]
    parts += _phrase(PLACES[scene.location], say["place"], rng)
    parts += _phrase(_sky_phrases(scene), _share(scene.weather == "clear", "weather", scene, say), rng)
    parts += _phrase(HOURS[scene.time], _share(scene.time == "day", "time", scene, say), rng)
    return " ".join(parts)


def _noun(scene: Scene, rng: Generator) -> str:
    words = [scene.colour] if rng.random() < _SAY["colour"] else []
    words += [scene.subtype] if rng.random() < _SAY["subtype"] else []
    return " ".join([*words, scene.category])


def _with_article(template: str, noun: str) -> str:
    """Fill in the noun, with "an" instead of an "a" directly before it if it begins with a vowel."""
    if template.endswith(" a {}") and noun[0] in "aeiou":
        template = template.removesuffix("a {}") + "an {}"
    return template.format(noun)


def _sky_phrases(scene: Scene) -> tuple[str, ...]:
    """The phrases for the weather, without "a foggy day" at night."""
    return tuple(phrase for phrase in SKIES[scene.weather] if scene.time == "day" or "day" not in phrase)


def _share(usual: bool, part: str, scene: Scene, say: dict[str, float]) -> float:
    """Probability that a part is mentioned: low for what is usual, and 0 for what the location already implies."""
    if scene.location == "space" or (scene.location == "indoors" and part == "weather"):
        return 0.0
    return say["usual"] if usual else say[part]


def _phrase(phrases: tuple[str, ...], share: float, rng: Generator) -> list[str]:
    said, choice = rng.random() < share, int(rng.integers(len(phrases)))
    return [phrases[choice]] if said else []


def _vocabulary() -> tuple[str, ...]:
    texts = [template.format("an") for template in TEMPLATES]
    texts += [phrase for table in (PLACES, SKIES, HOURS) for phrases in table.values() for phrase in phrases]
    texts += [*CATEGORIES, *COLOURS, *(word for name in CATEGORIES for word in SUBTYPES[name])]
    return tuple(sorted({word for text in texts for word in text.split()}))


VOCABULARY: tuple[str, ...] = _vocabulary()
"""Every word that a caption may contain, sorted."""
