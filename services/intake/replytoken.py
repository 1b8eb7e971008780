"""Whether a reply token is ours: notification makes it for one case and one recipient, and only he can use it.

56 characters of ``[a-z0-9]``: case (base32), day of expiry (hex), and 130 bits of the MAC, which covers the recipient."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.privacy import Links

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CASE, _DAY, _MAC = 26, 4, 26


def check_reply_token(links: Links, token: str, contact: str, now: datetime) -> str | None:
    """The case, when the token is ours, in date, and was made for the contact point that now writes; otherwise None."""
    if len(token) != _CASE + _DAY + _MAC or not token.isascii():
        return None
    packed, day, mac = token[:_CASE], token[_CASE : _CASE + _DAY], token[_CASE + _DAY :]
    try:
        case = str(UUID(bytes=base64.b32decode(packed.upper() + "=" * 6)))
        ends = _EPOCH + timedelta(days=int(day, 16))
    except ValueError:
        return None
    expected = links.sign("reply", f"{case}~{contact}", ends).rpartition(".")[2][:_MAC]
    return case if hmac.compare_digest(mac, expected) and now < ends else None
