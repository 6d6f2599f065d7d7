"""Settings of the services that methods share; defaults are the paper's (see docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class GeneratorSettings:
    """The Stable Diffusion checkpoint and how it is run; `batch_size` changes images by rounding alone."""

    checkpoint: str = "CompVis/stable-diffusion-v1-4"
    """Stable Diffusion checkpoint: a Hugging Face name, a folder, or `mini_sd`, which ships with the project."""
    resolution: int = 512
    """Width and height in pixels of the generated images."""
    batch_size: int = 0
    """Images generated at once; 0 chooses: 32 on a GPU, and on a CPU 16 at 64 pixels, fewer at larger sizes. Halved if
    the GPU runs out of memory, never raised."""
    dtype: str = "auto"
    """Precision: `float32`, `float16`, `bfloat16`, or `auto`: bfloat16 if the hardware multiplies in it, otherwise
    float16 on a GPU and float32 on a CPU."""
    scheduler: str = "checkpoint"
    """Sampler: `checkpoint` (its own), `ddim`, `pndm`, `dpm_solver`, `unipc` or `lcm` (for distilled checkpoints)."""
    eta: float = 0.0
    """DDIM's η (Song et al. 2021, eq. 16), 0 to 1: share of fresh noise in each step; 0 adds none after the first."""
    compile: str = "auto"
    """Whether to speed up UNet and codec with torch.compile: `always`, `never`, or `auto` (on a GPU, from 256 pixels
    on)."""


@dataclass
class TextualInversionSettings:
    """Textual Inversion (Gal et al. 2023) as DA-Fusion's code runs it."""

    steps: int = 1000
    """Steps of AdamW per word."""
    batch_size: int = 4
    """Samples per class in a step."""
    learning_rate: float = 2e-3
    """Learning rate of AdamW."""
    weight_decay: float = 1e-2
    """Weight decay of AdamW."""
    initial_word: str = "the"
    """The word that learning starts from: any that the text encoder knows, or `<noun>`, the name of the class."""
    tries: int = 1
    """Words learned per class, each with other random draws; the one with which the checkpoint denoises the class's
    images best is kept. The cost grows in proportion."""
    classes_per_batch: int = 0
    """Classes learned at once, which changes their words only by rounding; 0 chooses: 10, fewer on a CPU for images
    above 64 pixels, and on a GPU no more than should fit into its memory. Halved if that runs out."""
    deterministic: bool = False
    """On a GPU, use slower kernels that give exactly the same words from the same seeds. Otherwise words learned again
    differ by rounding, which grows as they learn. On a CPU they do not differ on the same number of threads, and with
    two tries or more on any number."""
    words_of: str = "each_task"
    """Which words are used: those of `each_task` (shots and seed), or, as in the published code, those of the
    `first_task` for all shots and seeds of a run."""


@dataclass
class PromptSettings:
    """Where prompts come from: `openai` (any server of that protocol), or offline `template` (word lists) or `file`."""

    source: str = "openai"
    """Where prompts come from: `openai` (a language model), `template` (word lists) or `file` (a CSV file)."""
    model: str = "gpt-6.1-sol"
    """For `openai`: name of the model, as its server calls it. The paper's GPT-4 was shut down in October 2026."""
    base_url: str = ""
    """For `openai`: address of the server; empty for OpenAI's own. The key is read from OPENAI_API_KEY and from nowhere
    else."""
    request: str = "plain"
    """For `openai`: `plain` asks for varied settings, `uncommon` for varied settings with uncommon ones among them."""
    timeout_seconds: float = 300.0
    """For `openai`: seconds to wait for a reply, or for its next piece if it comes in pieces; a reasoning model, or one
    on a CPU, takes minutes."""
    retries: int = 3
    """For `openai`: how often to ask again if the server fails or writes too few usable prompts."""
    word_list: str = "general"
    """For `template`: the word list, `general`, `mini_focus` or the path of a YAML file."""
    file: str = ""
    """For `file`: path of a CSV file with the columns `class_name` and `prompt`, as published by DIAGen's authors."""
    plurals: str = "word"
    """What happens to a class noun in the plural: `word` replaces it by the learned word, like the singular;
    `as_written` keeps it, as the published code does, which leaves that prompt without the learned word."""
