"""Where prompts come from, by name. A source turns a class noun into prompts in which `<word>` stands for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from datasets.registry import Registry
from methods.prompts import openai_prompts, template
from methods.prompts.fits import Fits, any_prompt
from methods.settings import PromptSettings


@dataclass(frozen=True)
class PromptSource:
    """check: refuse settings that cannot work, quickly and without a request; raises `UserError`.
    write: (noun, count, settings, seed, fits) to `count` prompts; raises `UserError` where that many cannot be had.
    """

    check: Callable[[PromptSettings], None]
    write: Callable[[str, int, PromptSettings, int, Fits], list[str]]


PROMPT_SOURCES: Registry[PromptSource] = Registry("prompt source")
PROMPT_SOURCES.register("openai")(PromptSource(openai_prompts.check, openai_prompts.write))
PROMPT_SOURCES.register("template")(PromptSource(template.check, template.write))


def check_prompt_settings(settings: PromptSettings) -> None:
    """Refuse settings that cannot work, before anything heavy; raises `UserError` with one clear line."""
    PROMPT_SOURCES[settings.source].check(settings)


def write_prompts(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits = any_prompt) -> list[str]:
    """`count` prompts for one class, each with `<word>` for the noun, all of which fit.

    From `template` they depend on the arguments alone; from `openai`, on what the server says.

    Raises:
        UserError: settings that cannot work, a server that gives too few usable prompts, or a word list that gives one
            that does not fit.
    """
    check_prompt_settings(settings)
    return PROMPT_SOURCES[settings.source].write(noun, count, settings, seed, fits)
