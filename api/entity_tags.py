"""Entity tags of products and the conditions on them (RFC 9110, section 13), as versions."""

import re

from flask import request

from api.problems import Problem
from shared.domain.product import Product
from shared.services.edit_product import Versions

_TAG = re.compile(r"v(\d{1,18})", re.ASCII)


def etag_of(product: Product) -> str:
    """Without quotes."""
    return f"v{product.version}"


def versions_in_if_match() -> Versions:
    """The versions that the request may change; None for `*`, whichever there is.

    Raises `Problem` with 428 without If-Match (RFC 6585). A weak tag never matches: the comparison is strong.
    """
    if "If-Match" not in request.headers:
        raise Problem("precondition-required", "Read the product, and send its ETag as If-Match.")
    tags = request.if_match
    if tags.star_tag:
        return None
    return {int(found[1]) for tag in tags.as_set() if (found := _TAG.fullmatch(tag or ""))}
