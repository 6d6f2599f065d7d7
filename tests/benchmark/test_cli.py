"""The command line from outside: exit codes, one-line errors, fast lists, plugins."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from benchmark.cli import main
from benchmark.interrupted import STOPPED
from benchmark.listing import KINDS
from benchmark.setting_checks import split_overrides
from benchmark.tracking import Tracker

ROOT = Path(__file__).parents[2]

HEAVY = ("torch", "torchvision", "diffusers", "transformers", "timm", "mlflow", "faiss", "pandas", "scipy", "sklearn")


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command with a user error and return its single line on standard error."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--method", "diagan"], "diagen"),
        (["run", "--dataset", "custom_koko"], "custom_coco"),
        (["run", "--method", "diagen", "--set", "nonsense.key=3"], "nonsense.key"),
        (["run", "--shots", "four", "--dataset", "imagefolder"], "four"),
        (["run", "--seeds", "0;1", "--dataset", "imagefolder"], "seeds"),
        (["run", "--components", "nois", "--dataset", "imagefolder"], "noise"),
        (["run", "--preset", "maxi", "--dataset", "imagefolder"], "mini"),
        (["run", "--method", "standard", "--dataset", "custom_coco", "--data-root", "/nowhere"], "/nowhere"),
        (["run", "--dataset", "imagefolder", "--set", "classifier.backbone=resnet51"], "resnet51"),
        (["run", "--set", "classifier.backbone=dinov2_vits14", "--set", "classifier.image_size=256"], "multiple of 14"),
        (["run", "--set", "features.name=dinov2_vitl14", "--set", "features.image_size=100"], "multiple of 14"),
        (["run", "--dataset", "imagefolder", "--plugins", "nowhere.py"], "nowhere.py"),
        (["run", "--unknown", "1"], "--unknown"),
        (["run", "--set", "a=1", "b=2"], "(b=2): each setting needs a --set before it"),
        (["sweep", "--rates", "rates.json"], "--rates only serves to estimate how long runs would take: add --dry-run"),
        (["ablation", "--rates", "rates.json"], "add --dry-run"),
        (["ablation", "--rates", "rates.json", "--dry-run"], "the file of rates rates.json cannot be read"),
        (["sweep", "--methods", "standard,diagan"], "diagen"),
        (["sweep", "--methods", ","], "--methods"),
        (["leaderboard", "--format", "yml"], "yml"),
        (["list", "method"], "methods"),
        (["list"], "what"),
        (["runn"], "runn"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]):
    assert says in complaint(capsys, *arguments)


def test_an_incomplete_checkpoint_is_refused_before_anything_is_loaded(tmp_path: Path, capsys):
    (tmp_path / "unet").mkdir()
    arguments = [
        "run",
        "--dataset",
        "imagefolder",
        "--data-root",
        str(tmp_path),
        "--set",
        f"generator.checkpoint={tmp_path}",
    ]
    assert "incomplete" in complaint(capsys, *arguments)


def test_the_openai_source_needs_a_key(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY" in complaint(capsys, "run", "--set", "prompts.source=openai")


def test_protocols_are_listed_with_the_settings_that_they_change(capsys: pytest.CaptureFixture[str]):
    assert main(["list", "protocols"]) == 0
    released, paper = capsys.readouterr().out.splitlines()
    assert released.startswith("as_released  classifier.tested_epoch=last")
    assert paper == "paper"


@pytest.mark.parametrize("kind", KINDS)
def test_lists_import_no_heavy_library(kind: str):
    code = f"""
import sys
from benchmark.cli import main
assert main(["list", "{kind}"]) == 0
heavy = [name for name in {HEAVY!r} if name in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_lists_name_what_is_registered(capsys: pytest.CaptureFixture[str]):
    assert main(["list", "methods"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} >= {"standard", "da_fusion", "diagen"}


def test_help_teaches(capsys: pytest.CaptureFixture[str]):
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    for option in ("--method", "--dataset", "--shots", "--seeds", "--preset", "--components", "--data-root", "--set"):
        assert option in text


def test_a_crash_is_code_1_with_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr("benchmark.listing.listing", lambda *_: 1 / 0)
    assert main(["list", "methods"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_code_that_ends_the_program_is_told(monkeypatch: pytest.MonkeyPatch, capsys):
    """A method may call sys.exit: silence and exit code 0 would look like success."""
    monkeypatch.setattr("benchmark.listing.listing", lambda *_: sys.exit(0))
    assert main(["list", "methods"]) == 1
    assert re.fullmatch(r".*test_cli.py, line \d+, ends the program: raise .*\n", capsys.readouterr().err)


def test_an_interrupt_is_code_130_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys):
    def stop(*_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.listing.listing", stop)
    assert main(["list", "methods"]) == 130
    assert "finished work is kept, and the same command does the rest" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_is_an_interrupt(number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys):
    """`mlflow run` and batch systems stop a process with SIGTERM, and a closing terminal sends SIGHUP."""
    monkeypatch.setattr("benchmark.listing.listing", lambda *_: os.kill(os.getpid(), number))
    with signal_handled(number, lambda *_: None):  # if the signal is not handled, it must not kill the test process
        assert main(["list", "methods"]) == 130
    assert STOPPED in capsys.readouterr().err


def test_under_nohup_the_end_of_the_terminal_stops_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmark.listing.listing", lambda *_: os.kill(os.getpid(), signal.SIGHUP) or "listed")
    with signal_handled(signal.SIGHUP, signal.SIG_IGN):
        assert main(["list", "methods"]) == 0


@contextmanager
def signal_handled(number: signal.Signals, handler: Any) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert shown == capsys.readouterr().out
    assert shown.count("\n") > 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_below_the_output_is_one_line(tmp_path: Path):
    with Path("/dev/full").open("w") as full:
        done = in_a_new_process(tmp_path, "list", "methods", stdout=full)
    assert (done.returncode, done.stderr) == (1, "cannot write the output: No space left on device\n")


def test_what_the_terminal_cannot_show_ends_no_command(tmp_path: Path):
    done = in_a_new_process(tmp_path, "list", "settings", variables={"PYTHONIOENCODING": "latin-1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "? of Eq. 2" in done.stdout


def test_a_leaderboard_shows_the_shots_and_methods_that_are_asked_for(tracking_uri: str, capsys):
    for method, shots in (("standard", "2"), ("standard", "4"), ("da_fusion", "4")):
        tags = {"level": "cell", "method": method, "dataset": "d", "preset": "mini", "shots": shots, "seed": "0"}
        with Tracker().run("a cell", tags) as run:
            run.log_metrics({"accuracy/test": 0.5})
    assert main(["leaderboard", "--format", "csv", "--shots", "4", "--methods", "standard"]) == 0
    lines = csv.DictReader(capsys.readouterr().out.splitlines())
    assert [(line["method"], line["shots"]) for line in lines] == [("standard", "4")]


def test_methods_of_tracked_runs_can_be_asked_for_without_their_plugin(tracking_uri: str, capsys):
    tags = {"level": "cell", "method": "copy_paste", "dataset": "d", "preset": "mini", "shots": "4", "seed": "0"}
    with Tracker().run("a cell", tags) as run:
        run.log_metrics({"accuracy/test": 0.5})
    assert main(["leaderboard", "--format", "csv", "--methods", "copy_paste,standard"]) == 0
    (line,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert line["method"] == "copy_paste"
    assert "did you mean copy_paste?" in complaint(capsys, "leaderboard", "--methods", "copy_past")
    assert "did you mean standard?" in complaint(capsys, "report", "--methods", "standart")
    assert "did you mean diagen?" in complaint(capsys, "leaderboard", "--methods", "diagan")


def test_the_name_alone_of_a_preset_file_does_where_one_of_it_was_run(tracking_uri: str, capsys):
    def run(preset: str) -> None:
        tags = {"level": "cell", "method": "standard", "dataset": "d", "preset": preset, "shots": "4", "seed": "0"}
        with Tracker().run("a cell", tags) as cell:
            cell.log_metrics({"accuracy/test": 0.5})

    run("my (321213)")
    run("my_own (aaaaaa)")
    assert main(["leaderboard", "--preset", "my"]) == 0
    assert "preset my (321213)" in capsys.readouterr().out
    run("my (4ac1b0)")
    assert main(["leaderboard", "--preset", "my"]) == 2
    assert "preset among the tracked runs 'my'; known: my (321213), my (4ac1b0), my_own" in capsys.readouterr().err


def test_a_run_whose_process_died_is_not_said_to_be_running(tracking_uri: str, monkeypatch: pytest.MonkeyPatch, capsys):
    tags = {"level": "cell", "method": "standard", "dataset": "d", "preset": "mini", "shots": "4"}
    monkeypatch.setattr("benchmark.tracking.has_died", lambda process: True)
    with Tracker().run("a cell", {**tags, "seed": "0"}):
        pass
    with Tracker().run("a cell", {**tags, "seed": "1"}):
        assert main(["leaderboard"]) == 0
    assert "1 run stopped before its end" in capsys.readouterr().out


def test_a_leaderboard_without_runs_says_what_to_run(tracking_uri: str, capsys):
    assert "no finished run is tracked here: run `python -m benchmark run`" in complaint(capsys, "leaderboard")


def test_where_no_run_has_finished_it_is_told_what_became_of_them(tracking_uri: str, capsys):
    tags = {"level": "cell", "method": "standard", "dataset": "d", "preset": "mini", "shots": "4"}
    with pytest.raises(OSError, match="full"), Tracker().run("a cell", {**tags, "seed": "0"}):
        raise OSError("full")
    with Tracker().run("a cell", {**tags, "seed": "1"}):
        for command in ("leaderboard", "report"):
            said = complaint(capsys, command)
            assert "no run has finished yet: 1 run failed, 1 run still running; to go on" in said


@pytest.mark.parametrize("command", ["leaderboard", "report", "export"])
def test_where_nothing_is_tracked_no_database_is_left(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    """Most often the command was started in the wrong directory."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    said = complaint(capsys, command)
    assert f"there is no {tmp_path / 'mlflow.db'}: run `python -m benchmark run` first, start this command in" in said
    assert not list(tmp_path.iterdir())


def test_a_tracking_store_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/nowhere/x.db")
    assert "MLFLOW_TRACKING_URI" in complaint(capsys, "leaderboard")


def test_several_settings_fit_in_one_text():
    assert split_overrides(["a.b=1 c=[1, 2]", "", "guide_classifier.weight=min(1, 2c); d=e"]) == (
        "a.b=1",
        "c=[1, 2]",
        "guide_classifier.weight=min(1, 2c)",
        "d=e",
    )


PLUGIN = """
from dataclasses import dataclass
from methods.base import METHODS, Method, SyntheticSet

@METHODS.register("copy_paste")
@dataclass(frozen=True)
class CopyPaste(Method):
    title = "Copy and paste"
    paper = "nobody's"
    amount: float = 0.5

    def synthesize(self, task, tools):
        return SyntheticSet()
"""


def in_a_new_process(
    folder: Path, *arguments: str, stdout: Any = subprocess.PIPE, variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmark", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    pipes = {"stdout": stdout, "stderr": subprocess.PIPE}
    return subprocess.run(command, cwd=folder, text=True, errors="replace", check=False, env=environment, **pipes)


def test_a_plugin_file_adds_a_method_with_its_settings(tmp_path: Path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    listed = in_a_new_process(tmp_path, "list", "methods", "--plugins", "mine.py")
    assert "Copy and paste" in listed.stdout, listed.stderr
    options = ("--plugins", "mine.py", "--method", "copy_paste", "--dataset", "custom_coco")
    refused = in_a_new_process(tmp_path, "run", *options, "--set", "copy_paste.amout=1")
    assert refused.returncode == 2
    assert "copy_paste.amount" in refused.stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [("import nothing_like_this\n", "ModuleNotFoundError: No module"), ("raise SystemExit(0)\n", "SystemExit: 0")],
)
def test_a_plugin_file_that_fails_is_named(text: str, reason: str, tmp_path: Path, capsys):
    (tmp_path / "bad.py").write_text(text)
    assert f"bad.py fails: {reason}" in complaint(capsys, "list", "methods", "--plugins", str(tmp_path / "bad.py"))


def test_an_installed_plugin_that_ends_the_program_is_named(monkeypatch: pytest.MonkeyPatch, capsys):
    class Point:
        name, value = "theirs", "theirs.methods"

        def load(self) -> None:
            sys.exit()

    monkeypatch.setattr("datasets.plugins.entry_points", lambda group: [Point()])
    assert "plugin 'theirs' (theirs.methods) fails: SystemExit" in complaint(capsys, "list", "methods")


def test_after_an_interrupt_threads_that_are_at_work_are_not_waited_for(tmp_path: Path):
    (tmp_path / "slow.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\nraise KeyboardInterrupt\n"
    )
    stopped = in_a_new_process(tmp_path, "list", "methods", "--plugins", "slow.py")
    assert (stopped.returncode, stopped.stderr) == (130, f"{STOPPED}\n")


def test_an_interrupt_while_modules_are_imported_is_told_like_a_later_one(tmp_path: Path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    stopped = in_a_new_process(tmp_path, "list", "methods")
    assert (stopped.returncode, stopped.stderr) == (130, f"{STOPPED}\n")
