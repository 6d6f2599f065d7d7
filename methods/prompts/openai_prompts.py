"""Prompts from a language model on any server that speaks OpenAI's protocol (OpenAI, vLLM, Ollama, llama.cpp …)."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

from datasets.errors import UserError, reason_of
from datasets.plurals import counted
from methods.prompts.fits import Fits
from methods.prompts.reply import distinct, prompts_in
from methods.settings import PromptSettings

KEY_VARIABLE = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"
SPARE = 5
"""Prompts requested beyond those needed, since some are unusable (the published code's number)."""
CONNECT_SECONDS = 10.0
"""Longest wait for a connection: a reply may take minutes, but where no server is, nothing ever answers."""
_QUOTED = re.compile(r"""(['"])(?:.*\1|.*$)""")
_REFUSALS = (400, 422)
"""HTTP status of requests that contain something the server does not accept."""

INSTRUCTION = """Write {count} different prompts for a text-to-image model, each a photo of a {noun}.
Follow this pattern, in which every bracket is optional:
a photo of a [adjective] {noun} [location and/or weather preposition] [weather] [location] \
[time of day with preposition]
Use visual adjectives only. Vary how many brackets are filled. {settings}
Each prompt must contain the word "{noun}" in the singular. Answer with a numbered list and nothing else."""

REQUESTS = {
    "plain": "Let the settings be as different as they can be.",
    "uncommon": "Let the settings be as different as they can be, uncommon ones among them.",
}
"""What the request says about settings, by `prompts.request`. The paper's does not ask for uncommon ones."""


def check(settings: PromptSettings) -> None:
    """Refuse an invalid address, without sending a request."""
    try:
        urlsplit(settings.base_url)
    except ValueError as error:
        raise UserError(f"prompts.base_url '{settings.base_url}' is not a valid address: {error}") from None


def check_access() -> None:
    """Refuse a key that is missing or cannot be sent, without sending a request."""
    if not _key():
        raise UserError(
            f"prompts.source=openai needs the environment variable {KEY_VARIABLE} "
            "(any text for a local server); or write prompts offline with --set prompts.source=template"
        )
    if not (_key().isascii() and _key().isprintable()):  # the HTTP library would print the key in its error
        raise UserError(
            f"the key in {KEY_VARIABLE} cannot be sent: it holds a line break or a character beyond ASCII; "
            "copy it again"
        )


def request(noun: str, count: int, settings: PromptSettings) -> str:
    """The text that asks the language model for `count` prompts for the noun."""
    return INSTRUCTION.format(count=count, noun=noun, settings=REQUESTS[settings.request])


def write(noun: str, count: int, settings: PromptSettings, seed: int, fits: Fits) -> list[str]:
    """`count` distinct prompts for the noun; while too few are usable, asks again, at most `retries` times.

    A prompt is unusable if it lacks the noun or does not fit.

    Raises:
        UserError: the server cannot be reached, refuses, or keeps giving too few usable prompts.
    """
    found: list[str] = []
    prompts: list[str] = []
    said = ""
    with _client(settings) as client:
        for attempt in range(settings.retries + 1):
            wanted = count - len(prompts) + SPARE
            reply, said = _ask(client, noun, wanted, settings, seed + attempt)
            found = distinct([*found, *prompts_in(reply, noun, settings.plurals)])
            prompts = [prompt for prompt in found if fits(prompt)]
            if len(prompts) >= count:
                return prompts[:count]
    cut = len(found) - len(prompts)
    needed = f"{count} are needed" + (f", and {cut} too long for the text encoder" if cut else "")
    raise UserError(
        f"{_server(settings)} gave {counted(len(prompts), 'usable prompt')} for class '{noun}' where {needed}, "
        f"in {settings.retries + 1} replies; {said}; set another prompts.model, or prompts.source=template"
    )


def _client(settings: PromptSettings) -> Any:
    """The client; raises `UserError` for an address, a proxy or a certificate that its HTTP library does not accept."""
    from openai import OpenAI, Timeout

    try:
        return OpenAI(
            api_key=_key(),
            base_url=settings.base_url or OPENAI_URL,
            timeout=Timeout(settings.timeout_seconds, connect=_connect_seconds(settings)),
            max_retries=settings.retries,
        )
    except Exception as error:  # the HTTP library's own, and whatever opening a certificate file raises
        reason = _QUOTED.sub("'…'", reason_of(error))  # it quotes the proxy's address, which may hold a password
        raise UserError(
            f"a connection to {_server(settings)} cannot be set up ({type(error).__name__}: {reason}): check "
            "prompts.base_url, and the environment's proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) and certificates "
            "(SSL_CERT_FILE, SSL_CERT_DIR)"
        ) from None


def _connect_seconds(settings: PromptSettings) -> float:
    return min(settings.timeout_seconds, CONNECT_SECONDS)


def _ask(client: Any, noun: str, count: int, settings: PromptSettings, seed: int) -> tuple[str, str]:
    """One reply, and its description for error messages; the client retries timeouts, rate limits and server errors."""
    from openai import APIStatusError, APITimeoutError, OpenAIError

    answer: Any = None
    try:
        answer = _completion(client, settings.model, request(noun, count, settings), seed % 2**31)
        text = _text(answer.choices[0].message.content)
        return text, _told(answer.choices[0], text)
    except APITimeoutError as error:
        problem = f"did not answer within {settings.timeout_seconds:g} s (prompts.timeout_seconds)"
        if type(error.__cause__).__name__ == "ConnectTimeout":  # of whichever HTTP library the client has
            problem = f"accepted no connection within {_connect_seconds(settings):g} s"
    except APIStatusError as error:
        problem = f"answered {error.status_code}: {_brief(error.message)}"
    except OpenAIError as error:
        problem = f"cannot be reached: {_brief(error.__cause__ or error)}"
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        problem = _instead_of_a_completion(answer)
    raise UserError(
        f"no prompts for class '{noun}': {_server(settings)} {problem}; set another prompts.model or "
        "prompts.base_url, or prompts.source=template, which needs no server"
    )


def _completion(client: Any, model: str, text: str, seed: int) -> Any:
    """The model's answer to the text; without a seed if its server refuses seeds, as Google's and Mistral's do.

    Not all servers say that it was the seed, so any refused request is sent once more without it.
    """
    from openai import APIStatusError

    asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    try:
        return client.chat.completions.create(**asked, seed=seed)
    except APIStatusError as error:
        if error.status_code not in _REFUSALS:
            raise
    return client.chat.completions.create(**asked)


def _text(content: Any) -> str:
    """The text of a message, which some servers send in parts: `[{"type": "text", "text": …}, …]`."""
    if isinstance(content, list):
        return "".join(_text(part.get("text") if isinstance(part, dict) else part) for part in content)
    return str(content or "")


def _told(choice: Any, text: str) -> str:
    """What the model said last, or why it said nothing: reasoning alone may use up its tokens."""
    refusal = getattr(choice.message, "refusal", None)
    if refusal and not text:
        return f"it refused: '{_brief(refusal)[:80]}'"
    if getattr(choice, "finish_reason", None) == "length":
        where = f"after '{_brief(text)[:80]}'" if text else "before any text"
        return f"its last reply was cut off (finish_reason length) {where}"
    return f"it last said: '{_brief(text)[:80]}'"


def _instead_of_a_completion(answer: Any) -> str:
    """Describe what a server sent, with a status of success, in place of a completion; some report errors this way."""
    fields = getattr(answer, "model_extra", None) or {}
    said = next((fields[name] for name in ("error", "message", "detail") if fields.get(name)), None)
    if isinstance(said, dict):
        said = said.get("message", said)
    if said:
        return f"gave an error instead of prompts: {_brief(said)}"
    return "gave an answer that is not a chat completion; is prompts.base_url right (it usually ends with /v1)?"


def _server(settings: PromptSettings) -> str:
    """The server's address for messages, without any password that it contains."""
    parts = urlsplit(settings.base_url or OPENAI_URL)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _key() -> str:
    return os.environ.get(KEY_VARIABLE, "").strip()


def _brief(said: object) -> str:
    """The beginning of a text, on one line. The key is removed first, because a cut might leave a part of it."""
    text = str(said).replace(_key(), "…") if len(_key()) > 3 else str(said)
    return " ".join(text.split())[:120]
