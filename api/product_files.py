"""Products as files: imported and exported as streams, so that memory does not grow with the file."""

from collections.abc import Iterable, Iterator
from itertools import chain

import structlog
from flask import Response, request
from werkzeug.exceptions import LengthRequired, NotAcceptable, UnsupportedMediaType

from api.auth import caller
from api.blueprint import Blueprint
from api.contract import refuses
from api.headers import CONTENT_DISPOSITION
from api.import_answer import ImportTally
from api.import_rows import checked
from api.lines import Line, Upload, read_lines
from api.problems import Problem
from api.product_rows import CSV, FORMATS, NDJSON, Format, UnreadableFile
from api.resources import resources
from api.schemas import ImportOut, ProductIn
from shared.domain.errors import Unavailable
from shared.domain.product import Product
from shared.services.import_products import import_products
from shared.store.catalogue import each_product

blueprint = Blueprint("product-files", __name__, url_prefix="/v1", description="Many products at once, as a file.")

EXPORT_BATCH = 500
"""Products that are read, and sent, at a time."""

CSV_FILE = {"type": "string", "description": "A header, then a product a line, in no particular order of columns."}
FILE = {NDJSON.media_type: {"schema": ProductIn}, CSV.media_type: {"schema": CSV_FILE}}

log = structlog.get_logger(__name__)


@blueprint.post("/products/import")
@blueprint.requires("products:write")
@blueprint.limited("catalogue")
@blueprint.doc(requestBody={"required": True, "content": FILE})
@blueprint.response(200, ImportOut, description="Which rows failed; all others are kept.")
@refuses("malformed-file", "incomplete-body", "length-required", "body-too-large", "unsupported-media-type")
def post_import() -> Response:
    """Create and change products by a file, a row a line. The same file again changes nothing.

    What a row does not give stays as it is. Another stock than there is becomes an adjustment by the difference.
    """
    file_format, upload, tally = _sent_format(), _upload(), ImportTally()
    lines = read_lines(upload)
    first = next(lines, None)
    if first is not None:
        _import(file_format, chain([first], lines), tally)
    if not upload.whole:
        raise _cut_off(upload, tally)
    if first is None:
        raise Problem("malformed-file", "There is nothing in it.")
    return tally.response()


@blueprint.get("/products/export")
@blueprint.requires("products:write")
@blueprint.limited("reads")
@blueprint.response(200, {"type": "string"}, content_type=NDJSON.media_type, headers=CONTENT_DISPOSITION)
@blueprint.alt_response(200, schema={"type": "string"}, content_type=CSV.media_type, description="In order of SKU.")
@refuses("not-acceptable")
def get_export() -> Response:
    """Every product that is not archived, in order of SKU, in the form that an import takes.

    A file that breaks off on the server's side says so in its last line, which is no product.
    """
    file_format = _accepted_format()
    chunks = _written(file_format, each_product(resources().database, batch=EXPORT_BATCH))
    # Made before the answer begins: what goes wrong up to here is answered as a problem.
    first = next(chunks)
    response = Response(_to_the_end(file_format, first, chunks))
    response.headers["Content-Type"] = file_format.content_type
    response.headers["Content-Disposition"] = f"attachment; filename=products.{file_format.extension}"
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def _sent_format() -> Format:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.content_encoding in (None, "identity") and charset in ("utf-8", "utf8"):
        for file_format in FORMATS:
            if file_format.media_type == request.mimetype:
                return file_format
    types = " or ".join(file_format.media_type for file_format in FORMATS)
    raise UnsupportedMediaType(f"Send the file as {types}, in UTF-8, without a Content-Encoding.")


def _upload() -> Upload:
    """Raises 413 and 411: where a chunked body was cut off, nobody can tell (docs/decisions, 0011)."""
    request.max_content_length = resources().settings.import_bytes_max
    if request.content_length is None:
        raise LengthRequired("Send the file with its Content-Length.")
    return Upload(request.stream, request.content_length)


def _import(file_format: Format, lines: Iterable[Line], tally: ImportTally) -> None:
    rows = checked(file_format.read(lines), file_format)
    try:
        for outcome in import_products(resources().database, resources().product_cache, rows, by=caller().subject):
            tally.add(outcome)
    except UnreadableFile as error:
        raise Problem("malformed-file", str(error)) from None
    except Unavailable as error:
        raise _try_again(error, tally) from error


def _try_again(error: Unavailable, tally: ImportTally) -> Problem:
    log.warning("an import was not finished", cause=repr(error.__cause__), **tally.counts())
    seconds = error.retry_after_seconds
    detail = f"The rest was not imported. Send the same file again in {seconds} s: rows that are in change nothing."
    return Problem("unavailable", detail, tally.counts(), {"Retry-After": str(seconds)})


def _cut_off(upload: Upload, tally: ImportTally) -> Problem:
    """In the log too, since whoever is cut off hardly ever reads an answer."""
    log.warning("an import was cut off", what=str(upload), **tally.counts())
    detail = f"{upload} Whole lines were imported: send the same file again, they change nothing."
    return Problem("incomplete-body", detail, tally.counts())


def _accepted_format() -> Format:
    """NDJSON where the caller does not mind."""
    if not request.accept_mimetypes:
        return NDJSON
    # With and without the parameter they are different ones to Werkzeug.
    offers = {name: offer for offer in FORMATS for name in (offer.media_type, f"{offer.media_type}; charset=utf-8")}
    best = request.accept_mimetypes.best_match(offers)
    if best is None:
        raise NotAcceptable(f"There are: {', '.join(offer.media_type for offer in FORMATS)}.")
    return offers[best]


def _written(file_format: Format, products: Iterable[Product]) -> Iterator[bytes]:
    pending = [file_format.header]
    for product in products:
        pending.append(file_format.written(product))
        if len(pending) > EXPORT_BATCH:
            yield "".join(pending).encode()
            pending = []
    yield "".join(pending).encode()


def _to_the_end(file_format: Format, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Granian ends the answer in good form whatever is raised here, and a part would pass for all of the products."""
    try:
        yield first
        yield from rest
    except Exception as error:  # whatever it is, the reader must be told
        log.error("an export broke off", exc_info=error)
        yield file_format.broken_off.encode()
