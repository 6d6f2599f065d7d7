"""A miniature FOCUS: drawn objects in common and uncommon settings, with captions."""

from __future__ import annotations

from datasets.mini_focus.caption import VOCABULARY, caption
from datasets.mini_focus.render import RENDERER_VERSION, render
from datasets.mini_focus.scene import (
    CATEGORIES,
    COLOURS,
    COMMON,
    LOCATIONS,
    SUBTYPES,
    TIMES,
    WEATHERS,
    Scene,
    sample_common,
    sample_scene,
    sample_uncommon,
    uncommon_attributes,
)

__all__ = [
    "CATEGORIES",
    "COLOURS",
    "COMMON",
    "LOCATIONS",
    "RENDERER_VERSION",
    "SUBTYPES",
    "TIMES",
    "VOCABULARY",
    "WEATHERS",
    "Scene",
    "caption",
    "render",
    "sample_common",
    "sample_scene",
    "sample_uncommon",
    "uncommon_attributes",
]
