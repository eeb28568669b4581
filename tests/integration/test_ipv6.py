"""A network of IPv6 alone, as private ones are at some hosts: the API answers there, and by IPv4 all the same."""

import httpx

from tests.stack import Stack


def test_the_api_answers_by_ipv6_and_by_ipv4(stack: Stack) -> None:
    stack.environment["API_HOST"] = "::"
    stack.start_api()
    for host in ("[::1]", "127.0.0.1", "localhost"):
        assert httpx.get(f"http://{host}:{stack.port}/livez", trust_env=False).status_code == httpx.codes.OK


def test_by_default_nobody_but_this_machine_reaches_it_and_by_ipv4_alone(stack: Stack) -> None:
    stack.start_api()
    try:
        answer = httpx.get(f"http://[::1]:{stack.port}/livez", trust_env=False)
    except httpx.ConnectError:
        return
    raise AssertionError(f"IPv6 was answered: {answer}")
