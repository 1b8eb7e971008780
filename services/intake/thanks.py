"""Whether a message says nothing but thanks, or nothing but assent: its words are all phrases of the policy, forms of
address or the sender's own name; what stands below may be a signature. In doubt it is a message."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .phrases import found_at, tokens
from .policy import IntakePolicy

SIGNATURE_LINES, LINE_LENGTH, NAME_WORDS = 8, 80, 4
HONORIFICS = frozenset({"bey", "hanim", "hoca", "abi", "abla"})
VOCATIVES = frozenset({"hocam", "beyefendi", "hanimefendi", "efendim", "arkadaslar", "kardesim"})
TITLES = frozenset({"mr", "mrs", "ms", "dr", "dear", "sayin", "sn", "sevgili"})
JOINING = frozenset({"ve", "ile", "and", "of", "the", "de", "da", "van", "von", "fur", "und"})
_REACHED = re.compile(
    r"(?:\+?\d[\d\s()./-]{6,}\d)|[^\s@]+@[^\s@]+\.\w+|https?://|\bwww\.|\b[\w-]+\.(?:com|net|org|example)\b"
)
"""A phone number, a mail address, a site."""
_LINK = re.compile(r"https?://\S+")
_BOTH_NAMES = re.compile(r"\b(?:[A-ZÇĞİÖŞÜ][^\W\d_]+\s+){2}(?:[Bb]ey|[Hh]anım|[Hh]anim|[Hh]oca|[Aa]bi|[Aa]bla)\b")
_POST = re.compile(
    r"\b(?:mudur\w*|uzman\w*|yonetici\w*|sorumlu\w*|muhendis\w*|temsilci\w*|danisman\w*|asistan\w*|koordinator\w*|"
    r"sekreter\w*|avukat|sef\w*|direktor\w*|baskan\w*|kurucu\w*|manager|director|engineer|assistant|consultant|"
    r"specialist|officer|founder|ceo|cto|cfo|head|lead|department|departman\w*|a s|ltd|sti|san|tic|gmbh|inc|llc|co|"
    r"plc)\b"
)
"""Of a folded line: a post in a firm, or what a firm is."""
_VERB = re.compile(r"(?:[dt][iu](?:m|k|niz|nuz|ler|lar)?|yor\w*|m[iu]s(?:ti|sin)?|[ae]c[ae][gk]\w*)$")
"""How a folded Turkish word ends that says what happens, not who somebody is."""
_SAD = re.compile(r"(?<!\w)[:;=]['-]?[(/|\[]")
_NOT = frozenset({"hayir", "no", "not", "yok", "degil", "ama", "fakat", "but", "nope", "never"})


@dataclass(frozen=True, slots=True)
class Courtesy:
    """What a message says that says nothing else."""

    thanks: bool = False
    assent: bool = False

    @property
    def bare(self) -> bool:
        return self.thanks or self.assent


def courtesy(policy: IntakePolicy, text: str, name: str | None = None, address: str | None = None) -> Courtesy:
    """``name`` and ``address`` are the sender's, as far as known; neither where the text says anything further."""
    if "?" in _LINK.sub("", text) or _SAD.search(text):
        return Courtesy()
    own = frozenset(tokens(f"{name or ''} {re.sub(r'[._+-]', ' ', (address or '').partition('@')[0])}")) - {""}
    lines = [line.strip() for line in text.splitlines() if tokens(line)]
    thanks = assent = False
    said = 0
    for number, line in enumerate(lines):
        found = _courteous(policy, line, own)
        if found is None:
            bare = thanks or assent
            return Courtesy(thanks, assent) if bare and _is_signature(policy, lines[number:], own) else Courtesy()
        said += len(tokens(line))
        thanks, assent = thanks or found.thanks, assent or found.assent
        if said > policy.thanks_words:
            return Courtesy()
    return Courtesy(thanks, assent)


def _courteous(policy: IntakePolicy, line: str, own: frozenset[str]) -> Courtesy | None:
    """What a line of nothing else says: neither where it names somebody alone; None where it says more."""
    said, at = tokens(line), 0
    thanks = assent = False
    while at < len(said):
        if taken := found_at(said, at, policy.thanks_phrases):
            thanks = True
        elif taken := found_at(said, at, policy.assent_phrases):
            assent = True
        else:
            taken = _addressed(line, said, at, own, courteous=thanks or assent)
            if not taken:
                return None
        at += taken
    return Courtesy(thanks, assent)


def _addressed(line: str, said: Sequence[str], at: int, own: frozenset[str], *, courteous: bool) -> int:
    """How many tokens from ``at`` on are somebody's name: 'Ahmet Bey', 'Mr Smith', the sender's own; 0: none."""
    if said[at] in VOCATIVES:
        return 1
    if said[at + 1 : at + 2] and said[at + 1] in HONORIFICS and not (said[at] in _NOT or _VERB.search(said[at])):
        return 2
    if said[at + 2 : at + 3] and said[at + 2] in HONORIFICS and _BOTH_NAMES.search(line):
        return 3
    if said[at] in TITLES:
        return min(2, len(said) - at)
    if said[at] in own and (courteous or all(one in own for one in said[at:])):
        return 1
    last = at == len(said) - 1
    return 1 if courteous and last and _names_somebody(line) else 0


def _names_somebody(line: str) -> bool:
    """Whether a line of thanks ends with one capitalised word, with nothing but a comma before it: 'Thanks, Ece'."""
    found = re.search(r"[^\W\d_]{2,},?\s+([^\W\d_]+)[.!]*$", line)
    if found is None or not found[1][0].isupper() or found[1].isupper():
        return False
    [word] = tokens(found[1]) or [""]
    return word not in _NOT and not _VERB.search(word)


def _is_signature(policy: IntakePolicy, lines: Sequence[str], own: frozenset[str]) -> bool:
    """Whether the lines say who somebody is and how to reach them, and nothing that happened."""
    if len(lines) > SIGNATURE_LINES or any(len(line) > LINE_LENGTH or "!" in line for line in lines):
        return False
    known = {*tokens(lines[0])} <= own
    if not known and not _is_name(lines[0]):
        return False
    rest = lines[1:]
    if not all(_REACHED.search(line) or _is_titled(line) or _courteous(policy, line, own) for line in rest):
        return False
    return known or any(_REACHED.search(line) or _POST.search(" ".join(tokens(line))) for line in rest)


def _is_name(line: str) -> bool:
    """Two to four capitalised words, the last of which is no verb: 'Ayşe Kaya' may be one, 'Kargo Gelmedi' is none."""
    said = re.findall(r"[^\W\d_]+", line)
    if not 2 <= len(said) <= NAME_WORDS or re.search(r"[\d,;:]", line) or not all(word[0].isupper() for word in said):
        return False
    return not _VERB.search(tokens(said[-1])[0]) and not _NOT & {*tokens(line)}


def _is_titled(line: str) -> bool:
    """Only capitalised words, as of a post, a firm or a place."""
    said = re.findall(r"[^\W_]+", line)
    small = [word for word in said if word[0].islower() and not {*tokens(word)} <= JOINING]
    if not said or small:
        return False
    folded = tokens(line)
    return bool(_POST.search(" ".join(folded))) or not (_VERB.search(folded[-1]) or _NOT & {*folded})
