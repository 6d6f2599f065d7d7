"""Downloads from a real server on loopback: interrupted, resumed, misdeclared, killed."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from datasets import download as downloading
from datasets import transfer
from datasets.base import Advance
from datasets.download import Archive, download
from datasets.errors import UserError
from tests.datasets.http_server import Server, loopback_server

BODY = random.Random(0).randbytes(600_000)
SHA256 = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
REPOSITORY = Path(__file__).parents[2]


class Progress:
    """A progress stage that records its calls."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    @contextmanager
    def __call__(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        self.done[name] = 0

        def advance(count: int) -> None:
            self.done[name] += count

        yield advance


@pytest.fixture
def server() -> Iterator[Server]:
    with loopback_server() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloading, "WAIT", 0.0)
    monkeypatch.setattr(transfer, "SILENCE", 1)


def archive(url: str, size: int = len(BODY), checksum: str = SHA256) -> Archive:
    return Archive(url, "a.zip", "things", ("a",), size=size, checksum=checksum)


def refused(asked: Archive, folder: Path) -> str:
    """Run a download that fails and return its one-line error; no file of that name may be left."""
    with pytest.raises(UserError) as caught:
        download(asked, folder, Progress())
    assert "\n" not in str(caught.value)
    assert not (folder / "a.zip").exists()
    return str(caught.value)


class TestAHelpfulServer:
    def test_gives_the_file_under_its_name_alone(self, server: Server, tmp_path: Path) -> None:
        path = download(archive(server.serve("/a.zip", BODY)), tmp_path / "new", Progress())
        assert path.read_bytes() == BODY
        assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.zip"]

    def test_is_asked_once_only(self, server: Server, tmp_path: Path) -> None:
        asked = archive(server.serve("/a.zip", BODY))
        for _ in range(3):
            download(asked, tmp_path, Progress())
        assert len(server.requests) == 1

    def test_progress_tells_every_byte(self, server: Server, tmp_path: Path) -> None:
        progress = Progress()
        download(archive(server.serve("/a.zip", BODY)), tmp_path, progress)
        assert progress.done == {"download a.zip": len(BODY), "check a.zip": len(BODY)}

    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha512"])
    def test_any_checksum_of_hashlib_will_do(self, server: Server, tmp_path: Path, algorithm: str) -> None:
        checksum = f"{algorithm}:{hashlib.new(algorithm, BODY).hexdigest()}"
        assert download(archive(server.serve("/a.zip", BODY), checksum=checksum), tmp_path, Progress()).exists()

    def test_size_and_checksum_may_be_unknown(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, chunked=True, ranges=False)
        assert download(archive(url, 0, ""), tmp_path, Progress()).read_bytes() == BODY


class TestABrokenConnection:
    def test_is_taken_up_where_it_broke(self, server: Server, tmp_path: Path) -> None:
        progress = Progress()
        url = server.serve("/a.zip", BODY, breaks_off=(200_000, 150_000))
        assert download(archive(url), tmp_path, progress).read_bytes() == BODY
        assert [request.range for request in server.requests] == ["", "bytes=200000-", "bytes=350000-"]
        assert sum(request.sent for request in server.requests) == len(BODY)
        assert progress.done["download a.zip"] == len(BODY)

    def test_starts_over_where_the_server_cannot_resume(self, server: Server, tmp_path: Path) -> None:
        progress = Progress()
        url = server.serve("/a.zip", BODY, breaks_off=(200_000,), ranges=False)
        assert download(archive(url), tmp_path, progress).read_bytes() == BODY
        assert progress.done["download a.zip"] == len(BODY)

    def test_is_noticed_without_a_declared_length(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, breaks_off=(200_000,), chunked=True)
        assert download(archive(url, 0, ""), tmp_path, Progress()).read_bytes() == BODY

    def test_is_given_up_when_nothing_new_comes(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, breaks_off=(200_000, *[0] * 20))
        line = refused(archive(url), tmp_path)
        assert url in line and f"place it at {tmp_path / 'a.zip'}" in line and "continues from 200000 bytes" in line
        assert len(server.requests) == 1 + downloading.ATTEMPTS

    def test_a_silent_one_counts_as_broken(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(downloading, "ATTEMPTS", 1)
        line = refused(archive(server.serve("/a.zip", BODY, stalls_after=0)), tmp_path)
        assert "Operation too slow" in line

    def test_a_killed_download_goes_on(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, pause=0.02)
        code = (
            "import sys; from pathlib import Path; from tests.datasets.test_download import *;"
            "download(archive(sys.argv[1]), Path(sys.argv[2]), Progress())"
        )
        process = subprocess.Popen([sys.executable, "-c", code, url, str(tmp_path)], cwd=REPOSITORY)
        partial = tmp_path / "a.zip.partial"
        until = time.monotonic() + 20
        while (not partial.exists() or partial.stat().st_size < 100_000) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = partial.stat().st_size
        assert 100_000 <= kept < len(BODY)

        server.files["/a.zip"].pause = 0.0
        assert download(archive(url), tmp_path, Progress()).read_bytes() == BODY
        last = server.requests[-1]
        assert (last.range, last.sent) == (f"bytes={kept}-", len(BODY) - kept)


class TestALyingServer:
    def test_that_declares_too_little_is_asked_for_the_rest(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, declares=500_000)
        assert download(archive(url), tmp_path, Progress()).read_bytes() == BODY
        assert server.requests[-1].range == "bytes=500000-"

    def test_that_declares_too_little_for_good_is_given_up(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, declares=500_000, ranges=False)
        assert "500000 of 600000 bytes" in refused(archive(url), tmp_path)

    def test_that_declares_too_much_is_refused_at_once(self, server: Server, tmp_path: Path) -> None:
        url = server.serve("/a.zip", BODY, declares=700_000)
        assert "larger than the expected 600000 bytes" in refused(archive(url), tmp_path)
        assert len(server.requests) == 1

    def test_that_serves_other_bytes_leaves_nothing(self, server: Server, tmp_path: Path) -> None:
        other = bytes(len(BODY))
        line = refused(archive(server.serve("/a.zip", other)), tmp_path)
        assert SHA256.removeprefix("sha256:") in line and hashlib.sha256(other).hexdigest() in line
        assert list(tmp_path.iterdir()) == []

    def test_that_serves_a_shorter_file_is_given_up(self, server: Server, tmp_path: Path) -> None:
        assert "400000 of 600000 bytes" in refused(archive(server.serve("/a.zip", BODY[:400_000])), tmp_path)


class TestNoServer:
    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_a_refusal_is_final(self, server: Server, tmp_path: Path, status: int) -> None:
        line = refused(archive(server.serve("/a.zip", b"sorry", status=status)), tmp_path)
        assert f"the server answered with status {status}" in line and str(tmp_path / "a.zip") in line
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_busy_server_is_asked_again(self, server: Server, tmp_path: Path, status: int) -> None:
        refused(archive(server.serve("/a.zip", b"later", status=status)), tmp_path)
        assert len(server.requests) == downloading.ATTEMPTS

    def test_no_such_host(self, tmp_path: Path) -> None:
        line = refused(archive("http://no-such-host.invalid/a.zip"), tmp_path)
        assert "http://no-such-host.invalid/a.zip" in line and str(tmp_path / "a.zip") in line

    def test_nobody_listens(self, tmp_path: Path) -> None:
        with loopback_server() as gone:
            url = gone.url + "/a.zip"
        assert url in refused(archive(url), tmp_path)


class TestWhatLiesThere:
    def test_a_file_placed_by_hand_is_taken(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(BODY)
        download(archive(server.url + "/a.zip"), tmp_path, Progress())
        assert server.requests == []

    @pytest.mark.parametrize("content", [BODY[:-1], bytes(len(BODY))])
    def test_a_wrong_file_placed_by_hand_is_named_and_left(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(UserError, match=r"a\.zip: wrong .* remove it and run the same command again"):
            download(archive("http://127.0.0.1:9/a.zip"), tmp_path, Progress())
        assert (tmp_path / "a.zip").read_bytes() == content

    def test_a_partial_file_that_is_too_long_is_dropped(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "a.zip.partial").write_bytes(BODY + b"more")
        assert download(archive(server.serve("/a.zip", BODY)), tmp_path, Progress()).read_bytes() == BODY

    def test_a_whole_partial_file_is_only_checked(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "a.zip.partial").write_bytes(BODY)
        assert download(archive(server.serve("/a.zip", BODY)), tmp_path, Progress()).read_bytes() == BODY
        assert server.requests == []


class TestTheDisk:
    def test_too_small_is_said_before_a_byte_comes(self, server: Server, tmp_path: Path) -> None:
        line = refused(archive(server.serve("/a.zip", BODY), size=10**18), tmp_path)
        assert "needs 1000000000.00 GB" in line
        assert server.requests == []

    def test_what_lies_there_needs_no_more_space(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.zip.partial").write_bytes(BODY[:400_000])
        usage = SimpleNamespace(free=len(BODY) - 400_000)
        monkeypatch.setattr(downloading.shutil, "disk_usage", lambda _: usage)
        assert download(archive(server.serve("/a.zip", BODY)), tmp_path, Progress()).read_bytes() == BODY

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_full_in_the_middle(self, server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "a.zip.partial").symlink_to("/dev/full")
        assert "No space left on device" in refused(archive(server.serve("/a.zip", BODY)), tmp_path)
        assert "Traceback" not in capfd.readouterr().err

    def test_a_file_where_the_folder_should_be(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "downloads").write_text("")
        with pytest.raises(UserError, match="downloads"):
            download(archive(server.serve("/a.zip", BODY)), tmp_path / "downloads", Progress())
