"""The measuring scripts run at the smallest size and count the operations of the paper's networks. Nothing is timed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.rates import SECONDS, read_rates
from benchmarks_perf import __main__ as command
from benchmarks_perf import compiling, sizes, textual_inversion
from benchmarks_perf.measurement import TITLES, Measurement, counted_text, table
from benchmarks_perf.operations import network_operations, operations
from benchmarks_perf.own_process import in_own_process
from benchmarks_perf.rates_file import add_rates
from benchmarks_perf.sizes import Size, chosen_size
from datasets.errors import UserError
from evaluation.backbones import BACKBONES
from evaluation.settings import ClassifierSettings, FeatureSettings
from methods.compiled import CompiledNetwork
from methods.random_checkpoint import STABLE_DIFFUSION, TINY, build_unet, build_vae, write_random_checkpoint
from methods.settings import GeneratorSettings, TextualInversionSettings

TERA = 1e12


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Size:
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    write_random_checkpoint(folder, TINY)
    return Size(
        generator=GeneratorSettings(str(folder), 32, batch_size=1, dtype="float32", compile="never"),
        guide_width=32,
        rounds=1,
        plain_images=1,
        inversion=TextualInversionSettings(steps=2, batch_size=1),
        classes=2,
        plain_classes=1,
        classifier=ClassifierSettings("efficientnet_lite0", 32, epochs=1, iterations=2, views_per_image=1),
        samples=4,
        features=FeatureSettings("efficientnet_lite0", 32),
        photos=4,
        plain_photos=2,
    )


def test_all_parts_make_one_table_and_one_file_of_rates(
    tiny: Size, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sizes.SIZES, "tiny", tiny)
    command.main("tiny", save=str(tmp_path / "rates.json"))
    printed = capsys.readouterr()
    header, _, titles, _, *lines = printed.out.splitlines()
    assert torch.__version__ in header
    assert "TFLOP/s in float32" in header
    assert titles.split("  ")[0] == "work"
    assert all(title in titles for title in TITLES)
    names = ["generation", "textual inversion", "classifier", "features"]
    assert [line.partition(":")[0] for line in lines] == [*names, "", *names]
    assert all(line.endswith("%") for line in lines[:4])
    assert [line.partition(" …")[0] for line in printed.err.splitlines() if "…" in line] == list(command.PARTS)
    rates = read_rates(tmp_path / "rates.json")
    assert all(getattr(rates, name) > 0 for name in SECONDS)
    assert "size tiny" in rates.device


def test_what_a_new_process_waits_is_a_line_for_each_way(
    tiny: Size, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sizes.SIZES, "tiny", tiny)
    monkeypatch.setattr(compiling, "WAYS", {"uncompiled": "never"})  # compiling takes minutes
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    compiling.main("tiny")
    header, _, titles, _, line = capsys.readouterr().out.splitlines()
    assert torch.__version__ in header
    assert all(title in titles for title in compiling.TITLES)
    way, *waits, traced, compiled = map(str.strip, filter(None, line.split("  ")))
    assert (way, traced, compiled) == ("uncompiled", "0 of 0", "0 of 0")
    assert len(waits) == 3
    assert all(float(wait.removesuffix(" s")) > 0 for wait in waits)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs a C++ compiler")
def test_a_second_process_finds_what_the_first_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    assert in_own_process(compile_a_layer) == ("0 of 1", "0 of 2")
    assert in_own_process(compile_a_layer) == ("1 of 1", "2 of 2")


def compile_a_layer() -> tuple[str, str]:
    """One graph to trace, and two to compile: the forward and the backward pass."""
    CompiledNetwork(torch.nn.Linear(2, 2))(torch.ones(1, 2))
    return compiling.graphs_found()


def test_the_table_shows_seconds_ratio_and_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks_perf.measurement.peak", lambda dtype: 4 * TERA)
    counted = Measurement("one", "steps", "", "image", 6.0, 0.5, TERA, torch.float32, {})
    uncounted = Measurement("two", "steps", "", "class", 1270.0, 4.0, None, torch.float32, {})
    first, second = table([counted, uncounted]).splitlines()[4:6]
    assert first.split("  ")[0] == "one: steps"
    assert first.split()[-6:] == ["6", "s/image", "0.5", "s/image", "12", "50%"]
    assert second.split()[-6:] == ["1,270", "s/class", "4", "s/class", "318", "–"]


@pytest.mark.parametrize(
    ("operations", "text"),
    [(59.88e12, "59.9 TFLOP"), (6.4e15, "6.4 PFLOP"), (10.7e9, "10.7 GFLOP"), (3e5, "0.3 MFLOP")],
)
def test_operations_are_written_with_a_prefix(operations: float, text: str) -> None:
    assert counted_text(operations) == text


class TestCountedOperations:
    """Compared with the figures published for Stable Diffusion 1.4, ResNet-50 and ViT-L/14."""

    def test_one_evaluation_of_the_unet_at_512_pixels(self) -> None:
        with torch.device("meta"):
            unet, inputs = build_unet(STABLE_DIFFUSION), (torch.empty(1, 4, 64, 64), torch.ones(1))
            counted = operations(unet, *inputs, torch.empty(1, 77, 768))
        assert counted == pytest.approx(0.80 * TERA, rel=0.01)

    def test_the_codec_at_512_pixels(self) -> None:
        with torch.device("meta"):
            vae = build_vae(STABLE_DIFFUSION)
            assert operations(vae.encoder, torch.empty(1, 3, 512, 512)) == pytest.approx(1.12 * TERA, rel=0.01)
            assert operations(vae.decoder, torch.empty(1, 4, 64, 64)) == pytest.approx(2.51 * TERA, rel=0.01)

    @pytest.mark.parametrize(
        ("name", "side", "expected"), [("random/resnet50", 256, 10.7e9), ("random/dinov2_vitl14", 224, 162e9)]
    )
    def test_the_papers_backbones(self, name: str, side: int, expected: float) -> None:
        assert network_operations(BACKBONES[name](), side) == pytest.approx(expected, rel=0.01)

    def test_memory_does_not_move_to_the_tensors_without_memory(self) -> None:
        layer = torch.nn.Linear(3, 5)
        assert operations(layer, torch.ones(2, 3)) == 2 * 2 * 3 * 5
        assert layer.weight.device.type == "cpu"


class TestFileOfRates:
    def test_parts_that_were_measured_before_are_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "rates.json"
        add_rates(path, "GPU", True, {"word": 1.0, "image": 2.0})
        add_rates(path, "GPU", True, {"image": 3.0})
        assert json.loads(path.read_text())["seconds"] == {"word": 1.0, "image": 3.0}

    def test_those_of_another_device_are_not(self, tmp_path: Path) -> None:
        path = tmp_path / "rates.json"
        add_rates(path, "GPU", True, {"word": 1.0})
        add_rates(path, "CPU", False, {"image": 3.0})
        assert json.loads(path.read_text()) == {"device": "CPU", "on_gpu": False, "seconds": {"image": 3.0}}

    def test_a_file_that_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match="cannot write"):
            add_rates(tmp_path / "file" / "rates.json", "GPU", True, {})


@pytest.mark.parametrize(
    ("choose", "says"),
    [
        (lambda: chosen_size("fulll"), "unknown size 'fulll'; did you mean full"),
        (lambda: command.main("small", only="generations"), "unknown part 'generations'; did you mean generation"),
    ],
)
def test_unknown_names_are_refused(choose: Callable[[], object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        choose()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_papers_size_is_refused_without_a_gpu() -> None:
    with pytest.raises(UserError, match="needs a GPU"):
        chosen_size("full")


def test_another_checkpoint_takes_the_place_of_a_sizes_own() -> None:
    assert chosen_size("small", "folder").generator == GeneratorSettings("folder", 64)
    assert chosen_size("small").generator.checkpoint == "mini_sd"


@pytest.mark.parametrize(("two_steps", "each"), [(5.0, 2.0), (2.0, 1.0)])
def test_a_word_takes_time_even_where_two_steps_were_by_chance_quicker_than_one(
    two_steps: float, each: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = iter((3.0, two_steps))
    monkeypatch.setattr(textual_inversion, "seconds", lambda work: next(timed))
    assert textual_inversion._seconds(lambda steps: None, 2) == two_steps + 998 * each
