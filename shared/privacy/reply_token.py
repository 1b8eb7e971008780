"""The token by which an answer finds its case: in Message-ID as any signed token, in Reply-To in a short form.

A local part holds 64 octets (RFC 5321, 4.5.3.1.1): the case, the day of expiry and 130 bits of the MAC fit beside
``servis+``, the recipient does not. Whether the sender takes part in the case is for intake to decide."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from .sealing import Links

PURPOSE = "reply"
LONGEST = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CASE, _DAY, _MAC = 26, 4, 26


def reply_token(links: Links, case: str, expires_at: datetime) -> str:
    """56 characters of ``[a-z0-9]``, valid to the end of the UTC day of ``expires_at``. ValueError: case is no UUID."""
    days = (expires_at - _EPOCH).days + 1
    return f"{_packed(case)}{days:04x}{_mac(links, case, days)}"


def check_reply_token(links: Links, token: str, now: datetime) -> str | None:
    """The case of a token in either form; None when it is not ours, was changed, or is out of date."""
    token = token.lower()
    if token.count(".") >= 3:
        try:
            return links.check(PURPOSE, token, now)
        except ValueError:
            return None
    if len(token) != _CASE + _DAY + _MAC:
        return None
    packed, days, mac = token[:_CASE], token[_CASE : _CASE + _DAY], token[_CASE + _DAY :]
    try:
        case = str(UUID(bytes=base64.b32decode(packed.upper() + "=" * 6)))
        number = int(days, 16)
    except ValueError:
        return None
    ours = _packed(case) == packed and hmac.compare_digest(mac.encode(), _mac(links, case, number).encode())
    return case if ours and now < _EPOCH + timedelta(days=number) else None


def _packed(case: str) -> str:
    """One spelling only: two bits of the last letter say nothing."""
    return base64.b32encode(UUID(case).bytes).decode().rstrip("=").lower()


def _mac(links: Links, case: str, days: int) -> str:
    token = links.sign(PURPOSE, case, _EPOCH + timedelta(days=days))
    return token.rpartition(".")[2][:_MAC]


def with_token(address: str, token: str) -> str:
    """``servis+<token>@domain``; the plain address when the local part would be too long."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}" if len(local) + 1 + len(token) <= LONGEST else address
