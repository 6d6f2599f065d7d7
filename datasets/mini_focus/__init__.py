"""A miniature FOCUS: drawn objects in common and uncommon settings, with captions."""

from __future__ import annotations

from datasets.mini_focus.caption import VOCABULARY, caption, full_caption
from datasets.mini_focus.render import RENDERER_VERSION, render
from datasets.mini_focus.scene import (
    CATEGORIES,
    COLOURS,
    COMMON,
    HELD_OUT,
    LOCATIONS,
    SUBTYPES,
    TIMES,
    WEATHERS,
    Scene,
    sample_common,
    sample_scene,
    sample_uncommon,
)

__all__ = [
    "CATEGORIES",
    "COLOURS",
    "COMMON",
    "HELD_OUT",
    "LOCATIONS",
    "RENDERER_VERSION",
    "SUBTYPES",
    "TIMES",
    "VOCABULARY",
    "WEATHERS",
    "Scene",
    "caption",
    "full_caption",
    "render",
    "sample_common",
    "sample_scene",
    "sample_uncommon",
]
