"""Where a request comes from, and how many may come from there.

An address is the peer's own, unless the peer is a proxy that is named in ``VEFA_TRUSTED_PROXIES``: only then the header
that it writes is read, from the right, past further named proxies. What stands left of the first address that is none
of them was written by anybody."""

import math
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

from shared.base.networks import Network

KEPT = 10_000
"""Addresses whose requests are counted; the one that was quiet for longest is forgotten first."""


def caller_of(request: Request, proxies: tuple[Network, ...], header: str) -> str:
    """The address that a request is counted for. ``header``: the one that the named proxies write."""
    peer = request.client.host if request.client else "?"
    if not _among(peer, proxies):
        return source(peer)
    values = ",".join(request.headers.getlist(header)).split(",")
    hops = [_for(value) for value in values] if header == "forwarded" else [value.strip() for value in values]
    nearest = peer
    for hop in reversed(hops):
        address = _address(hop)
        if address is None:
            break  # not an address: who wrote it hides, so it counts for the proxy that passed it on
        nearest = address
        if not _among(address, proxies):
            break
    return source(nearest)


@lru_cache(maxsize=1024)
def source(address: str) -> str:
    """What is counted as one: an IPv4 address, the first 64 bits of an IPv6 one (one customer has them all)."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return str(known)


def _among(address: str, proxies: Iterable[Network]) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    if isinstance(known, IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    return any(known in network for network in proxies)


def _for(element: str) -> str:
    """Of an element of a Forwarded header (RFC 7239), who it was forwarded for."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


def _address(hop: str) -> str | None:
    """``192.0.2.1``, ``192.0.2.1:4711``, ``2001:db8::1`` or ``[2001:db8::1]:4711`` as an address."""
    bare = hop[1:].partition("]")[0] if hop.startswith("[") else hop
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        return str(ip_address(bare))
    except ValueError:
        return None


class Limits:
    """At most ``per_minute`` requests of a source: a bucket that fills evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic):
        self._rate, self._full, self._clock = per_minute / 60, float(per_minute), clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, source: str) -> int:
        """Take one request of ``source``: 0 when it may come, otherwise the seconds until one may."""
        now = self._clock()
        left, at = self._buckets.pop(source, (self._full, now))
        left = min(self._full, left + (now - at) * self._rate)
        self._buckets[source] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > KEPT:
            del self._buckets[next(iter(self._buckets))]
        return 0 if left >= 1 else math.ceil((1 - left) / self._rate)
