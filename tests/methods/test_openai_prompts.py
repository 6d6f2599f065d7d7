"""Prompts from a language model, and all kinds of server behaviour; test_replies.py tests how replies are read."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openai import Timeout

from datasets.errors import UserError
from methods.prompts import check_access_to_prompts, check_prompt_settings, openai_prompts, write_prompts
from methods.settings import PromptSettings

KEY = "sk-very-secret-key"
SETTINGS = PromptSettings(source="openai", model="tiny", timeout_seconds=5.0, retries=1)

Answer = tuple[int, Any]
"""HTTP status, and the reply's text or a function that returns what to send."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def server(*answers: Answer) -> Iterator[tuple[PromptSettings, list[dict[str, Any]]]]:
    """A local server that gives these answers in turn, repeating the last one; yields settings and requests."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, text = answers[min(len(requests), len(answers)) - 1]
            body = text() if callable(text) else completion(text)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield replace(SETTINGS, base_url=f"http://user:pass@127.0.0.1:{http.server_port}/v1"), requests
        finally:
            http.shutdown()


def completion(text: object, refusal: str | None = None, finish_reason: str = "stop") -> str:
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "finish_reason": finish_reason, "message": message}
    return json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice]})


def numbered(count: int, noun: str = "car", start: int = 1) -> str:
    return "\n".join(f"{i}. a photo of a {noun} in setting {i}" for i in range(start, start + count))


def test_a_good_reply_is_taken_at_once_and_more_is_asked_for_than_needed() -> None:
    with server((200, numbered(9))) as (settings, requests):
        prompts = write_prompts("car", 4, settings, seed=0)
    assert prompts == [f"a photo of a <word> in setting {i}" for i in range(1, 5)]
    assert len(requests) == 1
    assert requests[0]["model"] == "tiny"
    assert "Write 9 different prompts" in requests[0]["messages"][0]["content"]


def test_uncommon_settings_are_asked_for_where_that_is_set() -> None:
    with server((200, numbered(9))) as (settings, requests):
        for request in ("plain", "uncommon"):
            write_prompts("car", 4, replace(settings, request=request), seed=0)
    plain, uncommon = (request["messages"][0]["content"] for request in requests)
    assert uncommon == plain.replace("as they can be.", "as they can be, uncommon ones among them.") != plain
    assert not {"unusual", "uncommon", "edge"} & set(plain.split())


def test_too_few_usable_prompts_are_asked_for_again_and_added_up() -> None:
    replies = ((200, numbered(3) + "\n4. a photo of a boat"), (200, numbered(3, start=3)))
    with server(*replies) as (settings, requests):
        prompts = write_prompts("car", 5, settings, seed=0)
    assert prompts == [f"a photo of a <word> in setting {i}" for i in range(1, 6)]
    assert "Write 10 " in requests[0]["messages"][0]["content"]
    assert "Write 7 " in requests[1]["messages"][0]["content"]
    assert requests[0]["seed"] != requests[1]["seed"]


def short(prompt: str) -> bool:
    """Stand in for a text encoder that reads only four words before the class's."""
    return len(prompt.split("<word>")[0].split()) <= 4


def test_prompts_that_do_not_fit_are_asked_for_again() -> None:
    with server((200, "1. a photo of a very red car\n2. a car in fog"), (200, numbered(1))) as (settings, requests):
        prompts = write_prompts("car", 2, settings, seed=0, fits=short)
    assert prompts == ["a <word> in fog", "a photo of a <word> in setting 1"]
    assert len(requests) == 2


def test_a_server_that_writes_what_does_not_fit_is_told_so() -> None:
    problem = r"1 usable .*, and 1 too long .*; set another prompts.model"
    with (
        server((200, "1. a photo of a very red car\n2. a car in fog")) as (settings, _),
        pytest.raises(UserError, match=problem),
    ):
        write_prompts("car", 2, settings, seed=0, fits=short)


def test_a_servers_plurals_are_read_as_is_set() -> None:
    with server((200, "1. many cars\n2. a photo of a car")) as (settings, _):
        prompts = [
            write_prompts("car", 2, replace(settings, plurals=plurals), seed=0) for plurals in ("word", "as_written")
        ]
    assert prompts == [["many <word>", "a photo of a <word>"], ["many cars", "a photo of a <word>"]]


def test_a_wordy_or_rude_model_is_named_with_what_it_said() -> None:
    with server((200, f"I will not do that, {KEY}! " * 40)) as (settings, requests):
        message = refusal(settings)
    assert len(requests) == 2
    assert "0 usable prompts for class 'car' where 3 are needed, in 2 replies" in message
    assert "it last said: 'I will not do that" in message
    assert len(message) < 260


def test_a_reply_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "1. a photo of a"}, {"type": "image"}, {"type": "text", "text": " car at night"}]
    with server((200, lambda: completion(parts))) as (settings, _):
        assert write_prompts("car", 1, settings, seed=0) == ["a photo of a <word> at night"]


def test_an_empty_answer_counts_as_too_few() -> None:
    with server((200, None)) as (settings, _):
        assert "0 usable prompts" in refusal(settings)


def test_prompts_of_two_replies_that_differ_in_case_and_marks_alone_count_once() -> None:
    replies = ((200, "1. a photo of a car"), (200, "1. A photo of a car!\n2. a photo of a red car"))
    with server(*replies) as (settings, _):
        assert write_prompts("car", 2, settings, seed=0) == ["a photo of a <word>", "a photo of a red <word>"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (completion(None, refusal=f"I cannot\nhelp {KEY}"), "it refused: 'I cannot help …'; set another"),
        (completion("", finish_reason="length"), r"was cut off \(finish_reason length\) before any text; set another"),
        (
            completion("1. a b", finish_reason="length"),
            r"was cut off \(finish_reason length\) after '1. a b'; set another",
        ),
    ],
)
def test_a_refusal_and_a_reply_that_is_cut_off_are_told_as_such(answer: str, told: str) -> None:
    with server((200, lambda: answer)) as (settings, _):
        refusal(settings, told)


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "Unknown name 'seed'"), (422, "seed: extra_forbidden"), (400, "Extra inputs are not permitted")],
)
def test_a_server_that_takes_no_seed_is_asked_without(status: int, said: str) -> None:
    with server((status, lambda: json.dumps({"error": {"message": said}})), (200, numbered(8))) as (settings, requests):
        assert len(write_prompts("car", 3, settings, seed=0)) == 3
    assert ["seed" in request for request in requests] == [True, False]


def test_what_is_refused_without_a_seed_as_well_is_told() -> None:
    with server((400, lambda: json.dumps({"error": {"message": "no such model"}}))) as (settings, requests):
        refusal(settings, "answered 400: .*no such model")
    assert ["seed" in request for request in requests] == [True, False]


def test_server_errors_are_tried_again() -> None:
    with server((500, "broken"), (200, numbered(3))) as (settings, requests):
        assert len(write_prompts("car", 3, settings, seed=0)) == 3
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((500, "broken"), "answered 500"),
        ((401, lambda: json.dumps({"error": {"message": f"Incorrect key {KEY}"}})), "answered 401: .*Incorrect key …"),
        ((401, lambda: json.dumps({"error": {"message": "x" * 90 + KEY}})), "answered 401: .*xxx"),
        ((404, lambda: "<html>nothing here</html>"), "answered 404"),
        ((200, lambda: "<html>hello</html>"), "not a chat completion|cannot be reached"),
        ((200, lambda: "{}"), "not a chat completion"),
        ((200, lambda: '{"choices": []}'), "not a chat completion"),
        ((200, lambda: '{"choices": {"0": 1}}'), "not a chat completion"),
        ((200, lambda: "[" * 200_000), "not a chat completion"),
        ((200, lambda: '{"error": {"message": "model\\nnot found"}}'), "instead of prompts: model not found; "),
        ((200, lambda: '{"error": "no model"}'), "instead of prompts: no model; "),
        ((200, lambda: '{"object": "error", "message": "no model"}'), "instead of prompts: no model; "),
        ((200, lambda: json.dumps({"detail": f"bad {KEY}"})), "instead of prompts: bad …; "),
    ],
)
def test_a_server_that_cannot_answer_is_named_in_one_line(answer: Answer, problem: str) -> None:
    with server(answer) as (settings, _):
        refusal(settings, problem)


@pytest.mark.parametrize("key", ["sk-te\nst-key", "sk-tëst-key", "sk-te\x7fst-key"])
def test_a_key_that_no_header_takes_is_refused_unsent_and_unseen(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with (
        server((200, numbered(9))) as (settings, requests),
        pytest.raises(UserError, match=r"the key in OPENAI_API_KEY cannot be sent: .*; copy it again") as caught,
    ):
        write_prompts("car", 3, settings, seed=0)
    assert not requests
    assert "sk-" not in str(caught.value)


def test_a_slow_server_is_given_up() -> None:
    given_up = threading.Event()
    with server((200, lambda: "{}" if given_up.wait(60) else completion(numbered(9)))) as (settings, _):
        refusal(replace(settings, timeout_seconds=0.2, retries=0), r"/v1 did not answer within 0.2 s")
        given_up.set()


def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refusal(replace(SETTINGS, base_url=f"http://127.0.0.1:{port}/v1"), "cannot be reached")


def test_a_server_that_takes_no_connection_is_given_up_long_before_a_reply_would_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server's queue is full, so a connection attempt gets no answer, as at an address without a machine."""
    monkeypatch.setattr(openai_prompts, "CONNECT_SECONDS", 0.2)
    with ExitStack() as sockets:
        deaf = sockets.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for waiting in [sockets.enter_context(socket.socket()) for _ in range(4)]:
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        settings = replace(SETTINGS, base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", timeout_seconds=60.0)
        refusal(replace(settings, retries=0), r"/v1 accepted no connection within 0.2 s;")
        with openai_prompts._client(settings) as client:
            assert client.timeout == Timeout(60.0, connect=0.2)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ALL_PROXY", "socks5://me:s3cret@127.0.0.1:1", "ImportError: Using SOCKS proxy"),
        ("HTTP_PROXY", "ftp://me:s3cret@127.0.0.1:1", "ValueError: Unknown scheme for proxy"),
        ("HTTP_PROXY", "http://me:s3cret@127.0.0.1:abc", "InvalidURL: Invalid port"),
        ("HTTP_PROXY", "http://me:s3cret#@127.0.0.1:1", "InvalidURL: Invalid port"),
        ("HTTP_PROXY", f"ftp://me:s3cret@{'h' * 200}:1", "ValueError: Unknown scheme for proxy"),
        ("SSL_CERT_FILE", "/nonexistent", "FileNotFoundError"),
    ],
)
def test_a_proxy_or_a_certificate_that_cannot_be_used_is_told(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    settings = replace(SETTINGS, base_url="http://127.0.0.1:1/v1")
    with pytest.raises(
        UserError, match=rf"127.0.0.1:1/v1 cannot be set up \({told}.*HTTP_PROXY.*SSL_CERT_FILE"
    ) as caught:
        write_prompts("car", 3, settings, seed=0)
    assert "s3cret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:abc/v1", "http://☃/v1"])
def test_an_address_that_no_client_takes_is_told(address: str) -> None:
    with pytest.raises(UserError, match=f"a connection to {address} cannot be set up .*: check prompts.base_url"):
        write_prompts("car", 3, replace(SETTINGS, base_url=address), seed=0)


def refusal(settings: PromptSettings, problem: str = "class") -> str:
    """The one-line error about a failing server: it names the address and the class, but no secret."""
    with pytest.raises(UserError, match=problem) as caught:
        write_prompts("car", 3, settings, seed=0)
    message = str(caught.value)
    assert "'car'" in message and "http://127.0.0.1:" in message and "/v1" in message
    assert "\n" not in message and KEY[:6] not in message and "user:pass" not in message
    return message


@pytest.mark.parametrize("said", ["", " "])
def test_a_missing_key_is_told_before_anything_is_asked(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before a run finds it; the check of settings does not, because they are valid without a key."""
    monkeypatch.setenv("OPENAI_API_KEY", said)
    check_prompt_settings(SETTINGS)
    with server((200, numbered(9))) as (settings, requests):
        for check in (check_access_to_prompts, lambda settings: write_prompts("car", 3, settings, seed=0)):
            with pytest.raises(UserError, match="OPENAI_API_KEY"):
                check(settings)
    assert not requests


def test_an_address_that_is_none_is_told_before_anything_is_asked() -> None:
    with pytest.raises(UserError, match="is not a valid address: Invalid IPv6 URL"):
        check_prompt_settings(replace(SETTINGS, base_url="http://[::1:8000/v1"))
