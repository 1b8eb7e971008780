"""The token in Reply-To and Message-ID by which an answer finds its case: made for one case and one recipient.

A local part holds 64 octets (RFC 5321, 4.5.3.1.1): the case, the day of expiry and 130 bits of the MAC are in it; the
recipient is not, but the MAC covers him, so that the right token from a wrong sender is none."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.privacy import Links

PURPOSE = "reply"
LONGEST = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CASE, _DAY, _MAC = 26, 4, 26


def reply_token(links: Links, case: str, contact: str, expires_at: datetime) -> str:
    """56 characters of ``[a-z0-9]``, valid to the end of the UTC day of ``expires_at``. ValueError: case is no UUID."""
    days = (expires_at - _EPOCH).days + 1
    mac = _signed(links, case, contact, days)
    return f"{base64.b32encode(UUID(case).bytes).decode().rstrip('=').lower()}{days:04x}{mac}"


def check_reply_token(links: Links, token: str, contact: str, now: datetime) -> str | None:
    """The case, when the token is ours, in date, and was made for the contact point that now writes; otherwise None."""
    token = token.lower()
    if len(token) != _CASE + _DAY + _MAC:
        return None
    packed, days, mac = token[:_CASE], token[_CASE : _CASE + _DAY], token[_CASE + _DAY :]
    try:
        case = str(UUID(bytes=base64.b32decode(packed.upper() + "=" * 6)))
        number = int(days, 16)
    except ValueError:
        return None
    expected = _signed(links, case, contact, number)
    ours = hmac.compare_digest(mac.encode(), expected.encode())
    return case if ours and now < _EPOCH + timedelta(days=number) else None


def _signed(links: Links, case: str, contact: str, days: int) -> str:
    token = links.sign(PURPOSE, f"{case}~{contact}", _EPOCH + timedelta(days=days))
    return token.rpartition(".")[2][:_MAC]


def with_token(address: str, token: str) -> str:
    """``servis+<token>@domain``; the plain address when the local part would be too long."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}" if len(local) + 1 + len(token) <= LONGEST else address
