"""The examples of the OpenAPI document, by schema, and its links: which answer leads to which operation."""

from typing import Any

PRICE = {"amount": 12500, "currency": "IDR"}
ORDER_ID = "01936f5e-7b1c-7c3e-9a52-0a6f6a2f9d11"
AT = "2026-11-21T10:15:30.125000+00:00"
LATER = "2026-11-21T10:15:30.163000+00:00"

LINE_IN = {"sku": "MUG-01", "quantity": 2}
ORDER = {
    "id": ORDER_ID,
    "status": "confirmed",
    "customer": "alice",
    "reference": "web-4711",
    "items": [{**LINE_IN, "unit_price": PRICE}],
    "total": {"amount": 25000, "currency": "IDR"},
    "reason": None,
    "history": [{"status": "pending", "at": AT}, {"status": "confirmed", "at": LATER}],
    "created_at": AT,
    "updated_at": LATER,
}
REJECTED = {
    **ORDER,
    "status": "rejected",
    "items": [{**LINE_IN, "unit_price": None}],
    "total": None,
    "reason": {"code": "out_of_stock", "lines": [{"sku": "MUG-01", "requested": 2, "available": 1}]},
    "history": [{"status": "pending", "at": AT}, {"status": "rejected", "at": LATER}],
}
PROBLEM = {
    "type": "/problems/invalid-request",
    "title": "The request does not fit its schema",
    "status": 400,
    "detail": "See errors, by field.",
    "request_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "errors": {"items": ["Missing data for required field."]},
}
PRODUCT_IN = {
    "sku": "MUG-01",
    "name": "Blue mug",
    "description": "Holds 300 ml.",
    "price": PRICE,
    "stock": 100,
    "low_stock_threshold": 10,
}
PRODUCT = {**PRODUCT_IN, "low_stock": False, "created_at": AT, "updated_at": AT}
MOVEMENT = {
    "id": "01936f5e-9d20-7d8a-b3f4-6f1f5e2c7a90:MUG-01:adjustment",
    "sku": "MUG-01",
    "kind": "adjustment",
    "delta": 50,
    "reference": "01936f5e-9d20-7d8a-b3f4-6f1f5e2c7a90",
    "reason": "delivery 4711",
    "by": "clerk",
    "at": AT,
}

ROW_PROBLEM = {
    "line": 4,
    "sku": "MUG-02",
    "type": "/problems/invalid-row",
    "title": "The row does not fit its schema",
    "detail": "See errors, by field.",
    "errors": {"price_amount": ["Not a valid integer."]},
}

EXAMPLES: dict[str, Any] = {
    "OrderIn": {"items": [LINE_IN], "reference": "web-4711"},
    "PurchaseIn": {"quantity": 2},
    "BulkIn": {"orders": [{"items": [LINE_IN], "idempotency_key": "web-4711"}]},
    "OrderOut": ORDER,
    "BulkOut": {"results": [{"order": ORDER, "replayed": False}, {"problem": PROBLEM}]},
    "OrderPageOut": {"items": [ORDER, REJECTED], "next_cursor": None},
    "ProductIn": PRODUCT_IN,
    "ProductPatchIn": {"price": {"amount": 11000, "currency": "IDR"}},
    "ProductOut": PRODUCT,
    "ProductPageOut": {"items": [PRODUCT], "next_cursor": None},
    "AdjustmentIn": {"delta": 50, "reason": "delivery 4711"},
    "MovementOut": MOVEMENT,
    "MovementPageOut": {"items": [MOVEMENT], "next_cursor": None},
    "ImportOut": {
        "rows": 3,
        "created": 1,
        "updated": 0,
        "unchanged": 1,
        "failed": 1,
        "problems": [ROW_PROBLEM],
        "problems_omitted": 0,
    },
    "ProblemOut": PROBLEM,
}

_ORDER_OF_THE_ANSWER = {"order_id": "$response.body#/id"}
_ORDER_LINKS = {
    operation: {"operationId": operation, "parameters": _ORDER_OF_THE_ANSWER}
    for operation in ("get_order", "post_cancel", "post_retry")
}
_PRODUCT_LINKS = {
    operation: {"operationId": operation, "parameters": {"sku": "$response.body#/sku"}}
    for operation in ("get_product", "purchase", "post_adjustment", "get_movements")
}

_CHANGES = {
    operation: {
        "operationId": operation,
        "parameters": {"sku": "$response.body#/sku", "header.If-Match": "$response.header.ETag"},
    }
    for operation in ("patch_product", "delete_product")
}

LINKS: dict[str, dict[str, Any]] = {
    "place_order": {"202": _ORDER_LINKS},
    "purchase": {"202": _ORDER_LINKS},
    "get_order": {"200": _ORDER_LINKS},
    "post_product": {"201": _PRODUCT_LINKS | _CHANGES},
    "get_product": {"200": _PRODUCT_LINKS | _CHANGES},
    "patch_product": {"200": _PRODUCT_LINKS},
}
"""By view, then by status."""
