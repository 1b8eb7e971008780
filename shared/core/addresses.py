"""One spelling for each address, however it was written: whose it is, is found by a hash of it. Pure."""

import re
import unicodedata
from functools import lru_cache

import idna
import phonenumbers

from .world import Refused

LONGEST = 320
_NO_MAIL = frozenset(' <>,;"')
_EXTENSION = re.compile(
    r"\s*(?:\(?\b(?:extension|extn|ext|x|dahili|dah|iç hat|durchwahl)[.:]*|/|#)\s*\d{1,6}\)?$", re.IGNORECASE
)
"""What leads on from a switchboard: the number before it is the contact point."""
_MEXICAN_MOBILE = "521"
"""Until 2019 a 1 stood before Mexican mobiles that were called from abroad; WhatsApp still writes it."""


def normalise(kind: str, address: str, region: str) -> str:
    """A mail address in small letters with its domain in ASCII (RFC 5890), a phone number in E.164, a handle without
    '@'. ``region`` is the country of numbers without one, such as TR. Raises Refused naming the field."""
    text = unicodedata.normalize("NFC", address.strip())
    if not text or any(unicodedata.category(c) == "Cc" for c in text) or len(text) > LONGEST:
        raise Refused("invalid-address", "address", "empty, too long or with control characters", "correct it", 422)
    match kind:
        case "mail":
            return _mail(text)
        case "phone":
            return _phone(text, region)
        case "handle":
            return small(text.lstrip("@"))
    return text


def small(text: str) -> str:
    """Small letters; İ is the i that a Turkish phone makes of the first letter, not an i and a dot."""
    return unicodedata.normalize("NFC", text.replace("İ", "i").lower())


def _mail(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not at or not local or "@" in local or not _NO_MAIL.isdisjoint(text):
        raise _refused("not a mail address", "write it like name@example.com")
    domain = _domain(domain.rstrip("."))
    if "." not in domain or any(not label for label in domain.split(".")):
        raise _refused("the domain is not complete", "write it like name@example.com")
    return f"{small(local)}@{domain}"


@lru_cache(maxsize=1024)
def _domain(domain: str) -> str:
    """In ASCII; one that is ASCII already and yet no name of a host stays, for such mails come in. Most mails are of a
    few domains, and the rules of IDNA take longer than all else that is done with an address."""
    try:
        return idna.encode(small(domain), uts46=True).decode()
    except idna.IDNAError as e:
        if domain.isascii():
            return domain.lower()
        raise _refused("the domain cannot be a name", "check its letters") from e


def _phone(text: str, region: str) -> str:
    bare = _EXTENSION.sub("", text)
    if any(c.isalpha() for c in bare):  # phonenumbers takes a letter for the key that it stands on
        raise _refused("letters in a phone number", "write digits only, like +905321234567")
    for one in (bare, _without_mexican_one(bare)):
        try:
            number = phonenumbers.parse(one, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    raise _refused("not a phone number that is in use anywhere", "write one number, like +905321234567")


def _without_mexican_one(text: str) -> str:
    digits = re.sub(r"^(\+|00)|\D", "", text)
    return f"+52{digits[3:]}" if digits.startswith(_MEXICAN_MOBILE) and len(digits) == 13 else text


def _refused(text: str, remedy: str) -> Refused:
    return Refused("invalid-address", "address", text, remedy, 422)
