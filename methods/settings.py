"""Settings of the services that methods share; defaults are the paper's (see docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class GeneratorSettings:
    """The Stable Diffusion checkpoint and how it is run; `batch_size` changes images by rounding alone."""

    checkpoint: str = "CompVis/stable-diffusion-v1-4"
    """Hub name or folder; `mini_sd` is the model that ships with the project."""
    resolution: int = 512
    """Pixels on a side of what is made."""
    batch_size: int = 0
    """Images made together; 0: as many as pay, 32 on a GPU, and on a CPU 16 of 64 pixels, fewer of more. Halved where a
    GPU's memory runs out, never raised."""
    dtype: str = "auto"
    """`auto`: bfloat16 where the hardware multiplies in it, else float16 on a GPU and float32 on a CPU; or `float32`,
    `float16`, `bfloat16`."""
    scheduler: str = "checkpoint"
    """The checkpoint's own sampler, or `ddim`, `pndm`, `dpm_solver`, `unipc`, `lcm` (for distilled checkpoints)."""
    eta: float = 0.0
    """DDIM's η (Song et al. 2021, eq. 16), 0 to 1: share of fresh noise in each step; 0 draws none after the first."""
    compile: str = "auto"
    """Whether torch.compile makes UNet and codec faster: `auto` (on a GPU, from 256 pixels on), `always`,
    `never`."""


@dataclass
class TextualInversionSettings:
    """Textual Inversion (Gal et al. 2023) as DA-Fusion's code runs it."""

    steps: int = 1000
    """Steps of AdamW for each word."""
    batch_size: int = 4
    """Samples of each class in a step."""
    learning_rate: float = 2e-3
    """AdamW's."""
    weight_decay: float = 1e-2
    """AdamW's."""
    initial_word: str = "the"
    """What a word starts from: a word of the text encoder, or `<noun>`, the class's own noun."""
    tries: int = 1
    """Words learned for each class, each from other draws; the one under which the checkpoint denoises the class's
    images best is kept. Costs as many times the steps."""
    classes_per_batch: int = 0
    """Classes that learn together, to the same words as alone but for rounding; 0: as many as pay, 10, on a CPU fewer
    of images of more than 64 pixels, on a GPU no more than its memory should hold. Halved where that runs out."""
    deterministic: bool = False
    """On a GPU: the same words from the same seeds to the last digit, by slower kernels. Else they differ by rounding
    from one learning to the next, which grows as they learn. On a CPU they do not on the same number of threads, and
    with two tries or more on any."""
    words_of: str = "each_task"
    """`first_task`: all seeds and shots of a run use the words of its first ones, as in the published code."""


@dataclass
class PromptSettings:
    """Where prompts come from: `openai` (any server of that protocol), or offline `template` (word lists) or `file`."""

    source: str = "openai"
    """`openai`: a language model writes them; `template`: word lists do; `file`: they are read from a CSV file."""
    model: str = "gpt-6.1-sol"
    """For `openai`: the model's name at its server. The paper's GPT-4 was shut down in October 2026."""
    base_url: str = ""
    """Empty: the OpenAI service. The key is read from OPENAI_API_KEY and from nowhere else."""
    request: str = "plain"
    """For `openai`: `plain` asks for settings that differ, `uncommon` for uncommon ones among them."""
    timeout_seconds: float = 300.0
    """How long a reply is waited for, at each silence anew where it comes in pieces: a model that reasons, or one on a
    CPU, takes minutes."""
    retries: int = 3
    """How often a server is asked again that fails, or writes too few usable prompts."""
    word_list: str = "general"
    """For `template`: `general`, `mini_focus`, or the path of a YAML file."""
    file: str = ""
    """For `file`: the path of a CSV file with the columns `class_name` and `prompt`, as DIAGen's authors published."""
    plurals: str = "word"
    """A class noun in the plural: `word`, the learned word stands for it too; `as_written`, it stays, as in the
    published code, and the prompt has no learned word."""
