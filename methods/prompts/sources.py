"""Where prompts come from, by name. A source turns a class noun into prompts in which `<word>` stands for it."""

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
    write: (noun, count, settings, seed, fits) to `count` prompts; raises `UserError` where that many cannot be had.
    content: what the user's own file says that decides on the prompts, in short; empty where there is none.
    kept: whether the store keeps them: a language model writes others the next time.
    check_access: refuse what keeps it from writing on this machine, such as a missing key, quickly and without a
        request; raises `UserError`. Runs that are only counted do not ask.
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
    """Refuse settings that cannot work, before anything heavy; raises `UserError` with one clear line."""
    PROMPT_SOURCES[settings.source].check(settings)


def check_access_to_prompts(settings: PromptSettings) -> None:
    """Refuse what keeps prompts from being written on this machine; raises `UserError` with one clear line."""
    PROMPT_SOURCES[settings.source].check_access()


def prompts_content(settings: PromptSettings) -> str:
    """What the file says that prompts are read or drawn from, which its path does not; empty where there is none."""
    return PROMPT_SOURCES[settings.source].content(settings)[:16]


def write_prompts(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits = any_prompt) -> list[str]:
    """`count` prompts for one class, each with `<word>` for the noun, all of which fit.

    From `template` and `file` they depend on the arguments and the user's file alone; from `openai`, on what the server
    says.

    Raises:
        UserError: settings that cannot work, a server or a file that gives too few usable prompts, or a word list that
            gives one that does not fit.
    """
    check_prompt_settings(settings)
    check_access_to_prompts(settings)
    return PROMPT_SOURCES[settings.source].write(noun, count, settings, seed, fits)
