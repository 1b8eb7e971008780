"""Whether a reply token is ours, and of which case: notification puts a long form into Message-ID and a short one that
fits a local part into Reply-To. Whether the sender takes part in the case is for the rules to decide."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.privacy import Links

PURPOSE = "reply"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CASE, _DAY, _MAC = 26, 4, 26


def check_reply_token(links: Links, token: str, now: datetime) -> str | None:
    """The case of a token in small letters; None when it is not ours, was changed, or is out of date."""
    if "." in token:
        try:
            return links.check(PURPOSE, token, now)
        except ValueError:
            return None
    if len(token) != _CASE + _DAY + _MAC or not token.isascii():
        return None
    packed, day, mac = token[:_CASE], token[_CASE : _CASE + _DAY], token[_CASE + _DAY :]
    try:
        case = str(UUID(bytes=base64.b32decode(packed.upper() + "=" * 6)))
        ends = _EPOCH + timedelta(days=int(day, 16))
    except ValueError:
        return None
    expected = links.sign(PURPOSE, case, ends).rpartition(".")[2][:_MAC]
    return case if hmac.compare_digest(mac, expected) and now < ends else None
