"""DIAGen's component (b): prompts that place a class in many settings, from a language model, word lists or a file."""

from __future__ import annotations

from methods.prompts.sources import check_access_to_prompts, check_prompt_settings, prompts_content, write_prompts

__all__ = ["check_access_to_prompts", "check_prompt_settings", "prompts_content", "write_prompts"]
