"""A sane client's way of sending: repeated, with the same key, until there is an answer that counts."""

import asyncio
import time
from typing import Any

import httpx

from tests.faults.chaos.book import Book

PAUSE_MAX_SECONDS = 1.0
"""Retry-After is honoured up to this, so that a buyer is soon back while things break."""

NO_ANSWER_SECONDS = 12.0

IMPATIENT_SECONDS = 0.02
"""Most often the request has arrived by then, and its answer has not."""


class Sender:
    def __init__(self, url: str, book: Book, tokens: dict[str, str]) -> None:
        self._book = book
        self._tokens = tokens
        self.give_up_at = float("inf")
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=4)
        self._client = httpx.AsyncClient(base_url=url, limits=limits, verify=False)

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(
        self, method: str, path: str, *, customer: str, impatient: bool = False, **request: Any
    ) -> httpx.Response | None:
        """The first answer that is neither 429 nor 5xx; None when the time to give up has come.

        An impatient client hangs up on the first attempt.
        """
        headers = {"Authorization": f"Bearer {self._tokens[customer]}", **request.pop("headers", {})}
        timeout = IMPATIENT_SECONDS if impatient else NO_ANSWER_SECONDS
        while True:
            answer = await self._try(method, path, headers=headers, timeout=timeout, **request)
            timeout = NO_ANSWER_SECONDS
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                return answer
            if time.monotonic() > self.give_up_at:
                return None
            await asyncio.sleep(_pause(answer))
            self._book.repeated += 1

    async def _try(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        self._book.requests += 1
        try:
            answer = await self._client.request(method, path, **request)
        except httpx.TransportError as error:
            self._book.answers[type(error).__name__] += 1
            return None
        self._book.answers[str(answer.status_code)] += 1
        self._check(answer, f"{method} {path}")
        return answer

    def _check(self, answer: httpx.Response, what: str) -> None:
        if answer.status_code >= 500 and answer.status_code != 503:
            self._book.wrong.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        if answer.status_code == 503 and not answer.headers.get("Retry-After", "").isdigit():
            self._book.wrong.append(f"{what}: 503 without Retry-After")


def _pause(answer: httpx.Response | None) -> float:
    said = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(said), PAUSE_MAX_SECONDS) if said.isdigit() else 0.2
