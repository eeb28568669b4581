"""The public keys of whoever signs our tokens, fetched from its JWKS address and kept, in every process for itself.

A key that is known costs a look into memory, whatever state the issuer is in. Only a token whose key is not known
waits for a refresh, and there is never more than one, by a thread of its own, and one in `APART_SECONDS`: who sends
tokens with invented key ids can neither make us hammer the issuer nor hold our threads.

    age of the keys     known key id                      unknown key id
    to FRESH            taken                             refreshed; then 401, or 503 when that failed
    to TRUSTED          taken, refreshed meanwhile        the same
    older, or none      refreshed first, 503 when that failed
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

import structlog

from api.public_keys import NamedKey, PublicKey
from shared.domain.errors import Unavailable

FRESH_SECONDS = 300.0
TRUSTED_SECONDS = 3_600.0
"""A key that the issuer took back is taken for so long at the most, when the issuer can't be reached to say so."""

APART_SECONDS = 10.0
WAIT_SECONDS = 1.5
"""From the start of the refresh on: who comes later to one that hangs does not wait for it at all."""

log = structlog.get_logger(__name__)


class KeyUnknown(Exception):
    """The issuer has just been asked, and has no such key, or several where the token does not say which."""


@dataclass(frozen=True, slots=True)
class KeySet:
    keys: Sequence[NamedKey]
    asked_at: float

    def find(self, kid: str | None) -> PublicKey | None:
        """Without a key id, and with one that two keys share, only a key that leaves no choice."""
        found = [key.public_key for key in self.keys if kid is None or key.kid == kid]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Refresh:
    started_at: float
    outcome: "Future[KeySet]" = field(default_factory=Future)


class IssuerKeys:
    def __init__(
        self, fetch: Callable[[], Sequence[NamedKey]], *, waiters_max: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Asks at once and waits for nothing, so that the first request finds the keys; `fetch` may raise anything."""
        self._fetch = fetch
        self._clock = clock
        self._may_wait = threading.BoundedSemaphore(waiters_max)
        self._known: KeySet | None = None
        self._lock = threading.Lock()
        self._latest = self._start()

    def find(self, kid: str | None) -> PublicKey:
        """Raises `KeyUnknown`, and `Unavailable` when nobody can tell."""
        known = self._known  # replaced as a whole, never changed, so no lock is needed to read it
        age = self._clock() - known.asked_at if known else math.inf
        key = known.find(kid) if known and age < TRUSTED_SECONDS else None
        if key is None:
            key = self._outcome(self._refresh()).find(kid)
            if key is None:
                raise KeyUnknown
        elif age >= FRESH_SECONDS:
            self._refresh()
        return key

    def _refresh(self) -> Refresh:
        """A new one; or the latest, when that is still running or began a moment ago."""
        with self._lock:
            if self._latest.outcome.done() and self._seconds_until_next() <= 0:
                self._latest = self._start()
            return self._latest

    def _start(self) -> Refresh:
        refresh = Refresh(self._clock())
        try:
            threading.Thread(target=self._run, args=[refresh], name="issuer-keys", daemon=True).start()
        except RuntimeError as error:  # no thread to be had; a refresh that never ends would be the last one
            refresh.outcome.set_exception(error)
        return refresh

    def _run(self, refresh: Refresh) -> None:
        try:
            known = KeySet(self._fetch(), refresh.started_at)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must learn of it
            log.warning("signing keys not refreshed", error=repr(error))
            refresh.outcome.set_exception(error)
        else:
            self._known = known
            refresh.outcome.set_result(known)

    def _outcome(self, refresh: Refresh) -> KeySet:
        """Raises `Unavailable`."""
        self._wait_a_little(refresh)
        if not refresh.outcome.done():
            raise _unavailable()
        # Not raised by the future itself: one exception raised by many threads gathers the frames of all of them.
        if error := refresh.outcome.exception():
            raise _unavailable(self._seconds_until_next()) from error
        return refresh.outcome.result()

    def _wait_a_little(self, refresh: Refresh) -> None:
        """Only so many at once: the other threads must go on with what needs no waiting."""
        seconds = refresh.started_at + WAIT_SECONDS - self._clock()
        if seconds > 0 and not refresh.outcome.done() and self._may_wait.acquire(blocking=False):
            try:
                wait([refresh.outcome], timeout=seconds)
            finally:
                self._may_wait.release()

    def _seconds_until_next(self) -> float:
        return self._latest.started_at + APART_SECONDS - self._clock()


def _unavailable(seconds: float = 0) -> Unavailable:
    return Unavailable("the keys of the token issuer", retry_after_seconds=max(2, math.ceil(seconds)))
