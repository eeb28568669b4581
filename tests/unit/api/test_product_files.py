"""Files of products, in and out: what every sort of file is answered, and that each row stands alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.import_answer import PROBLEMS_MAX
from api.lines import LINE_BYTES_MAX
from api.problems import PROBLEM_TYPES
from shared.clock import now
from shared.domain.errors import Unavailable
from shared.domain.money import Money
from shared.domain.product import Change, Product
from shared.services import import_products
from shared.store.documents import product_document
from tests.builders import a_product, bearer
from tests.unit.api.test_openapi import assert_documented

IMPORT = "/v1/products/import"
EXPORT = "/v1/products/export"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
HEADERS = bearer(scope="products:write")

HEAD = b"sku,name,description,price_amount,price_currency,stock,low_stock_threshold\n"
ROW = b'{"sku":"MUG-01","name":"Mug","price":{"amount":12500,"currency":"IDR"}}\n'

Products = dict[str, Product]


@pytest.fixture(autouse=True)
def products(monkeypatch) -> Products:
    """The products that there are, by SKU. Transactions are for tests/integration."""
    products: Products = {}

    def change(
        _: object, skus: Sequence[str], decide: Callable[[Mapping[str, Product]], Sequence[Change]], **_told: object
    ):
        changes = decide({sku: products[sku] for sku in skus if sku in products})
        products.update({change.after.sku: change.after for change in changes})
        return changes

    monkeypatch.setattr("shared.services.import_products.change_products", change)
    return products


def send(client: FlaskClient, body: bytes, content_type: str | None = CSV, **headers: str):
    environ = {"CONTENT_LENGTH": str(len(body))}
    headers = {**HEADERS, **headers}
    return client.post(IMPORT, data=body, content_type=content_type, headers=headers, environ_overrides=environ)


def counts(response) -> tuple[int, ...]:
    """Rows, and how many of them are created, updated, unchanged, failed."""
    assert response.status_code == 200, response.json
    return tuple(response.json[name] for name in ("rows", "created", "updated", "unchanged", "failed"))


def problems(response) -> list[tuple[int, str, Any]]:
    """Line, type and the fields that are wrong (else the detail) of each problem."""
    listed = response.json["problems"]
    assert all(entry["title"] == PROBLEM_TYPES[entry["type"].removeprefix("/problems/")].title for entry in listed)
    return [
        (entry["line"], entry["type"].removeprefix("/problems/"), set(entry.get("errors", [])) or entry["detail"])
        for entry in listed
    ]


# Rows.


def test_rows_of_ndjson_are_bodies_of_post_products(client, products):
    full = (
        b'{"sku":"TEE","name":"Tee","description":"Blue","price":{"amount":1,"currency":"EUR"},"stock":3,'
        b'"low_stock_threshold":1}'
    )
    response = send(client, ROW + full, NDJSON)
    assert counts(response) == (2, 2, 0, 0, 0)
    assert (response.json["problems"], response.json["problems_omitted"]) == ([], 0)
    mug, tee = products["MUG-01"], products["TEE"]
    assert (mug.name, mug.description, mug.price, mug.stock) == ("Mug", None, Money(12_500, "IDR"), 0)
    assert (tee.description, tee.stock, tee.low_stock_threshold, tee.version) == ("Blue", 3, 1, 1)


@pytest.mark.parametrize(
    "body",
    [
        HEAD + b"MUG-01,Mug,Blue,12500,IDR,7,2\n",
        HEAD + b"MUG-01,Mug,Blue,12500,IDR,7,2",
        b"\xef\xbb\xbf" + HEAD + b"MUG-01,Mug,Blue,12500,IDR,7,2\n",
        HEAD.replace(b"\n", b"\r\n") + b"MUG-01,Mug,Blue,12500,IDR,7,2\r\n",
        HEAD + b'"MUG-01","Mug","Blue","12500","IDR","7","2"\n',
        b"\n\n" + HEAD + b"\nMUG-01,Mug,Blue,12500,IDR,7,2\n\n",
        b"stock,price_currency,price_amount,name,sku,low_stock_threshold,description\n7,IDR,12500,Mug,MUG-01,2,Blue\n",
        b'"sku",name,description,price_amount,price_currency,stock,low_stock_threshold\nMUG-01,Mug,Blue,12500,IDR,7,2',
    ],
)
def test_a_csv_may_have_a_bom_any_line_ends_quotes_and_any_order_of_columns(client, products, body):
    assert counts(send(client, body)) == (1, 1, 0, 0, 0)
    mug = products["MUG-01"]
    assert (mug.name, mug.description, mug.price) == ("Mug", "Blue", Money(12_500, "IDR"))
    assert (mug.stock, mug.low_stock_threshold) == (7, 2)


def test_quotes_and_commas_of_a_csv_are_part_of_the_text_where_they_are_quoted(client, products):
    body = HEAD + 'A,"19"" rack, black",é; 🧀,1,EUR,,\n'.encode()
    assert counts(send(client, body)) == (1, 1, 0, 0, 0)
    assert (products["A"].name, products["A"].description) == ('19" rack, black', "é; 🧀")


def test_an_empty_cell_is_null_and_for_the_stock_not_given(client, products):
    products["MUG-01"] = a_product("MUG-01", stock=5, description="Blue", low_stock_threshold=3)
    assert counts(send(client, HEAD + b"MUG-01,A mug,,12500,IDR,,\n")) == (1, 0, 1, 0, 0)
    mug = products["MUG-01"]
    assert (mug.description, mug.low_stock_threshold, mug.stock, mug.version) == (None, None, 5, 2)


def test_columns_that_are_not_there_leave_what_there_is(client, products):
    products["MUG-01"] = before = a_product("MUG-01", stock=5, description="Blue", low_stock_threshold=3)
    body = b"sku,name,price_amount,price_currency\nMUG-01,A mug,12500,IDR\n"
    assert counts(send(client, body)) == (1, 0, 0, 1, 0)
    assert products["MUG-01"] is before


def test_fields_that_ndjson_does_not_give_stay_and_null_clears_them(client, products):
    products["MUG-01"] = a_product("MUG-01", stock=5, description="Blue", low_stock_threshold=3)
    row = b'{"sku":"MUG-01","name":"A mug","price":{"amount":12500,"currency":"IDR"},"low_stock_threshold":null}'
    assert counts(send(client, row, NDJSON)) == (1, 0, 1, 0, 0)
    mug = products["MUG-01"]
    assert (mug.description, mug.low_stock_threshold, mug.stock) == ("Blue", None, 5)


def test_the_same_file_twice_changes_nothing(client, products):
    body = HEAD + b"".join(b"SKU-%d,Name,Text,1,EUR,%d,2\n" % (n, n) for n in range(450))
    assert counts(send(client, body)) == (450, 450, 0, 0, 0)
    before = dict(products)
    assert counts(send(client, body)) == (450, 0, 0, 450, 0)
    assert products == before


def test_only_the_first_row_of_a_sku_counts_so_that_the_same_file_again_changes_nothing(client, products):
    body = HEAD + b"A,One,,1,EUR,1,\nB,Bee,,1,EUR,1,\nA,Two,,2,EUR,5,\n"
    response = send(client, body)
    assert counts(response) == (3, 2, 0, 0, 1)
    assert problems(response) == [(4, "sku-repeated", "An earlier row of the file has this SKU, and was taken.")]
    before = dict(products)
    assert counts(send(client, body)) == (3, 0, 0, 2, 1)
    assert products == before


def test_what_stands_in_a_quoted_field_over_several_lines_is_no_product(client, products):
    body = HEAD + b'A,One,"Like this:\nEVIL,Free,,0,EUR,1000,\nend",1,EUR,1,\nB,Bee,,1,EUR,1,\n'
    response = send(client, body)
    assert counts(response) == (2, 1, 0, 0, 1)
    assert problems(response) == [
        (2, "malformed-row", "A quoted field goes on over 3 lines; fields can't hold line breaks.")
    ]
    assert set(products) == {"B"}


def test_a_name_given_twice_in_a_row_of_ndjson_spoils_the_row(client, products):
    response = send(client, ROW.strip()[:-1] + b',"sku":"EVIL"}\n', NDJSON)
    assert counts(response) == (1, 0, 0, 0, 1)
    assert products == {}


def test_a_file_of_too_many_rows_is_taken_up_to_there(client, products, monkeypatch):
    monkeypatch.setattr("api.import_rows.ROWS_MAX", 2)
    response = send(client, HEAD + b"A,One,,1,EUR,1,\nB,Bee,,1,EUR,1,\nC,Sea,,1,EUR,1,\n")
    assert counts(response) == (3, 2, 0, 0, 1)
    assert problems(response) == [(4, "malformed-row", "A file has at most 2 rows: send it in parts.")]
    assert set(products) == {"A", "B"}


def test_an_archived_product_is_a_bad_row(client, products):
    products["A"] = a_product("A", archived_at=now())
    response = send(client, HEAD + b"A,One,,1,EUR,1,\nB,Bee,,1,EUR,1,\n")
    assert counts(response) == (2, 1, 0, 0, 1)
    assert problems(response) == [
        (2, "product-archived", "The product is archived: it can't be changed, and keeps its SKU.")
    ]
    assert response.json["problems"][0]["sku"] == "A"


# Bad rows, with good ones around them that stay.


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (b"B\xff,Bee,,1,EUR,1,", "Byte 2 of the line is not UTF-8."),
        (b"B,Be\xe2\x82,,1,EUR,1,", "Byte 5 of the line is not UTF-8."),
        (b"B,Bee,,1,EUR,1", "The line has 6 fields, the header 7."),
        (b"B,Bee,,1,EUR,1,,", "The line has 8 fields, the header 7."),
        (b"B", "The line has 1 fields, the header 7."),
        (b'B,"Bee,,1,EUR,1,', "Not CSV: unexpected end of data."),
        (b'B,"Bee"x,,1,EUR,1,', "Not CSV: ',' expected after '\"'."),
        (b"x" * (LINE_BYTES_MAX + 1), f"The line is longer than {LINE_BYTES_MAX} bytes."),
        (b"x" * 10_000_000, f"The line is longer than {LINE_BYTES_MAX} bytes."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_line_that_can_not_be_read_spoils_no_other(client, products, row, wrong):
    response = send(client, HEAD + b"A,Ay,,1,EUR,1,\n" + row + b"\nC,Sea,,1,EUR,1,\n")
    assert counts(response) == (3, 2, 0, 0, 1)
    assert problems(response) == [(3, "malformed-row", wrong)]
    assert products.keys() == {"A", "C"}


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (b",Bee,,1,EUR,1,", {"sku"}),
        (b"B B,Bee,,1,EUR,1,", {"sku"}),
        (b"export,Bee,,1,EUR,1,", {"sku"}),
        (b"B,,,1,EUR,1,", {"name"}),
        (b"B,B\x00e,,1,EUR,1,", {"name"}),
        (b'B,"B\re",,1,EUR,1,', {"name"}),
        (b"B," + b"n" * 201 + b",,1,EUR,1,", {"name"}),
        (b"B,Bee," + b"d" * 5_001 + b",1,EUR,1,", {"description"}),
        (b"B,Bee,,,EUR,1,", {"price_amount"}),
        (b"B,Bee,,1.5,EUR,1,", {"price_amount"}),
        (b"B,Bee,,-1,EUR,1,", {"price_amount"}),
        (b"B,Bee,,1_0,EUR,1,", {"price_amount"}),
        (b"B,Bee,, 1,EUR,1,", {"price_amount"}),
        ("B,Bee,,\u0661,EUR,1,".encode(), {"price_amount"}),
        (b"B,Bee,,1e3,EUR,1,", {"price_amount"}),
        (b"B,Bee,," + b"9" * 5_000 + b",EUR,1,", {"price_amount"}),
        (b"B,Bee,,1,eur,1,", {"price_currency"}),
        (b"B,Bee,,1,EUR,many,", {"stock"}),
        (b"B,Bee,,1,EUR,1000000000001,", {"stock"}),
        (b"B,Bee,,1,EUR,1,-1", {"low_stock_threshold"}),
        (b",,,,,x,x", {"sku", "name", "price_amount", "price_currency", "stock", "low_stock_threshold"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:30],
)
def test_a_row_of_csv_that_does_not_fit_says_its_line_and_columns(client, products, row, fields):
    response = send(client, HEAD + b"A,Ay,,1,EUR,1,\n" + row + b"\nC,Sea,,1,EUR,1,\n")
    assert counts(response) == (3, 2, 0, 0, 1)
    assert problems(response) == [(3, "invalid-row", fields)]
    assert products.keys() == {"A", "C"}


@pytest.mark.parametrize(
    ("row", "slug"),
    [
        (b"{", "malformed-row"),
        (b"[" + ROW.strip() + b",", "malformed-row"),
        (b"[" * 50_000, "malformed-row"),
        (b'{"a":' * 20_000, "malformed-row"),
        (b'{"sku":"\\ud800"}', "malformed-row"),
        (b'{"sku":NaN}', "malformed-row"),
        (b'{"sku":"\xff"}', "malformed-row"),
        (b"1", "invalid-row"),
        (b"null", "invalid-row"),
        (b"[]", "invalid-row"),
        (b'"text"', "invalid-row"),
        (b"{}", "invalid-row"),
        (b'{"sku":{"$gt":""}}', "invalid-row"),
        (ROW.strip()[:-1] + b',"colour":1}', "invalid-row"),
        (ROW.strip()[:-1] + b',"stock":null}', "invalid-row"),
        (ROW.strip()[:-1] + b',"stock":1.5}', "invalid-row"),
        (ROW.replace(b"12500", b"123456789012345678901234567890").strip(), "invalid-row"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_row_of_ndjson_that_can_not_be_taken_spoils_no_other(client, products, row, slug):
    response = send(client, ROW + row + b"\n" + ROW.replace(b"MUG-01", b"MUG-02"), NDJSON)
    assert counts(response) == (3, 2, 0, 0, 1)
    assert [(line, slug) for line, slug, _ in problems(response)] == [(2, slug)]
    assert products.keys() == {"MUG-01", "MUG-02"}


def test_bad_rows_are_not_lost_beside_a_good_row_of_their_sku(client):
    response = send(client, HEAD + b"A,,,1,EUR,1,\nA,Ay,,1,EUR,1,\nA,,,1,EUR,1,\n")
    assert counts(response) == (3, 1, 0, 0, 2)
    assert [entry["line"] for entry in response.json["problems"]] == [2, 4]


def test_what_is_wrong_with_one_row_is_told_in_few_words(client):
    row = b"{" + b",".join(b'"field-%d":1' % n for n in range(5_000)) + b"}"
    response = send(client, row, NDJSON)
    assert problems(response) == [(1, "invalid-row", "Too much is wrong with it to be listed.")]


def test_of_many_problems_the_first_are_listed_and_the_rest_counted(client):
    response = send(client, b"{\n" * (PROBLEMS_MAX + 5) + ROW, NDJSON)
    assert counts(response) == (PROBLEMS_MAX + 6, 1, 0, 0, PROBLEMS_MAX + 5)
    assert [entry["line"] for entry in response.json["problems"]] == list(range(1, PROBLEMS_MAX + 1))
    assert response.json["problems_omitted"] == 5


# Files.


def refusal(response, status: int) -> tuple[str, str]:
    assert response.status_code == status, response.json
    assert response.content_type == "application/problem+json"
    return response.json["type"].removeprefix("/problems/"), response.json["detail"]


@pytest.mark.parametrize("media_type", [NDJSON, CSV])
@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n \n", b"\xef\xbb\xbf"])
def test_a_file_with_nothing_in_it_is_refused(client, media_type, body):
    assert refusal(send(client, body, media_type), 400) == ("malformed-file", "There is nothing in it.")


def test_a_header_alone_is_no_mistake(client):
    assert counts(send(client, HEAD)) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"sku,name,price_amount", "missing: price_currency."),
        (b"sku,name,price_amount,price_currency,colour,size", "unknown: colour, size."),
        (b"sku,name,price_amount,price_currency,sku", "twice: sku."),
        (
            b"sku;name;price_amount;price_currency",
            "missing: sku, name, price_amount, price_currency; unknown: sku;name",
        ),
        (b"SKU,name,price_amount,price_currency", "missing: sku; unknown: SKU."),
        (b"sku,name,price_amount,price_currency,", "unknown: (no name)."),
        (b"sku,name,price_amount,price_currency" + b",x" * 20_000, "x and 19990 more."),
        (b"A" * 10_000, "unknown: " + "A" * 120 + "."),
        (b"sku,name\xff", "The header can't be read. Byte 9 of the line is not UTF-8."),
        (b'sku,"name', "The header can't be read. Not CSV: unexpected end of data."),
        (b"x" * (LINE_BYTES_MAX + 1), "The header can't be read. The line is longer than"),
        (ROW.strip(), "The header can't be read. Not CSV: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_csv_with_other_columns_is_refused_whole(client, products, header, said):
    slug, detail = refusal(send(client, header + b"\nA,Ay,1,EUR,,\n"), 400)
    assert slug == "malformed-file"
    assert said in detail
    assert len(detail) < 2_000
    assert products == {}


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        ("application/json", {}),
        ("text/plain", {}),
        ("multipart/form-data; boundary=x", {}),
        ("text/csv; charset=latin-1", {}),
        ("application/x-ndjson; charset=utf-16", {}),
        ("text/csv", {"Content-Encoding": "gzip"}),
        (None, {}),
    ],
)
def test_other_media_types_and_encodings_are_refused(client, content_type, headers):
    slug, detail = refusal(send(client, HEAD, content_type, **headers), 415)
    assert slug == "unsupported-media-type"
    assert "text/csv" in detail
    assert NDJSON in detail


@pytest.mark.parametrize(
    "content_type", ["text/csv; charset=UTF-8", "Text/CSV", 'text/csv; charset="utf-8"; header=present']
)
def test_a_media_type_may_say_more(client, content_type):
    assert counts(send(client, HEAD, content_type)) == (0, 0, 0, 0, 0)


class Unread:
    """A body that must not be read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


def unread(client, size: int | None, **headers: str):
    """The answer to a file of this size, of which no byte can be had."""
    environ = {"wsgi.input": Unread(), "wsgi.input_terminated": True}
    length = {} if size is None else {"CONTENT_LENGTH": str(size)}
    return client.post(IMPORT, content_type=CSV, headers=headers, environ_overrides=environ | length)


def test_a_file_without_its_length_is_refused(client):
    assert refusal(unread(client, None, **HEADERS, **{"Transfer-Encoding": "chunked"}), 411)[0] == "length-required"


def test_a_file_that_is_too_large_is_refused_before_it_is_read(client):
    assert refusal(unread(client, 268_435_457, **HEADERS), 413)[0] == "body-too-large"
    assert unread(client, 268_435_456, **HEADERS).status_code == 500


def test_nobody_reads_the_body_of_a_caller_who_may_not_import(client):
    assert refusal(unread(client, 10), 401)[0] == "unauthorized"
    assert refusal(unread(client, 10, **bearer(scope="orders:write")), 403)[0] == "insufficient-scope"


def test_of_a_file_that_was_cut_off_whole_lines_stay_and_the_log_says_so(client, products, logged):
    came = HEAD + b"A,Ay,,1,EUR,1,\nB,Bee,,1,EUR,10"
    answer = client.post(
        IMPORT, data=came, content_type=CSV, headers=HEADERS, environ_overrides={"CONTENT_LENGTH": str(len(came) + 5)}
    )
    slug, detail = refusal(answer, 400)
    assert slug == "incomplete-body"
    assert f"{len(came) + 5} bytes were announced, {len(came)} came." in detail
    assert (answer.json["rows"], answer.json["created"], answer.json["failed"]) == (1, 1, 0)
    assert products.keys() == {"A"}
    [entry] = [entry for entry in logged if entry["event"] == "an import was cut off"]
    assert (entry["rows"], entry["created"]) == (1, 1)


def test_when_mongodb_goes_away_in_the_middle_the_counts_so_far_are_told(client, products, monkeypatch):
    change = import_products.change_products

    def change_or_fail(database, skus, decide, **_):
        if "SKU-400" in skus:
            raise Unavailable("MongoDB")
        return change(database, skus, decide)

    monkeypatch.setattr("shared.services.import_products.change_products", change_or_fail)
    answer = send(client, HEAD + b"".join(b"SKU-%d,Name,,1,EUR,1,\n" % n for n in range(1_000)))
    slug, detail = refusal(answer, 503)
    assert slug == "unavailable"
    assert "same file again" in detail
    assert answer.headers["Retry-After"] == "2"
    assert (answer.json["rows"], answer.json["created"]) == (400, 400)
    assert len(products) == 400


def test_answers_fit_the_document(client):
    document = client.get("/openapi.json").json
    for body in (HEAD + b"A,Ay,,1,EUR,1,\nB\n,,,,,,\n", HEAD, b"", b"sku\n"):
        assert_documented(document, IMPORT, "post", send(client, body))
    assert set(document["paths"][IMPORT]["post"]["requestBody"]["content"]) == {NDJSON, CSV}
    assert set(document["paths"][EXPORT]["get"]["responses"]["200"]["content"]) == {NDJSON, CSV}
    assert {"400", "411", "413", "415"} <= set(document["paths"][IMPORT]["post"]["responses"])
    assert "406" in document["paths"][EXPORT]["get"]["responses"]


# Export.


@pytest.fixture
def store(database) -> Callable[..., None]:
    return lambda *products: database.products.insert_many([product_document(product) for product in products])


def export(client, accept: str | None = None):
    return client.get(EXPORT, headers=HEADERS if accept is None else {**HEADERS, "Accept": accept})


AWKWARD = a_product("B", description='a "b", é\u2028🧀', stock=3, low_stock_threshold=0, price=10**10)


def test_products_are_exported_in_order_of_sku_without_archived_ones(client, store):
    store(AWKWARD, a_product("a"), a_product("A", stock=0), a_product("C", archived_at=now()))
    response = export(client, CSV)
    assert response.status_code == 200
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == "attachment; filename=products.csv"
    assert response.headers["Vary"] == "Accept"
    assert response.text == (
        "sku,name,description,price_amount,price_currency,stock,low_stock_threshold\r\n"
        "A,A mug,,12500,IDR,0,\r\n"
        'B,A mug,"a ""b"", é\u2028🧀",10000000000,IDR,3,0\r\n'
        "a,A mug,,12500,IDR,10,\r\n"
    )


def test_an_export_as_ndjson_has_the_bodies_of_post_products(client, store):
    store(AWKWARD)
    response = export(client)
    assert response.content_type == NDJSON
    assert response.headers["Content-Disposition"] == "attachment; filename=products.ndjson"
    assert response.text.endswith("\n")
    [line] = response.text.removesuffix("\n").split("\n")
    assert line == (
        '{"sku":"B","name":"A mug","description":"a \\"b\\", é\u2028🧀",'
        '"price":{"amount":10000000000,"currency":"IDR"},"stock":3,"low_stock_threshold":0}'
    )


@pytest.mark.parametrize("media_type", [NDJSON, CSV])
def test_what_was_exported_is_imported_unchanged(client, store, products, media_type):
    there = [AWKWARD, a_product("A", stock=0), *(a_product(f"SKU-{n}", stock=n) for n in range(1_100))]
    store(*there)
    products.update({product.sku: product for product in there})
    exported = export(client, media_type).data
    assert counts(send(client, exported, media_type)) == (1_102, 0, 0, 1_102, 0)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, NDJSON),
        ("*/*", NDJSON),
        ("application/*", NDJSON),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("text/csv; charset=utf-8", CSV),
        ("text/csv;q=0.5, application/x-ndjson;q=0.4", CSV),
        ("text/html, text/csv", CSV),
        ("text/csv, */*;q=0.1", CSV),
    ],
)
def test_the_caller_chooses_the_form(client, accept, media_type):
    assert export(client, accept).mimetype == media_type


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/csv;q=0"])
def test_other_forms_are_not_to_be_had(client, accept):
    slug, detail = refusal(export(client, accept), 406)
    assert slug == "not-acceptable"
    assert "text/csv" in detail


def test_an_export_of_nothing_is_empty(client):
    assert export(client, NDJSON).data == b""
    assert export(client, CSV).data.splitlines() == [HEAD.strip()]


def test_an_export_that_can_not_begin_is_a_503(client, monkeypatch):
    monkeypatch.setattr("api.product_files.each_product", failing_after(0))
    assert refusal(export(client), 503)[0] == "unavailable"


@pytest.mark.parametrize("media_type", [NDJSON, CSV])
def test_an_export_that_breaks_off_says_so_and_does_not_pass_for_a_whole_one(client, monkeypatch, logged, media_type):
    monkeypatch.setattr("api.product_files.each_product", failing_after(700))
    exported = export(client, media_type)
    assert exported.status_code == 200
    assert "broke off" in exported.text.splitlines()[-1]
    assert [entry["event"] for entry in logged] == ["an export broke off"]
    assert counts(send(client, exported.data, media_type))[-1] == 1


def failing_after(count: int):
    def each_product(*_: object, **__: object):
        yield from (a_product(f"SKU-{n}") for n in range(count))
        raise Unavailable("MongoDB")

    return each_product


@pytest.mark.parametrize(("method", "path"), [("GET", IMPORT), ("POST", EXPORT), ("PUT", IMPORT), ("DELETE", EXPORT)])
def test_the_addresses_of_files_are_no_products(client, method, path):
    response = client.open(path, method=method, headers=HEADERS)
    assert response.status_code in (404, 405)
    assert response.content_type == "application/problem+json"


def test_a_head_request_has_the_headers_of_the_export_alone(client, store):
    store(AWKWARD)
    response = client.head(EXPORT, headers=HEADERS)
    assert (response.status_code, response.data) == (200, b"")
