"""The sources of prompts, by name. A source turns a class noun into prompts in which `<word>` stands for the noun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from datasets.registry import Registry
from methods.prompts import file_prompts, openai_prompts, template
from methods.prompts.fits import Fits, any_prompt
from methods.settings import PromptSettings


@dataclass(frozen=True)
class PromptSource:
    """check: refuse settings that cannot work, quickly and without a request; raises `UserError`.
    write: turn (noun, count, settings, seed, fits) into `count` prompts; raises `UserError` if it cannot.
    content: a hash of the user's own file that the prompts depend on; empty if there is none.
    kept: whether the store keeps the prompts, as it does for a language model, which would write others next time.
    check_access: refuse anything that keeps the source from writing on this machine, such as a missing key, quickly and
        without a request; raises `UserError`. Not called for runs that are only counted.
    """

    check: Callable[[PromptSettings], None]
    write: Callable[[str, int, PromptSettings, int, Fits], list[str]]
    content: Callable[[PromptSettings], str] = lambda settings: ""
    kept: bool = True
    check_access: Callable[[], None] = lambda: None


PROMPT_SOURCES: Registry[PromptSource] = Registry("prompt source")
PROMPT_SOURCES.register("openai")(
    PromptSource(openai_prompts.check, openai_prompts.write, check_access=openai_prompts.check_access)
)
PROMPT_SOURCES.register("template")(PromptSource(template.check, template.write, template.content, kept=False))
PROMPT_SOURCES.register("file")(PromptSource(file_prompts.check, file_prompts.write, file_prompts.content, kept=False))


def check_prompt_settings(settings: PromptSettings) -> None:
    """Refuse settings that cannot work, before any heavy work; raises `UserError` with one clear line."""
    PROMPT_SOURCES[settings.source].check(settings)


def check_access_to_prompts(settings: PromptSettings) -> None:
    """Refuse anything that keeps prompts from being written here; raises `UserError` with one clear line."""
    PROMPT_SOURCES[settings.source].check_access()


def prompts_content(settings: PromptSettings) -> str:
    """A short hash of the user's own file of prompts or words, whose path shows no changes; empty if there is none."""
    return PROMPT_SOURCES[settings.source].content(settings)[:16]


def write_prompts(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits = any_prompt) -> list[str]:
    """`count` prompts for one class, each with `<word>` for the noun, all of which fit.

    From `template` and `file`, they depend only on the arguments and the user's file; from `openai`, also on the
    server's replies.

    Raises:
        UserError: settings that cannot work, a server or a file that gives too few usable prompts, or a word list that
            gives a prompt that does not fit.
    """
    check_prompt_settings(settings)
    check_access_to_prompts(settings)
    return PROMPT_SOURCES[settings.source].write(noun, count, settings, seed, fits)
