"""The services that methods use: what is in the store is not made again, and nothing else is reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.embedding import BLOCK, Embedder, Picture, real_pictures
from benchmark.progress import Stages
from benchmark.store import Store
from benchmark.stored_states import StoredStates
from datasets.base import DATASETS
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from methods.plan import Plan
from tests.benchmark.squares import Settings, fresh_tools, plan, task
from tests.benchmark.titled_stages import TitledStages


def test_images_are_made_once(world, small: Settings):
    first = fresh_tools(small("diagen")).generate(task(), plan())
    second = fresh_tools(small("diagen")).generate(task(), plan())
    assert world.made == 6
    assert first == second
    assert [image.row for image in first.images] == list(plan().rows)


def test_an_interrupted_plan_goes_on_where_it_stopped(world, small: Settings):
    world.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        fresh_tools(small("diagen")).generate(task(), plan())
    world.stop_after = float("inf")
    images = fresh_tools(small("diagen")).generate(task(), plan()).images
    assert world.made == 6
    assert len({image.path for image in images}) == 6


def test_equal_rows_share_an_image_and_every_field_of_a_row_matters(world, small: Settings):
    row = plan(1).rows[0]
    changes = [{"prompt": "a <word>"}, {"word": "v"}, {"strength": 0.6}, {"guidance_scale": 8.0}, {"steps": 40}]
    changes += [{"seed": 9}, {"guide": 1}]
    rows = (row, row, replace(row, noise_std=0.3), *(replace(row, **change) for change in changes))
    images = fresh_tools(small("diagen")).generate(task(), Plan(rows, plan().words)).images
    assert images[0].path == images[1].path == images[2].path
    assert len({image.path for image in images}) == 1 + len(changes)


def test_another_checkpoint_makes_other_images(world, small: Settings):
    fresh_tools(small("diagen")).generate(task(), plan())
    world.fingerprint = "another checkpoint"
    fresh_tools(small("diagen")).generate(task(), plan())
    assert world.made == 12


def test_a_damaged_image_is_made_again(world, small: Settings):
    image = fresh_tools(small("diagen")).generate(task(), plan()).images[0]
    whole = image.path.read_bytes()
    image.path.write_bytes(whole[:40])
    fresh_tools(small("diagen")).generate(task(), plan())
    assert world.made == 7
    assert image.path.read_bytes() == whole


def test_words_are_learned_once_for_a_task_and_settings(world, small: Settings, monkeypatch):
    import methods.textual_inversion

    calls: list[int] = []
    learn = methods.textual_inversion.learn_words

    def counted(*arguments):
        calls.append(len(arguments[1]))
        return learn(*arguments)

    def learned(*overrides: str, of: FewShotTask | None = None) -> list[int]:
        calls.clear()
        fresh_tools(small("diagen", overrides=overrides)).textual_inversion(of or task())
        return list(calls)

    monkeypatch.setattr(methods.textual_inversion, "learn_words", counted)
    first = fresh_tools(small("diagen")).textual_inversion(task())
    again = fresh_tools(small("diagen")).textual_inversion(task())
    assert calls == [3]
    assert np.array_equal(first, again)
    assert learned(of=task(seed=1)) == learned(of=task(shots=4)) == [3]
    changes = ("steps=7", "batch_size=2", "learning_rate=0.1", "weight_decay=0.1", "initial_word=a", "tries=5")
    for change in (*changes, "deterministic=true"):
        assert learned(f"textual_inversion.{change}") == [3], change
    assert learned("textual_inversion.classes_per_batch=1") == []  # what fits into memory does not change the words
    world.fingerprint = "another checkpoint"
    assert learned() == [3]


def test_words_are_kept_group_by_group(world, small: Settings, monkeypatch):
    """An interruption while the second group is learned costs only that group."""
    import methods.textual_inversion

    learn = methods.textual_inversion.learn_words
    sizes: list[int] = []

    def dies_at_the_second(*arguments):
        sizes.append(len(arguments[1]))
        if len(sizes) == 2:
            raise KeyboardInterrupt
        return learn(*arguments)

    monkeypatch.setattr(methods.textual_inversion, "learn_words", dies_at_the_second)
    monkeypatch.setattr("methods.class_groups._CLASSES_TOGETHER", 2)
    settings = small("diagen")
    with pytest.raises(KeyboardInterrupt):
        fresh_tools(settings).textual_inversion(task())
    assert len(fresh_tools(settings).textual_inversion(task())) == 3
    assert sizes == [2, 1, 1]


def test_words_that_are_being_learned_go_on_after_a_stop(world, small: Settings, monkeypatch):
    import methods.textual_inversion

    learn = methods.textual_inversion.learn_words
    found: list[dict[str, Any] | None] = []

    def stops_at_first(*arguments):
        states = arguments[-1]
        found.append(states.get("the first try"))
        if len(found) == 1:
            states["the first try"] = {"steps_done": 7, "words": torch.tensor([0.1, float("nan")])}
            raise KeyboardInterrupt
        return learn(*arguments)

    monkeypatch.setattr(methods.textual_inversion, "learn_words", stops_at_first)
    tools = fresh_tools(small("diagen"))
    with pytest.raises(KeyboardInterrupt):
        tools.textual_inversion(task())
    unfinished = tools.store.folder / "unfinished"
    assert len(list(unfinished.rglob("*.pt"))) == 1
    tools.textual_inversion(task(seed=1))
    fresh_tools(small("diagen")).textual_inversion(task())
    before, of_another_task, state = found
    assert before is None
    assert of_another_task is None
    assert state is not None
    assert state["steps_done"] == 7
    assert torch.equal(state["words"].view(torch.int32), torch.tensor([0.1, float("nan")]).view(torch.int32))
    assert not list(unfinished.rglob("*.pt"))  # deleted, because the words are finished


def test_a_damaged_state_is_begun_again(world, small: Settings, caplog: pytest.LogCaptureFixture):
    states = StoredStates(fresh_tools(small("diagen")).store, "words")
    states["try"] = {"steps_done": 7}
    (file,) = Path("store/unfinished").rglob("*.pt")
    file.write_bytes(file.read_bytes()[:100])
    assert states.get("try") is None
    assert "damaged" in caplog.text


def test_groups_of_words_are_even(world, small: Settings, monkeypatch):
    monkeypatch.setattr("methods.class_groups._CLASSES_TOGETHER", 4)
    tools = fresh_tools(small("diagen"))
    monkeypatch.setattr(tools, "_words", lambda task, labels: [len(labels)] * len(labels))
    assert tools.textual_inversion(SimpleNamespace(classes="abcde")) == (3, 3, 3, 2, 2)


def test_the_progress_bar_names_the_class_of_a_word_that_is_learned_alone(world, small: Settings, monkeypatch):
    """As on a CPU at 512 pixels, where each word takes hours and has a bar of its own."""
    monkeypatch.setattr("methods.class_groups._CLASSES_TOGETHER", 2)
    tools = fresh_tools(small("diagen"))
    tools.stages = TitledStages()
    tools.textual_inversion(task())
    steps = [f"textual_inversion (steps of {words})" for words in ("2 words", "the word for plum")]
    assert tools.stages.titles == steps


def test_a_label_that_fills_a_group_up_has_one_word(world, small: Settings, monkeypatch):
    monkeypatch.setattr("methods.class_groups._CLASSES_TOGETHER", 2)
    tools = fresh_tools(small("diagen"))
    monkeypatch.setattr(tools.generator, "compiled", True)
    monkeypatch.setattr(tools, "_words", lambda task, labels: [f"word {label}" for label in labels])
    assert tools.textual_inversion(SimpleNamespace(classes="abc")) == ("word 0", "word 1", "word 2")


def test_a_servers_prompts_are_kept_by_all_that_they_depend_on(world, small: Settings, monkeypatch):
    from methods.prompts import openai_prompts, sources

    asked: list[str] = []

    def write(noun, count, settings, seed, fits):
        asked.append(noun)
        return [f"a photo of a <word> {i}" for i in range(count)]

    fake = sources.PromptSource(check=lambda settings: None, write=write)
    monkeypatch.setitem(sources.PROMPT_SOURCES._plugins, "openai", fake)

    def prompts(*overrides: str, count: int = 2, seed: int = 0):
        asked.clear()
        return fresh_tools(small("diagen", overrides=("prompts.source=openai", *overrides))).prompts(
            task(seed=seed), count
        )

    first = prompts()
    assert first[0] == ("a photo of a <word> 0", "a photo of a <word> 1")
    assert asked == ["apple", "leaf", "plum"]
    assert prompts("prompts.timeout_seconds=5", "prompts.retries=1") == first
    assert asked == []
    assert prompts("prompts.file=unread.csv") == first
    assert asked == []
    for change in ("model=other", "base_url=http://localhost:8000/v1", "plurals=as_written", "request=uncommon"):
        prompts(f"prompts.{change}")
        assert len(asked) == 3, change
    prompts(seed=1)
    assert len(asked) == 3
    assert len(prompts(count=3)[0]) == 3
    with monkeypatch.context() as reworded:
        reworded.setattr(openai_prompts, "INSTRUCTION", openai_prompts.INSTRUCTION.replace("photo", "picture"))
        prompts()
        assert len(asked) == 3, "replies to an earlier request are no replies to this one"
    assert prompts() == first
    assert asked == []


def test_no_prompt_that_is_too_long_is_kept_or_used(world, small: Settings, monkeypatch):
    from methods.prompts import sources

    def write(noun, count, settings, seed, fits):
        if not fits("a photo of a <word>"):
            raise UserError("too long for the text encoder")
        return ["a photo of a <word>"] * count

    fake = sources.PromptSource(check=lambda settings: None, write=write)
    monkeypatch.setitem(sources.PROMPT_SOURCES._plugins, "openai", fake)

    def prompts():
        return fresh_tools(small("diagen", overrides=("prompts.source=openai",))).prompts(task(), 1)

    world.longest_prompt = 5
    with pytest.raises(UserError, match="too long for the text encoder"):
        prompts()
    assert not list(Path("store").rglob("*.json"))
    world.longest_prompt = float("inf")
    written = prompts()
    world.longest_prompt = 5
    with pytest.raises(UserError, match=r"of class 'apple' is too long .*, or set another prompts.model") as told:
        prompts()
    Path(str(told.value).split("delete ")[1].split(" to ")[0]).unlink()
    world.longest_prompt = float("inf")
    assert prompts() == written


def test_confidence_is_a_probability_for_each_image(world, small: Settings):
    tools = fresh_tools(small("diagen"))
    images = tools.generate(task(), plan())
    confidence = tools.confidence(task(), images)
    assert confidence.shape == (6,)
    assert ((confidence >= 0) & (confidence <= 1)).all()


def test_features_come_back_in_order_and_are_computed_once(world, tmp_path):
    dataset = DATASETS["squares"]()
    loads: list[str] = []
    pictures = [
        Picture(picture.digest, lambda picture=picture: loads.append(picture.digest) or picture.load())
        for picture in real_pictures(dataset, task().tests["test"])
    ]
    store, stages = Store(tmp_path), Stages(quiet=True)
    first = Embedder("any", 8, store, stages).embed(pictures, "standard", BLOCK // 4)
    again = Embedder("any", 8, store, stages).embed(pictures, "standard", BLOCK // 4)
    assert first.shape == (18, BLOCK // 4, 6)
    assert np.array_equal(first, again)
    assert len(loads) == 18
    alone = Embedder("any", 8, store, stages).embed(pictures[7:8], "standard", BLOCK // 4)
    assert np.array_equal(alone[0], first[7])


def test_each_precision_has_a_network_of_its_own(world, small: Settings):
    models = fresh_tools(small("diagen")).models
    assert [models.embedder("any", 8, dtype).dtype for dtype in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_no_pictures_have_no_features(world, tmp_path):
    assert Embedder("any", 8, Store(tmp_path), Stages(quiet=True)).embed([]).shape == (0, 1, 6)
