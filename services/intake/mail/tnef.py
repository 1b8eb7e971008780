"""winmail.dat opened up: the files and the text that Outlook packs into TNEF (MS-OXTNEF), with limits.

A reader of our own: the library for it has had no release since 2021. What is broken or larger than the limits is
said to be, and then the file itself stays."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from compressed_rtf import decompress
from striprtf.striprtf import rtf_to_text

from .charsets import codec, decode, file_name

MAGIC = b"\x78\x9f\x3e\x22"
MAX_ATTRIBUTES = 5000
MAX_PROPERTIES = 2000
MAX_RTF = 400_000
"""Bytes of compressed text that are looked at."""
MAX_DEPTH = 3
"""Of mails within mails."""

_BODY, _PAGE, _MAPI = 0x800C, 0x9007, 0x9003
_BEGINS, _TITLE, _DATA, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_LONG_NAME, _SHORT_NAME, _OBJECT, _PLAIN, _HTML, _RTF, _CID = (
    0x3707, 0x3704, 0x3701, 0x1000, 0x1013, 0x1009, 0x3712,
)  # fmt: skip
_SIZES = {0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8, 0x40: 8, 0x48: 16}


@dataclass
class Packed:
    """A file within: its name ('' for none), its bytes, its Content-ID."""

    name: str = ""
    content: bytes = b""
    cid: str = ""


@dataclass
class Opened:
    """What a TNEF stream holds; ``whole`` is False where something of it could not be read."""

    text: str = ""
    html: str = ""
    files: list[Packed] = field(default_factory=list)
    whole: bool = True


class _Broken(ValueError):
    pass


def open_tnef(content: bytes, depth: int = 1) -> Opened:
    """The files and the text of a TNEF stream, as far as it can be read. Never raises."""
    opened = Opened()
    try:
        _read(content, opened, depth)
    except (_Broken, struct.error, IndexError):
        opened.whole = False
    opened.files = [one for one in opened.files if one.content or one.name]
    return opened


def _read(content: bytes, opened: Opened, depth: int) -> None:
    if content[:4] != MAGIC or depth > MAX_DEPTH:
        raise _Broken("no TNEF, or mails within mails within mails")
    page = "windows-1254"
    current: Packed | None = None
    rtf = b""
    for tag, data in _attributes(content):
        if tag == _PAGE and len(data) >= 4:
            page = f"cp{int.from_bytes(data[:4], 'little')}"
            page = page if codec(page) else "windows-1254"
        elif tag == _BODY:
            opened.text = opened.text or decode(data, page).rstrip("\x00")
        elif tag == _MAPI:
            for prop, kind, value in _properties(data):
                if prop == _PLAIN and not opened.text:
                    opened.text = _string(value, kind, page)
                elif prop == _HTML and not opened.html:
                    opened.html = _string(value, kind, page)
                elif prop == _RTF:
                    rtf = value
        elif tag == _BEGINS:
            current = Packed()
            opened.files.append(current)
        elif current is not None and tag == _TITLE:
            current.name = current.name or file_name(decode(data.rstrip(b"\x00"), page))
        elif current is not None and tag == _DATA:
            current.content = data
        elif current is not None and tag == _PROPERTIES:
            _attached(data, current, page, opened, depth)
    if rtf and not (opened.text.strip() or opened.html.strip()):
        opened.text = _rtf_text(rtf, opened)


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, bytes) of each; raises _Broken where the stream ends before its attribute does."""
    at = 6
    for _ in range(MAX_ATTRIBUTES):
        if at == len(content):
            return
        level, tag, _kind, size = struct.unpack_from("<BHHI", content, at)
        end = at + 9 + size
        if level not in (1, 2) or end + 2 > len(content):
            raise _Broken("an attribute that does not end")
        yield tag, content[at + 9 : end]
        at = end + 2
    raise _Broken("too many attributes")


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(property, type, first value) of a MAPI property list."""
    (count,) = struct.unpack_from("<I", data, 0)
    at = 4
    for _ in range(min(count, MAX_PROPERTIES)):
        kind, prop = struct.unpack_from("<HH", data, at)
        at += 4
        if prop >= 0x8000:  # a named one
            (named_by,) = struct.unpack_from("<I", data, at + 16)
            at += 20
            (length,) = struct.unpack_from("<I", data, at)
            at += 4 + (_padded(length) if named_by else 0)
        base, several = kind & 0x0FFF, kind & 0x1000
        if base in _SIZES and not several:
            yield prop, base, data[at : at + _SIZES[base]]
            at += max(4, _SIZES[base])
            continue
        (values,) = struct.unpack_from("<I", data, at)
        at += 4
        if values > MAX_PROPERTIES:
            raise _Broken("too many values")
        for number in range(values):
            if base in _SIZES:
                size, step = _SIZES[base], max(4, _SIZES[base])
            else:
                (size,) = struct.unpack_from("<I", data, at)
                at, step = at + 4, _padded(size)
            if at + size > len(data):
                raise _Broken("a value that does not end")
            if number == 0:
                yield prop, base, data[at : at + size]
            at += step


def _padded(size: int) -> int:
    return size + -size % 4


def _string(value: bytes, kind: int, page: str) -> str:
    if kind == 0x1F:
        return value.decode("utf-16-le", "replace").rstrip("\x00")
    return decode(value.rstrip(b"\x00"), page)


def _attached(data: bytes, current: Packed, page: str, opened: Opened, depth: int) -> None:
    for prop, kind, value in _properties(data):
        if prop == _LONG_NAME or (prop == _SHORT_NAME and not current.name):
            current.name = file_name(_string(value, kind, page)) or current.name
        elif prop == _CID:
            current.cid = _string(value, kind, page)[:200]
        elif prop == _OBJECT and not current.content:
            current.content = value[16:] if kind == 0x0D else value  # of an object its interface comes first
            if current.content[:4] == MAGIC:
                inner = open_tnef(current.content, depth + 1)
                opened.files.extend(inner.files)
                current.content = (inner.text or inner.html).encode()
                current.name = f"{current.name or 'message'}.{'txt' if inner.text or not inner.html else 'html'}"
                opened.whole &= inner.whole


def _rtf_text(rtf: bytes, opened: Opened) -> str:
    if len(rtf) > MAX_RTF:
        opened.whole = False
        return ""
    try:
        text: str = rtf_to_text(decompress(rtf).decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
        return text.strip()
    except Exception:  # whatever broken bytes do to two parsers: the file stays
        opened.whole = False
        return ""
