"""What content is, by its bytes and never by what its sender calls it."""

import re

import filetype

LOOKED_AT = 8192
UNKNOWN = "application/octet-stream"
_XML = r"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*"
_HEADER = r"(Received|Return-Path|Delivered-To|Message-ID|MIME-Version|From|Date|Subject|DKIM-Signature): "
_TEXTS = (
    (re.compile(r"BEGIN:VCALENDAR\b", re.IGNORECASE), "text/calendar"),
    (re.compile(r"BEGIN:VCARD\b", re.IGNORECASE), "text/vcard"),
    (re.compile(_XML + r"(<!DOCTYPE\s+svg[^>]*>\s*)?<svg\b", re.IGNORECASE | re.DOTALL), "image/svg+xml"),
    (re.compile(_XML + r"<(!DOCTYPE\s+html|html|head|body|script)\b", re.IGNORECASE | re.DOTALL), "text/html"),
    (re.compile(r"<\?xml\b"), "application/xml"),
)  # fmt: skip
_MAIL = re.compile(rf"(From |{_HEADER})[^\n]*\n([ \t][^\n]*\n)*([\w-]+: |\s*$)")
_BYTES = (
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"#!AMR", "audio/amr"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_PICTURES = {b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"mif1": "image/heic",
             b"msf1": "image/heic", b"avif": "image/avif", b"avis": "image/avif", b"qt  ": "video/quicktime",
             b"M4A ": "audio/mp4"}  # fmt: skip


def media_type(content: bytes) -> str:
    """A media type such as image/png; ``application/octet-stream`` where it cannot be told."""
    head = content[:LOOKED_AT]
    if (known := filetype.guess(head)) is not None:
        return str(known.mime)
    for begins, kind in _BYTES:
        if head.startswith(begins):
            return kind
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return _PICTURES.get(brand, "video/3gpp" if brand.startswith(b"3g") else "video/mp4")
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    return _text(head) or UNKNOWN


def _text(head: bytes) -> str | None:
    """A kind of text; None when the bytes are no text in UTF-8 or in a charset of one byte a letter."""
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").replace("\r\n", "\n")
    if _MAIL.match(text):  # a file within may be binary
        return "message/rfc822"
    if not head or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return None
    return next((kind for begins, kind in _TEXTS if begins.match(text)), "text/plain")
