"""Networks as a setting names them."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """``10.0.0.0/8, 192.0.2.7`` as networks. ValueError names the part that is none."""
    found = list[Network]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ip_network(part))
        except ValueError as e:
            remedy = "write addresses or networks apart by commas: 10.0.0.0/8, 192.0.2.7"
            raise ValueError(f"{part!r} is no network ({e}); {remedy}") from e
    return tuple(found)
