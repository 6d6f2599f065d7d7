"""Which attributes are uncommon for a class of FOCUS, as in the published evaluation of Kattakinda & Feizi (2022)."""

from __future__ import annotations

UNCOMMON_WEATHERS = frozenset({"foggy", "raining", "snowing"})
"""Uncommon for every class."""

UNCOMMON_LOCATIONS = {
    "bird": frozenset({"indoors", "street", "snow"}),
    "car": frozenset({"indoors", "rocks", "snow", "water"}),
    "cat": frozenset({"forest", "rocks", "sand", "snow", "water"}),
    "deer": frozenset({"indoors", "rocks", "sand", "street", "snow", "water"}),
    "dog": frozenset({"forest", "rocks", "snow"}),
    "frog": frozenset({"indoors", "street", "snow"}),
    "horse": frozenset({"indoors", "rocks", "street", "snow", "water"}),
    "plane": frozenset({"forest", "indoors", "rocks", "sand", "snow", "water"}),
    "ship": frozenset({"forest", "grass", "indoors", "rocks", "sand", "street", "snow"}),
    "truck": frozenset({"indoors", "rocks", "snow", "water"}),
}


def count_uncommon(category: str, time: str, weather: str, locations: str) -> int:
    """How many of time, weather and locations are uncommon for the class: 0 to 3.

    Several uncommon locations count once, as in the authors' code. Values that the authors do not use count as common.

    Args:
        locations: separated by commas.
    """
    at_night = time == "night" and category != "frog"
    places = {place.strip() for place in locations.split(",")}
    return at_night + (weather in UNCOMMON_WEATHERS) + (not places.isdisjoint(UNCOMMON_LOCATIONS[category]))
