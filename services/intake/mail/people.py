"""Who wrote a mail, who is answered, whom it went to as well (RFC 5322, 3.6.2 and 3.6.3).

Reply-To is who is answered, so it names the sender, unless it is no single person, is ourselves or a list. From takes
part too where it is another person: then whoever's address is used sees what is written in answer. In an answer to a
mail of ours From stays the sender, for who may go on with a case is who writes, not whom they name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email import utils

from .charsets import Headers, words

LINE = 2000
"""Characters of a line that is no list of addresses."""
MAX_PEOPLE = 200
"""Addresses of one header that are looked at."""
MEMBER = ("x-original-from", "x-original-sender", "reply-to", "x-google-original-from")
_VIA = re.compile(r" (?:via|aracılığıyla|üzerinden) .{1,100}$", re.IGNORECASE)
_MAILTO = re.compile(r"(?:mailto:)?([^\s<>,;\"?:]{1,128}@[^\s<>,;\"?]{1,253})", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>,;\"@]{1,128}@[^\s<>,;\"@]{1,253}")
_ASIDE = re.compile(r"\"[^\"]{0,400}\"|\([^()]{0,400}\)|=\?[^\s?]{1,60}\?[bq]\?[^\s?]{0,400}\?=", re.IGNORECASE)
"""What stands in quotes, in brackets or encoded: a name or a comment, whatever it looks like."""
_BRACKETED = re.compile(r"<([^<>]{1,400})>\s*$")

_LENIENT = {"strict": False} if getattr(utils, "supports_strict_parsing", False) else {}
"""Later versions of Python give up a whole header for one address that is wrong."""

NO_REPLY = re.compile(
    r"(?:.*[._+-])?(?:no|do-?not|dont|not)[._-]?reply(?:[._+-].*|\d*)$|"
    r"(?:.*[._+-])?(?:yanitlamayin|cevaplamayin|yanitsiz|cevapsiz|yanitlama|cevaplama)(?:iz)?(?:[._+-].*|\d*)$",
    re.IGNORECASE,
)
"""Local parts that say themselves that nobody reads there."""
DAEMON = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|mail-?system|mail-?delivery-?(?:system|subsystem))(?:[._+-].*)?$|daemon$",
    re.IGNORECASE,
)
"""Local parts of mail servers themselves."""
ROBOT = re.compile(
    r"(?:postmaster|root|nobody|www-?data|bounces?(?:[+=_-].*)?|.*-bounces?(?:[+=_-].*)?|"
    r"mail-?delivery|auto-?(?:reply|responder|answer|mailer|mail)|majordomo|listserv|mailman|cron)$",
    re.IGNORECASE,
)
"""Local parts that robots mostly write from: not answered automatically."""
FORM = re.compile(
    r"(?:wordpress|apache|nginx|web-?(?:form|site|master|server|mail(?:er)?)?|(?:contact|iletisim)(?:-?formu?)?|forms?|"
    r"site|mailer|notifications?|bildirim(?:ler)?|sistem|system|server|alerts?|robot|bot)(?:[._+-].*)?$",
    re.IGNORECASE,
)
"""Local parts that forms and shops send from in the name of whoever stands in Reply-To."""


@dataclass(frozen=True, slots=True)
class Person:
    """An address with the name that stands beside it ('' for none)."""

    name: str
    address: str

    @property
    def local(self) -> str:
        return self.address.rpartition("@")[0]


NOBODY = Person("", "")


@dataclass(frozen=True, slots=True)
class Senders:
    """``written``: From (or Sender, or the envelope); ``first`` and ``answer``: who counts as the sender of a first
    mail and of an answer to a mail of ours; ``beside``: From where another person is the sender."""

    written: Person
    first: Person
    answer: Person
    beside: tuple[Person, ...] = ()


def people(lines: Sequence[str]) -> list[Person]:
    """The addresses of header lines. Parsed before encoded words are decoded: such a word adds no address."""
    # an encoded word with an unencoded '@' confuses getaddresses; what stands in angle brackets is then the address
    bracketed = [(line[: match.start()], match[1]) for line in lines if (match := _BRACKETED.search(line))]
    found: dict[str, Person] = {}
    for name, address in (*utils.getaddresses(list(lines), **_LENIENT), *bracketed):
        if _ADDRESS.fullmatch(address) and "=?" not in address:
            one = Person(words(name.strip())[:200], address)
            if not found.setdefault(address.lower(), one).name:
                found[address.lower()] = one
    return list(found.values())[:MAX_PEOPLE]


def written_bare(lines: Sequence[str]) -> list[Person]:
    """Who stands in a line that is no list of addresses (``Ayşe Kaya ayse@example.com``): the only address in it."""
    found = {one.lower(): (one, line) for line in lines for one in _ADDRESS.findall(_ASIDE.sub(" ", line[:LINE]))}
    if len(found) != 1:
        return []
    [(address, line)] = found.values()
    name = line[:LINE].partition(address)[0].strip(" \t\r\n\"'<(,;:")
    return [Person(words(name)[:200], address)]


def _writers(lines: Sequence[str]) -> list[Person]:
    """The addresses of From; getaddresses draws ``a@x.example Kaya`` into one word, which stands nowhere in it."""
    found = people(lines)
    there = bool(found) and any(found[0].address in line for line in lines)
    return found if there else written_bare(lines) or found


def senders(headers: Headers, mail_from: str | None, own: str) -> Senders:
    """Who sent a mail; NOBODY where neither a header nor the envelope names anybody."""
    named = [*_writers(headers.raw.get("from", ())), *people(headers.raw.get("sender", ()))]
    envelope = [Person("", mail_from)] if mail_from and _ADDRESS.fullmatch(mail_from) else []
    written = next(iter((*named, *envelope)), NOBODY)
    if (member := _member(headers, written, own)) is not None:
        return Senders(written, member, member)
    to = people(headers.raw.get("reply-to", ()))
    to = [one for one in to if not is_ours(one.address, own) and not NO_REPLY.match(one.local)]
    if len(to) > 1 and no_person(written, own) and not is_listed(headers):
        return _of_several(written, to, own)
    if len(to) != 1 or to[0].address.lower() == written.address.lower():
        return Senders(written, written, written)
    [asked] = to
    asked = asked if asked.name or no_person(written, own) else Person(written.name, asked.address)
    if no_person(written, own):
        return Senders(written, asked, asked)
    if is_listed(headers) or DAEMON.match(asked.local):
        return Senders(written, written, written)
    return Senders(written, asked, written, (written,))


def _of_several(written: Person, to: Sequence[Person], own: str) -> Senders:
    """Of those whom a form names in Reply-To the first person who is not of its own house; the others take part."""
    house = written.address.lower().rpartition("@")[2]
    persons = [one for one in to if not no_person(one, own)]
    if not persons:
        return Senders(written, written, written)
    asked = next((one for one in persons if one.address.lower().rpartition("@")[2] != house), persons[0])
    return Senders(written, asked, asked, tuple(one for one in persons if one is not asked))


def _member(headers: Headers, written: Person, own: str) -> Person | None:
    """Who wrote to a list that puts its own address into From, so that their domain's DMARC policy is kept."""
    lists = {one.lower() for one in _MAILTO.findall(headers.joined("list-post", "x-original-to"))}
    if not is_listed(headers) or not (written.address.lower() in lists or _VIA.search(written.name)):
        return None
    known = {*lists, written.address.lower()}
    named = people([line for name in MEMBER for line in headers.raw.get(name, ())])
    found = [p for p in named if p.address.lower() not in known and not is_ours(p.address, own)]
    return next((Person(p.name or _VIA.sub("", written.name).strip(" '\""), p.address) for p in found), None)


def no_person(one: Person, own: str) -> bool:
    """Whether an address writes in the name of others: a form, a shop's robot, or our own address."""
    return (
        one == NOBODY
        or is_ours(one.address, own)
        or any(kind.match(one.local) for kind in (NO_REPLY, DAEMON, ROBOT, FORM))
    )


def is_listed(headers: Headers) -> bool:
    """Whether it came through a list of people, which may put its own address into Reply-To."""
    return (
        any(name in headers.all for name in ("list-post", "x-google-group-id", "mailing-list", "x-mailing-list"))
        or headers.first("precedence").lower() == "list"
    )


def is_ours(address: str, own: str) -> bool:
    """Whether an address is the one that our mails come from, with whatever stands after '+'."""
    local, _, domain = address.lower().rpartition("@")
    return bool(own) and f"{local.partition('+')[0]}@{domain.rstrip('.')}" == own.lower()


FREE = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "outlook.com.tr", "hotmail.com", "hotmail.com.tr", "live.com",
    "msn.com", "windowslive.com", "yahoo.com", "yahoo.com.tr", "ymail.com", "icloud.com", "me.com", "mac.com",
    "yandex.com", "yandex.com.tr", "yandex.ru", "mynet.com", "gmx.de", "gmx.net", "web.de", "mail.ru", "proton.me",
    "protonmail.com", "aol.com",
})  # fmt: skip
"""Domains where the neighbours of our own address are strangers."""


def copies(found: Iterable[Person], own: str, others: Iterable[str] = ()) -> list[Person]:
    """Of those whom a mail went to, the ones who are not we: neither our address nor another of our domain, nor one of
    ``others`` (the sender, the envelope's recipients), nor a robot's."""
    ours = own.lower().rpartition("@")[2]
    known = {one.lower() for one in others}
    return [
        one
        for one in found
        if one.address.lower() not in known
        and not is_ours(one.address, own)
        and not (one.address.lower().rpartition("@")[2] == ours and ours not in FREE)
        and not any(kind.match(one.local) for kind in (NO_REPLY, DAEMON, ROBOT))
    ]
