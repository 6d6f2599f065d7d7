"""What judges mini_sd: prompts whose pictures can be checked, learned words in a plain pipeline, probes that learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from datasets.mini_focus import CATEGORIES, HELD_OUT
from methods.mini_sd import WEIGHTS
from methods.mini_sd.corpus import load_corpus
from methods.mini_sd.corpus import main as render_corpus
from methods.mini_sd.held_out import add_words
from methods.mini_sd.sampling import moved_elsewhere, open_pipeline, renders_of, scenes_of, text_to_image
from methods.mini_sd.usefulness import probe, training_sets


def test_scenes_are_in_balance_and_repeatable() -> None:
    scenes = scenes_of(20, seed=3)
    assert [scene.category for scene in scenes] == [*CATEGORIES, *CATEGORIES]
    assert scenes == scenes_of(20, seed=3)
    assert scenes != scenes_of(20, seed=4)


def test_moved_scenes_keep_the_class_and_leave_the_place() -> None:
    guides = scenes_of(30)
    for guide, moved in zip(guides, moved_elsewhere(guides), strict=True):
        assert moved.category == guide.category
        assert moved.location != guide.location


def test_a_corpus_holds_the_held_out_category_only_when_asked(tmp_path: Path) -> None:
    render_corpus(tmp_path / "plain", count=60)
    render_corpus(tmp_path / "all", count=60, held_out=True)
    images, scenes = load_corpus(tmp_path / "plain")
    assert images.shape == (60, 64, 64, 3)
    assert not {scene["category"] for scene in scenes} & set(HELD_OUT)
    assert {scene["category"] for scene in load_corpus(tmp_path / "all")[1]} >= set(HELD_OUT)


def test_a_corpus_depends_on_its_seed_alone(tmp_path: Path) -> None:
    """A picture does not depend on how many follow it or which process draws it."""
    render_corpus(tmp_path / "short", count=20)
    render_corpus(tmp_path / "long", count=520)
    short, long = (load_corpus(tmp_path / name) for name in ("short", "long"))
    np.testing.assert_array_equal(short[0], long[0][:20])
    assert short[1] == long[1][:20]


def test_an_added_word_is_the_embedding_that_it_was_given() -> None:
    """A word with the embedding of "car" draws the same picture as "car" itself."""
    pipeline = open_pipeline(WEIGHTS)
    table = pipeline.text_encoder.get_input_embeddings().weight
    car = pipeline.tokenizer("car", add_special_tokens=False).input_ids
    add_words(pipeline, table[car].detach().numpy())
    named, learned = (text_to_image(pipeline, [f"a photo of a {word}"], 2.0, 3) for word in ("car", "<learned0>"))
    np.testing.assert_array_equal(named, learned)


def test_a_probe_learns_what_can_be_separated() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 10
    centres = rng.normal(size=(10, 16)).astype(np.float32) * 3
    features = centres[labels] + rng.normal(size=(100, 16)).astype(np.float32) * 0.1
    (right, chance) = probe(features, labels, [(features, labels), (features, np.roll(labels, 1))], seed=0)
    assert right == 1.0
    assert chance == 0.0


def test_training_sets_go_further_and_further_from_the_renders() -> None:
    scenes = scenes_of(4, seed=5)
    sets = dict(
        training_sets(open_pipeline(WEIGHTS), scenes, 0, guidance_scale=2.0, steps=10, eta=1.0, strengths=(0.1, 0.6))
    )
    assert list(sets) == ["renders", "renders re-rendered at 0.1", "renders re-rendered at 0.6", "text-to-image"]
    distances = [np.abs(pictures.astype(int) - sets["renders"]).mean() for pictures in sets.values()]
    assert distances == sorted(distances)
    assert distances[0] == 0 < distances[1]


def test_renders_are_bytes() -> None:
    pictures = renders_of(scenes_of(2))
    assert pictures.shape == (2, 64, 64, 3)
    assert pictures.dtype == np.uint8
    assert torch.from_numpy(pictures).float().std() > 5
