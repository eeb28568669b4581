"""The errors that a caller can act on. They carry data; `api/problems.py` turns them into answers.

OrderProcessorError
├── ProductNotFound         no product that may be read or ordered has this SKU
├── SkuTaken                a product, possibly an archived one, has this SKU already
├── OrderNotFound           no order has this id, or it is someone else's
├── IdempotencyKeyReuse     the key was used before, with another request
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


class OrderNotFound(OrderProcessorError):
    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class IdempotencyKeyReuse(OrderProcessorError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class WriteRefused(OrderProcessorError):
    def __init__(self, code: int) -> None:
        super().__init__(f"MongoDB error code {code}")
        self.code = code


class Unavailable(OrderProcessorError):
    def __init__(self, what: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_seconds = retry_after_seconds
