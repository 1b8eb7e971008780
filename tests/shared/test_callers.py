"""Where a request counts as coming from: the word of named proxies alone is taken, and nobody's header hides them."""

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import Request

from shared.base.networks import networks
from shared.base.settings import Settings
from shared.edge.callers import KEPT, Limits, caller_of, source

PROXIES = networks("10.0.0.0/8, 192.0.2.7, 2001:db8:ffff::/48")


def request(peer: str | None, *headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Request({"type": "http", "headers": raw, "client": (peer, 4711) if peer else None})


def of(peer: str | None, *forwarded: str, header: str = "x-forwarded-for", proxies: Any = PROXIES) -> str:
    return caller_of(request(peer, *((header, value) for value in forwarded)), proxies, header)


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.5", (), "203.0.113.5"),
        ("203.0.113.5", ("198.51.100.1",), "203.0.113.5"),  # forged: it came from no proxy of ours
        ("203.0.113.5", ("10.0.0.1",), "203.0.113.5"),
        ("127.0.0.1", ("198.51.100.1",), "127.0.0.1"),  # a neighbour on the machine is no proxy either
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("1.1.1.1, 198.51.100.1",), "198.51.100.1"),  # what stands left was sent by the caller
        ("10.0.0.1", ("1.1.1.1", "198.51.100.1"), "198.51.100.1"),  # in lines of its own as well
        ("10.0.0.1", ("198.51.100.1, 192.0.2.7, 10.9.9.9",), "198.51.100.1"),
        ("10.0.0.1", ("1.1.1.1, 198.51.100.1, 192.0.2.7",), "198.51.100.1"),
        ("10.0.0.1", ("10.0.0.2, 10.0.0.3",), "10.0.0.2"),  # all of them ours: a check from within
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("",), "10.0.0.1"),
        ("10.0.0.1", ("unknown",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1:4711",), "198.51.100.1"),
        ("10.0.0.1", ("[2001:db8:1:2:3::4]:4711",), "2001:db8:1:2::/64"),
        ("10.0.0.1", ("2001:db8:1:2:3::4",), "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ("198.51.100.1",), "198.51.100.1"),  # a socket for both families says so
        ("2001:db8:ffff::1", ("198.51.100.1",), "198.51.100.1"),
        (None, ("198.51.100.1",), "?"),
    ],
)
def test_who_calls(peer: str | None, forwarded: tuple[str, ...], caller: str) -> None:
    assert of(peer, *forwarded) == caller


@pytest.mark.parametrize(
    ("forwarded", "caller"),
    [
        (("for=198.51.100.1;proto=https;by=10.0.0.1",), "198.51.100.1"),
        (('For="198.51.100.1:4711"',), "198.51.100.1"),
        (('for="[2001:db8:1:2:3::4]:4711"',), "2001:db8:1:2::/64"),
        (("for=1.1.1.1, for=198.51.100.1, for=192.0.2.7",), "198.51.100.1"),
        (("for=_hidden",), "10.0.0.1"),
        (("for=unknown, for=192.0.2.7",), "192.0.2.7"),
        (("proto=https",), "10.0.0.1"),
    ],
)
def test_the_other_header_is_read_where_the_proxies_write_that_one(forwarded: tuple[str, ...], caller: str) -> None:
    assert of("10.0.0.1", *forwarded, header="forwarded") == caller


def test_only_the_header_that_the_proxies_write_counts() -> None:
    both = request("10.0.0.1", ("Forwarded", "for=1.1.1.1"), ("X-Forwarded-For", "198.51.100.1"))
    assert caller_of(both, PROXIES, "x-forwarded-for") == "198.51.100.1"
    assert caller_of(request("10.0.0.1", ("X-Real-IP", "1.1.1.1")), PROXIES, "x-forwarded-for") == "10.0.0.1"


def test_nobodys_word_is_taken_where_no_proxy_is_named() -> None:
    assert of("127.0.0.1", "198.51.100.1", proxies=()) == "127.0.0.1"


def test_a_customer_of_ipv6_is_one_source_whatever_address_he_takes() -> None:
    assert source("2001:db8:1:2::1") == source("2001:db8:1:2:ffff::9") != source("2001:db8:1:3::1")
    assert source("::ffff:203.0.113.5") == source("203.0.113.5")


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.internal", "10.0.0.1/8", "10.0.0.1;10.0.0.2", "*"])
def test_what_is_no_network_is_named_when_the_service_starts(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"10\.0\.0\.0/8, 192\.0\.2\.7"):
        Settings(database_url="", nats_url="", secrets="/", trusted_proxies=wrong)  # type: ignore[arg-type]


def test_settings_hold_the_networks() -> None:
    set_ = Settings(database_url="", nats_url="", secrets="/", trusted_proxies=" 10.0.0.0/8 ,192.0.2.7,")  # type: ignore[arg-type]
    assert [str(network) for network in set_.proxies] == ["10.0.0.0/8", "192.0.2.7/32"]


def test_a_bucket_fills_evenly_and_says_when() -> None:
    clock = SimpleNamespace(now=0.0)
    limits = Limits(2, lambda: clock.now)
    assert [limits.wait("a") for _ in range(4)] == [0, 0, 30, 30]
    assert limits.wait("b") == 0
    clock.now = 29.5
    assert limits.wait("a") == 1
    clock.now = 30.0
    assert (limits.wait("a"), limits.wait("a")) == (0, 30)


def test_a_flood_from_many_addresses_forgets_the_quiet_ones_and_not_the_one_that_floods() -> None:
    limits = Limits(1, lambda: 0.0)
    assert limits.wait("flood") == 0
    for number in range(2 * KEPT):
        limits.wait(f"other {number}")
        if number % 1000 == 0:
            assert limits.wait("flood") > 0
