"""Bytes of a mail as text: the names of charsets as the WHATWG Encoding standard means them, headers, names of files.

iso-8859-9 is windows-1254 there and gb2312 is gbk: senders name the one and write the other. What is whole UTF-8 is
UTF-8 whatever its name says; a byte that is nothing is replaced alone."""

import base64
import binascii
import codecs
import re
import unicodedata
from email.message import Message
from urllib.parse import unquote_to_bytes

import webencodings

from .clean import clean

HOUSE = "windows-1254"
"""What bytes of no known charset are read as when they are no UTF-8: the old page of Turkish."""
NO_TEXT = re.compile(r"utf-?7|.*(hex|rot|base64|uu|quopri|bz2|zip|zlib|escape|idna|punycode|mbcs|oem|undefined)")
"""Codecs of Python that are no charset, and UTF-7, which can hide anything and is never meant."""
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_TURKISH = re.compile(rb"[A-Za-z\xc7\xd6\xdc\xe7\xf6\xfc\xfd][\xfe\xde]|[\xfd\xdd](?![A-Za-z\xc0-\xff])")
_WESTERN = re.compile(rb"[\xc1\xc6\xc9\xcd\xd3\xda\xe1\xe6\xe9\xed\xf3\xfa]")
"""Where Turkish has its own letters, Icelandic has others: its thorn only begins words, and its vowels bear accents."""
_WIDER = {"gbk": "gb18030", "iso-8859-8-i": "iso-8859-8"}
_VALID = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([qQbB])\?(.*?)(?:\?=|(?==\?[^?\s]{1,60}\?[qQbB]\?)|$)", re.DOTALL)
_FOLDED_WORD = re.compile(r"(=\?[^?\s]{1,60}\?[qQ]\?[^?]{0,500}?)=\r?\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
MAX_HEADER = 20_000
"""Characters of one header that are looked at."""


def decode(raw: bytes, charset: str | None) -> str:
    """Bytes as text in the charset that is claimed, as far as that can be; never raises."""
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return raw[len(bom) :].decode(name, "replace")
    name = codec(charset)
    wide = name.startswith(("utf-16", "utf-32"))
    if not (raw.isascii() or wide) or (wide and 0 not in raw):
        try:
            return raw.decode("utf-8")
        except ValueError:
            pass
    if name in ("", "utf-8"):
        name = "utf-8" if raw.isascii() or _mostly_utf8(raw) else HOUSE
    if name == "cp1252" and not _WESTERN.search(raw) and len(_TURKISH.findall(raw)) > 0:
        name = HOUSE
    return raw.decode(name if name != HOUSE else "cp1254", "replace")


def decode_html(raw: bytes, charset: str | None) -> str:
    """HTML may name its charset itself where the mail does not."""
    named = None if charset else _META.search(raw[:2048])
    return decode(raw, named[1].decode() if named else charset)


def codec(charset: str | None) -> str:
    """Python's codec for a charset's name; '' for none, one that says nothing (us-ascii), and what is no charset."""
    label = re.sub(r"^(charset=|cs)", "", (charset or "").partition("*")[0].strip(" \t\r\n\"';,").lower())
    if not label.isascii() or NO_TEXT.fullmatch(label):
        return ""
    if label in ("us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"):
        return ""
    windows = re.sub(r"^(?:ms|win|x-cp|windows)[-_ ]?(125\d)$", r"windows-\1", label)
    for guess in (label, label.replace("_", "-"), windows):
        if (found := webencodings.lookup(guess)) is not None and found.name not in ("replacement", "x-user-defined"):
            name = found.codec_info.name
            return _WIDER.get(name, name) if found.name != HOUSE else HOUSE
    try:
        info = codecs.lookup(label.removeprefix("x-"))
    except (LookupError, ValueError):
        return ""
    return info.name if info._is_text_encoding and not NO_TEXT.fullmatch(info.name) else ""


def _mostly_utf8(raw: bytes) -> bool:
    """Whether more letters are whole in UTF-8 than bytes are not: a footer of a relay does not change the text."""
    whole = _VALID.findall(raw)
    return 0 < len(whole) >= sum(b > 127 for b in raw) - sum(map(len, whole))


class Headers:
    """The headers of a mail in plain: raw 8-bit ones too; no line break survives.

    ``raw`` holds them before encoded words are decoded, for addresses are parsed first."""

    def __init__(self, mail: Message):
        self.all: dict[str, list[str]] = {}
        self.raw: dict[str, list[str]] = {}
        hint = mail.get_content_charset()
        for key, value in mail.raw_items():
            line = header_line(value, hint)
            self.raw.setdefault(key.lower(), []).append(line)
            self.all.setdefault(key.lower(), []).append(words(line))

    def first(self, name: str) -> str:
        return next(iter(self.all.get(name, ())), "")

    def joined(self, *names: str) -> str:
        return " ".join(value for name in names for value in self.all.get(name, ()))


def header_line(value: object, hint: str | None = None) -> str:
    """A header's raw value as one line of text; its encoded words stay as they are."""
    text = decode(str(value)[:MAX_HEADER].encode("utf-8", "surrogateescape"), hint)
    return _CONTROL.sub(" ", _FOLDED_WORD.sub(r"\1", text)).strip()


def words(line: str) -> str:
    """Encoded words decoded (RFC 2047), bytes of a letter that stand in two of them put together; a broken one is read
    as far as it goes."""
    made: list[str] = []
    waiting: tuple[str, bytes] | None = None
    end = 0
    for found in _WORD.finditer(line):
        between = line[end : found.start()]
        content = _decoded(found[2].lower(), found[3])
        if content is None:
            continue
        charset = found[1].lower()
        if waiting and (between.strip() or waiting[0] != charset):
            made.append(decode(waiting[1], waiting[0]))
            waiting = None
        if between.strip() or not end:
            made.append(between)
        waiting = (charset, (waiting[1] if waiting else b"") + content)
        end = found.end()
    if waiting:
        made.append(decode(waiting[1], waiting[0]))
    return re.sub(r"\s+", " ", _CONTROL.sub(" ", clean("".join((*made, line[end:])))))


def _decoded(encoding: str, text: str) -> bytes | None:
    if encoding == "q":
        return re.sub(
            rb"=([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]),
            text.replace("_", " ").encode("utf-8", "surrogateescape"),
        )  # fmt: skip
    kept = re.sub(r"[^A-Za-z0-9+/]", "", text)
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    try:
        return base64.b64decode(kept + "=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        return None


_PARAMETER = re.compile(r';\s*([\w-]+)(?:\*(\d{1,3}))?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)


def parameters(part: Message, header: str) -> dict[str, str]:
    """The parameters of a header by their names: the extended form wins over the plain one, and what is continued is
    put together (RFC 2231)."""
    pieces: dict[str, dict[tuple[int, int], tuple[bool, str]]] = {}
    raw = next((str(v) for k, v in part.raw_items() if k.lower() == header), "")[:MAX_HEADER]
    for name, number, star, value in _PARAMETER.findall(";" + raw.partition(";")[2]):
        kind = 1 if number else 0 if star else 2
        text = re.sub(r'\\(["\\])', r"\1", value[1:].removesuffix('"')) if value.startswith('"') else value.strip()
        pieces.setdefault(name.lower(), {}).setdefault((kind, int(number or 0)), (bool(star), text))
    return {name: _parameter(found) for name, found in pieces.items()}


def _parameter(found: dict[tuple[int, int], tuple[bool, str]]) -> str:
    kind = min(kind for kind, _ in found)
    values = [found[key] for key in sorted(found) if key[0] == kind]
    if not any(star for star, _ in values):
        return words(header_line("".join(text for _, text in values)))
    first = values[0][1]
    charset, rest = (first.split("'", 2)[0], first.split("'", 2)[2]) if first.count("'") >= 2 else ("utf-8", first)
    texts = [(values[0][0], rest), *values[1:]]
    pieces = ((star, text.encode("utf-8", "surrogateescape")) for star, text in texts)
    return decode(b"".join(unquote_to_bytes(piece) if star else piece for star, piece in pieces), charset)


def file_name(name: str) -> str:
    """The last part of a path, at most 150 characters, without what is not seen (which turns ``exe.pdf`` around)."""
    text = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    text = unicodedata.normalize("NFC", re.sub(r"\s+", " ", text))
    return text.replace("\\", "/").rpartition("/")[2].strip(". ")[-150:]
