"""Which checkpoints can be used: those of the Stable Diffusion 1 and 2 families, recognised by their configurations."""

from __future__ import annotations

from pathlib import Path

from datasets.errors import UserError
from methods.checkpoint_layout import INDEX, MODELS, SCHEDULER, config_name, read_config

PREDICTIONS = ("epsilon", "v_prediction")
"""What a UNet may predict."""
_FURTHER_CONDITIONS = ("class_embed_type", "num_class_embeds", "encoder_hid_dim_type", "only_cross_attention")
"""Settings of a UNet that needs more than text, or reads the text at other places."""
_LATENT_CHANNELS = 4
"""diffusers' default, where a configuration gives none."""


def check_architecture(folder: Path) -> None:
    """Refuse models outside the Stable Diffusion 1 and 2 families; reads only the folder's JSON files.

    Raises:
        UserError: the message says what the checkpoint is instead.
    """
    wrong = _foreign_parts(folder) or _foreign_settings(folder)
    if wrong:
        raise UserError(f"checkpoint folder {folder} {wrong}: Stable Diffusion 1.x or 2.x is needed")


def sampler_class(folder: Path) -> str:
    """The diffusers class of the checkpoint's own sampler, as in the index, whatever the sampler's file says."""
    return str(_classes(folder).get("scheduler"))


def _classes(folder: Path) -> dict[str, str]:
    """The class of each part that the checkpoint has."""
    entries = read_config(folder, INDEX).items()
    return {part: entry[1] for part, entry in entries if isinstance(entry, list) and entry[1:] and entry[1]}


def _foreign_parts(folder: Path) -> str:
    parts = _classes(folder)
    lacking = [part for part in MODELS if part not in parts]
    if "text_encoder_2" in parts or lacking:
        what = f"no {lacking[0]}" if lacking else "a second text encoder, like Stable Diffusion XL"
        return f"holds a {read_config(folder, INDEX).get('_class_name')}, with {what}"
    return ""


def _foreign_settings(folder: Path) -> str:
    unet, vae, text = (read_config(folder, config_name(part)) for part in MODELS)
    channels, width = unet.get("in_channels", _LATENT_CHANNELS), text.get("hidden_size")
    prediction = read_config(folder, SCHEDULER).get("prediction_type", PREDICTIONS[0])
    if unet.get("addition_embed_type"):
        return "has pooled conditions, like Stable Diffusion XL"
    if channels != vae.get("latent_channels", _LATENT_CHANNELS):
        return f"has a UNet with {channels} input channels (for inpainting or depth?)"
    if width != unet.get("cross_attention_dim"):
        return f"joins a text encoder of width {width} to a UNet that expects {unet.get('cross_attention_dim')}"
    if prediction not in PREDICTIONS:
        return f"predicts '{prediction}', not {' or '.join(PREDICTIONS)}"
    further = next((name for name in _FURTHER_CONDITIONS if _is_set(unet.get(name))), "")
    return f"has a UNet with {further}" if further else ""


def _is_set(value: object) -> bool:
    return any(value) if isinstance(value, list) else bool(value)
