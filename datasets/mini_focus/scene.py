"""Defines what a picture of the miniature world shows, and which settings are common for which class."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

CATEGORIES = ("bird", "boat", "car", "fish", "house", "lamp", "mug", "mushroom", "tree", "umbrella")
HELD_OUT = ("bucket",)
"""Categories that no model is trained on and no caption names, so that only textual inversion can learn them."""
SUBTYPES: dict[str, tuple[str, ...]] = {
    "bird": ("perching", "flying", "wading", "swimming"),
    "boat": ("sailing", "steam", "rowing", "motor"),
    "car": ("compact", "sports", "camper", "pickup"),
    "fish": ("tropical", "slender", "puffer", "jelly"),
    "house": ("country", "modern", "tower", "castle"),
    "lamp": ("table", "floor", "oil", "desk"),
    "mug": ("coffee", "beer", "tea", "travel"),
    "mushroom": ("round", "flat", "pointed", "funnel"),
    "tree": ("leafy", "pine", "palm", "bare"),
    "umbrella": ("open", "beach", "folded", "inverted"),
    "bucket": ("metal", "wooden", "toy"),
}
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
LOCATIONS = ("grass", "desert", "snow", "water", "street", "indoors", "space")
WEATHERS = ("clear", "fog", "rain", "snowfall")
TIMES = ("day", "night")
SHELTERED = ("indoors", "space")
"""Locations that have no weather."""

COMMON: dict[str, tuple[str, ...]] = {
    "bird": ("grass", "water"),
    "boat": ("water", "snow"),
    "car": ("street", "desert"),
    "fish": ("water", "indoors"),
    "house": ("grass", "street"),
    "lamp": ("indoors", "street"),
    "mug": ("indoors", "street"),
    "mushroom": ("grass", "indoors"),
    "tree": ("grass", "snow"),
    "umbrella": ("street", "desert"),
    "bucket": ("grass", "street"),
}
"""The common locations of each class. Each is common for several classes, so no background reveals the class."""
COMMON_WEATHER = "clear"
COMMON_TIME = "day"

_WEATHER_WEIGHTS = (0.4, 0.2, 0.2, 0.2)
_TIME_WEIGHTS = (0.65, 0.35)
_UNCOMMON_LOCATION = 0.85
_UNCOMMON_WEATHER = 0.5
_UNCOMMON_TIME = 0.5


@dataclass(frozen=True)
class Scene:
    """One picture in words; `seed` determines what the words leave open: pose, scale, placement and details."""

    category: str
    subtype: str
    colour: str
    location: str
    weather: str
    time: str
    seed: int

    def __post_init__(self) -> None:
        """Refuse unknown words and impossible combinations, so that every scene can be drawn."""
        _require(self.category, (*CATEGORIES, *HELD_OUT), "category")
        _require(self.subtype, SUBTYPES[self.category], f"subtype of {self.category}")
        _require(self.colour, COLOURS, "colour")
        _require_possible(self.location, self.weather, self.time)
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")


def _require(value: str | None, allowed: tuple[str, ...], name: str) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"unknown {name} {value!r}; known: {', '.join(allowed)}")


def _require_possible(location: str | None, weather: str | None, time: str | None) -> None:
    """Check the given words; None stands for a word still to be drawn at random."""
    _require(location, LOCATIONS, "location")
    _require(weather, WEATHERS, "weather")
    _require(time, TIMES, "time")
    if location in SHELTERED and weather not in (None, "clear"):
        raise ValueError(f"{location} has no weather but clear, got {weather!r}")
    if location == "space" and time == "day":
        raise ValueError("space is always night")


def _choose(rng: Generator, options: tuple[str, ...], weights: tuple[float, ...] | None = None) -> str:
    return options[int(rng.choice(len(options), p=weights))]


def sample_scene(
    rng: Generator,
    *,
    category: str | None = None,
    location: str | None = None,
    weather: str | None = None,
    time: str | None = None,
) -> Scene:
    """Draw at random what is not given, to suit the location; raise ValueError if the given words are not possible."""
    _require(category, (*CATEGORIES, *HELD_OUT), "category")
    _require_possible(location, weather, time)
    category = category or _choose(rng, CATEGORIES)
    location = location or _choose(rng, LOCATIONS)
    if weather is None:
        weather = "clear" if location in SHELTERED else _choose(rng, WEATHERS, _WEATHER_WEIGHTS)
    if time is None:
        time = "night" if location == "space" else _choose(rng, TIMES, _TIME_WEIGHTS)
    subtype, colour = _choose(rng, SUBTYPES[category]), _choose(rng, COLOURS)
    return Scene(category, subtype, colour, location, weather, time, int(rng.integers(2**31)))


def sample_common(rng: Generator, category: str) -> Scene:
    """Draw a scene in which nothing is uncommon for the class: a common location on a clear day."""
    location = _choose(rng, COMMON[category])
    return sample_scene(rng, category=category, location=location, weather=COMMON_WEATHER, time=COMMON_TIME)


def sample_uncommon(rng: Generator, category: str) -> Scene:
    """Draw a scene with at least one uncommon attribute: mostly the location, sometimes weather or night."""
    while True:
        unusual = rng.random() < _UNCOMMON_LOCATION
        places = tuple(place for place in LOCATIONS if (place in COMMON[category]) != unusual)
        location = _choose(rng, places)
        stormy = location not in SHELTERED and rng.random() < _UNCOMMON_WEATHER
        dark = location == "space" or rng.random() < _UNCOMMON_TIME
        if unusual or stormy or dark:
            break
    weather = _choose(rng, WEATHERS[1:]) if stormy else COMMON_WEATHER
    time = "night" if dark else COMMON_TIME
    return sample_scene(rng, category=category, location=location, weather=weather, time=time)
