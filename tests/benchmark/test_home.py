"""A leading `~` in path options: shells do not expand it in `--out=~/reports`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.tracking import Tracker


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home folder, which is not the working directory."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return home


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "methods", "--plugins=~/mine.py"], "plugin file {home}/mine.py does not exist"),
        (["run", "--preset=~/mine.yaml"], "preset '~/mine.yaml': unknown setting 'nonsense'"),
        (["sweep", "--dry-run", "--rates=~/rates.json"], "{home}/rates.json cannot be read"),
        (["run", "--method=standard", "--split-file=~/split.json"], "{home}/split.json"),
        (["export", "--out=~/filled"], "{home}/filled already exists"),
        (["ablation", "--out=~nobody-of-this-name/x"], "the home folder at its beginning is not known"),
    ],
)
def test_what_is_read_may_lie_in_the_home_folder(home: Path, arguments: list[str], says: str, capsys):
    (home / "mine.yaml").write_text("nonsense: 1")
    (home / "filled").mkdir()
    (home / "filled" / "photo.jpg").touch()
    assert main(arguments) == 2
    assert says.format(home=home) in capsys.readouterr().err


def test_what_is_written_may_lie_in_the_home_folder(world, home: Path, tracking_uri: str):
    tags = {"level": "cell", "method": "standard", "dataset": "d", "preset": "mini", "shots": "4", "seed": "0"}
    with Tracker().run("a cell", tags) as run:
        run.log_metrics({"accuracy/test": 0.5})
    assert main(["split", "squares", "--out=~/splits"]) == 0
    assert main(["report", "--only=leaderboard", "--out=~/reports"]) == 0
    assert sorted(path.name for path in home.iterdir()) == ["reports", "splits"]
    assert not Path("~").exists()
