"""Whose address it is: nobody gets another one by writing X-Forwarded-For."""

import pytest
from flask import Flask

from api.address import network_of, network_of_request, trust_proxies

CLIENT, PROXY, INNER_PROXY = "198.51.100.7", "203.0.113.1", "203.0.113.2"


def seen(hops: int, connection: str, forwarded: str | None) -> str:
    app = Flask(__name__)
    trust_proxies(app, hops)
    app.add_url_rule("/", view_func=network_of_request)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return app.test_client().get("/", headers=headers, environ_base={"REMOTE_ADDR": connection}).text


@pytest.mark.parametrize(
    ("hops", "connection", "forwarded", "address"),
    [
        # nobody in front: what the header says is nobody's word
        (0, CLIENT, None, CLIENT),
        (0, CLIENT, "1.1.1.1", CLIENT),
        (0, CLIENT, "1.1.1.1, 2.2.2.2", CLIENT),
        # one proxy, which appends
        (1, PROXY, CLIENT, CLIENT),
        (1, PROXY, f"1.1.1.1, {CLIENT}", CLIENT),
        (1, PROXY, f"1.1.1.1,2.2.2.2,,  {CLIENT} ", CLIENT),
        (1, PROXY, f"{PROXY}, 127.0.0.1, {CLIENT}", CLIENT),
        (1, PROXY, None, PROXY),
        # two of them
        (2, INNER_PROXY, f"{CLIENT}, {PROXY}", CLIENT),
        (2, INNER_PROXY, f"1.1.1.1, {CLIENT}, {PROXY}", CLIENT),
        (2, INNER_PROXY, f"1.1.1.1, 2.2.2.2, 3.3.3.3, {CLIENT}, {PROXY}", CLIENT),
        # past the outer one: fewer entries than hops prove nothing
        (2, INNER_PROXY, CLIENT, INNER_PROXY),
    ],
)
def test_only_what_the_configured_proxies_wrote_counts(hops, connection, forwarded, address):
    assert seen(hops, connection, forwarded) == address


@pytest.mark.parametrize("header", ["X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "X-Forwarded-Host"])
def test_no_other_header_does(header):
    app = Flask(__name__)
    trust_proxies(app, 1)
    app.add_url_rule("/", view_func=network_of_request)
    headers = {"X-Forwarded-For": CLIENT, header: "1.1.1.1"}
    assert app.test_client().get("/", headers=headers, environ_base={"REMOTE_ADDR": PROXY}).text == CLIENT


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:4711", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unknown", "unknown"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_of_version_six_counts_as_its_network(address, network):
    assert network_of(address) == network
