"""How Flask-Limiter reaches the permits of the current app: a storage of `limits`, by the name `leased://`."""

from limits.limits import TIME_TYPES
from limits.storage import Storage

from api.permits import Permits
from api.resources import resources


class LeasedStorage(Storage):
    """Holds nothing. A key ends with its limit, so that no more is leased than there is: `.../600/1/minute`.

    https://limits.readthedocs.io/en/stable/custom-storage.html
    """

    STORAGE_SCHEME = ["leased"]  # noqa: RUF012 - as limits has it

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: the permits outlive Redis."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """As the strategy `fixed-window` asks for it, more than the limit is a refusal. It is not counted."""
        limit, _ = _limit_in(key)
        return limit if _permits().take(key, limit=limit, seconds=expiry, cost=amount) else limit + 1

    def get(self, key: str) -> int:
        """How many are spent, at least."""
        limit, seconds = _limit_in(key)
        left, _ = _permits().left(key, limit=limit, seconds=seconds)
        return limit - left

    def get_expiry(self, key: str) -> float:
        limit, seconds = _limit_in(key)
        _, ends = _permits().left(key, limit=limit, seconds=seconds)
        return ends

    def check(self) -> bool:
        return True

    def reset(self) -> None:
        raise NotImplementedError

    def clear(self, key: str) -> None:
        raise NotImplementedError


def _permits() -> Permits:
    return resources().permits


def _limit_in(key: str) -> tuple[int, int]:
    """So many in so many seconds: `RateLimitItem.key_for`."""
    _, amount, multiples, granularity = key.rsplit("/", 3)
    return int(amount), int(multiples) * TIME_TYPES[granularity].seconds
