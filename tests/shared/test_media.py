"""What content is, by its bytes."""

import io
import zipfile

import pytest

from shared.core.media import UNKNOWN, media_type


def office(name: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in ("[Content_Types].xml", "_rels/.rels", name):
            archive.writestr(member, "x" * 500)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"%PDF-1.4\n", "application/pdf"),
        (b"\n\n%PDF-1.4\n", "application/pdf"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
        (b"\0\0\0\x1cftyp3gp4\0\0\0\0", "video/3gpp"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"#!AMR\n", "audio/amr"),
        (b"II*\0\x08\0\0\0", "image/tiff"),
        (b"\x78\x9f\x3e\x22\0\0", "application/ms-tnef"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/x-ole-storage"),
        (office("word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (office("xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0", "text/calendar"),
        (b"BEGIN:VCARD\nFN:Ada", "text/vcard"),
        (b"\xef\xbb\xbf<svg xmlns='x'>", "image/svg+xml"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><Invoice>", "application/xml"),
        (b"<!DOCTYPE html><p>", "text/html"),
        (b"  <HTML><script>", "text/html"),
        (b"From: a\r\nTo: b\r\n\r\nx", "message/rfc822"),
        (b"Received: from x\n\tby y\nFrom: b\n\nx", "message/rfc822"),
        (b"Subject: x\r\nTo: b\r\n\r\n\x89PNG\x1a\0", "message/rfc822"),
        (b"From: me, with love\nand more", "text/plain"),
        ("ad,tutar\nŞükrü,5".encode(), "text/plain"),
        ("Şükrü".encode("cp1254"), "text/plain"),
        (b"<svgx", "text/plain"),
        (b"\0\1\2", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_content_is_told_by_its_bytes(content: bytes, kind: str) -> None:
    assert media_type(content) == kind


def test_only_the_beginning_is_looked_at() -> None:
    assert media_type(b"a" * 9000 + b"\0" * 9000) == "text/plain"
