"""The errors that a caller can act on. They carry data; `api/problems.py` turns them into answers.

OrderProcessorError
├── ProductNotFound         no product that may be read or ordered has this SKU
├── SkuTaken                a product, possibly an archived one, has this SKU already
├── VersionConflict         the product is not (any more) as the caller saw it
├── StockOutOfRange         the stock would go below zero, or above what can be kept
├── OrderNotFound           no order has this id, or it is someone else's
├── OrderNotCancellable     it is neither pending nor confirmed (nor cancelled already)
├── OrderNotRetryable       it has not failed
├── OrderUnreadable         what is stored is not an order
├── IdempotencyKeyReuse     the key was used before, with another request
├── QueueTooLong            the oldest pending order has waited for longer than the operators want any to
├── WriteRefused            MongoDB will never store this document as it is
└── Unavailable             MongoDB or the token issuer can't be reached or is too slow, or the process is shutting
                            down; try again later
"""


class OrderProcessorError(Exception):
    """Root of the tree; never raised itself."""


class ProductNotFound(OrderProcessorError):
    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


class SkuTaken(OrderProcessorError):
    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


class VersionConflict(OrderProcessorError):
    def __init__(self, sku: str, version: int) -> None:
        super().__init__(f"{sku} has version {version}")
        self.sku = sku
        self.version = version


class StockOutOfRange(OrderProcessorError):
    def __init__(self, sku: str, *, stock: int, delta: int) -> None:
        super().__init__(f"{sku}: {stock} {delta:+}")
        self.sku = sku
        self.stock = stock
        self.delta = delta


class OrderNotFound(OrderProcessorError):
    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class OrderNotCancellable(OrderProcessorError):
    def __init__(self, order_id: str, status: str) -> None:
        super().__init__(f"{order_id} is {status}")
        self.order_id = order_id
        self.status = status


class OrderNotRetryable(OrderProcessorError):
    def __init__(self, order_id: str, status: str) -> None:
        super().__init__(f"{order_id} is {status}")
        self.order_id = order_id
        self.status = status


class OrderUnreadable(OrderProcessorError):
    def __init__(self, order_id: str, what: str) -> None:
        super().__init__(f"{order_id}: {what}")
        self.order_id = order_id
        self.what = what


class IdempotencyKeyReuse(OrderProcessorError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class QueueTooLong(OrderProcessorError):
    def __init__(self, waited_seconds: float, limit_seconds: int) -> None:
        super().__init__(f"{waited_seconds:.0f} s, more than {limit_seconds}")
        self.waited_seconds = waited_seconds
        self.limit_seconds = limit_seconds


class WriteRefused(OrderProcessorError):
    def __init__(self, code: int) -> None:
        super().__init__(f"MongoDB error code {code}")
        self.code = code


class Unavailable(OrderProcessorError):
    def __init__(self, what: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_seconds = retry_after_seconds
