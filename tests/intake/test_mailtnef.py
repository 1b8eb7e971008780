"""winmail.dat: what Outlook packs, broken streams, mails within mails."""

import struct

import pytest
from compressed_rtf import compress

from services.intake.mail.parse import parse
from services.intake.mail.tnef import MAGIC, open_tnef

from .mails import file, mail, multipart, plain

UNICODE, BINARY, OBJECT, LONG = 0x1F, 0x102, 0x0D, 0x03


def attribute(level: int, tag: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", level, tag, 6, len(data)) + data + struct.pack("<H", sum(data) % 65536)


def properties(*props: tuple[int, int, bytes]) -> bytes:
    made = struct.pack("<I", len(props))
    for prop, kind, value in props:
        made += struct.pack("<HH", kind, prop)
        if prop >= 0x8000:
            made += bytes(16) + struct.pack("<II", 0, 7)
        made += value if kind == LONG else struct.pack("<II", 1, len(value)) + value + bytes(-len(value) % 4)
    return made


def attached(title: bytes, content: bytes, *props: tuple[int, int, bytes]) -> bytes:
    made = attribute(2, 0x9002, bytes(14)) + attribute(2, 0x8010, title + b"\x00") + attribute(2, 0x800F, content)
    return made + (attribute(2, 0x9005, properties(*props)) if props else b"")


def stream(*attributes: bytes) -> bytes:
    page = attribute(1, 0x9007, struct.pack("<II", 1254, 0))
    return MAGIC + b"\x01\x00" + attribute(1, 0x9006, struct.pack("<I", 0x10000)) + page + b"".join(attributes)


RTF = rb"{\rtf1\ansi\ansicpg1254 Kargom gelmedi.\par}"
LONG_NAME = (0x3707, UNICODE, "Dilekçe – imzalı.pdf\0".encode("utf-16-le"))
PACKED = stream(
    attribute(1, 0x9003, properties((0x0E07, LONG, b"\x01\0\0\0"), (0x8001, LONG, b"\x01\0\0\0"),
                                    (0x1000, UNICODE, "Dilekçem ektedir.\0".encode("utf-16-le")))),
    attached(b"DILEKC~1.PDF", b"%PDF-1.4", LONG_NAME), attached("şema.png".encode("cp1254"), b"\x89PNG"),
)  # fmt: skip


def test_files_and_text_are_taken_out_with_their_long_names() -> None:
    opened = open_tnef(PACKED)
    assert (opened.text, opened.whole) == ("Dilekçem ektedir.", True)
    assert [(f.name, f.content) for f in opened.files] == [
        ("Dilekçe – imzalı.pdf", b"%PDF-1.4"),
        ("şema.png", b"\x89PNG"),
    ]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ([attribute(1, 0x800C, "Kargom gelmedi.\0".encode("cp1254"))], "Kargom gelmedi."),
        ([attribute(1, 0x9003, properties((0x1009, BINARY, compress(RTF))))], "Kargom gelmedi."),
    ],
)  # fmt: skip
def test_a_text_is_read_from_wherever_it_stands(attributes: list[bytes], text: str) -> None:
    assert open_tnef(stream(*attributes)).text == text


def test_an_html_text_is_found() -> None:
    opened = open_tnef(stream(attribute(1, 0x9003, properties((0x1013, BINARY, "<p>şöyle".encode("cp1254"))))))
    assert opened.html == "<p>şöyle"


def test_a_mail_within_is_a_text_and_its_files_are_files() -> None:
    inner = (0x3701, OBJECT, bytes(16) + PACKED)
    opened = open_tnef(stream(attribute(2, 0x9002, bytes(14)) + attribute(2, 0x9005, properties(inner))))
    assert {(f.name, f.content[:4]) for f in opened.files} == {
        ("message.txt", b"Dile"), ("Dilekçe – imzalı.pdf", b"%PDF"), ("şema.png", b"\x89PNG"),
    }  # fmt: skip


def test_mails_within_mails_within_mails_are_not_opened_for_ever() -> None:
    content = PACKED
    for _ in range(8):
        inner = properties((0x3701, OBJECT, bytes(16) + content))
        content = stream(attribute(2, 0x9002, bytes(14)) + attribute(2, 0x9005, inner))
    assert not open_tnef(content).whole


@pytest.mark.parametrize("end", [4, 6, 20, 50, 100, -1, -3, -40])
def test_a_broken_stream_gives_what_can_be_read_and_says_so(end: int) -> None:
    assert not open_tnef(PACKED[:end]).whole or end == 6


@pytest.mark.parametrize("junk", [b"", b"x" * 100, MAGIC + bytes(200), MAGIC + b"\xff" * 200])
def test_what_is_no_tnef_gives_nothing(junk: bytes) -> None:
    opened = open_tnef(junk)
    assert (opened.files, opened.whole) == ([], False)


def winmail(content: bytes, text: str = "ekte") -> list[tuple[str, str]]:
    raw = mail(multipart("mixed", plain(text), file("winmail.dat", content, "application/ms-tnef")))
    return [(f["name"], f["inside"]) for f in parse(raw)["files"]]


def test_a_whole_stream_is_its_files_and_any_other_stays_one() -> None:
    assert winmail(PACKED) == [("Dilekçe – imzalı.pdf", "winmail.dat"), ("şema.png", "winmail.dat")]
    assert winmail(PACKED[:-3])[0] == ("winmail.dat", "")
    assert winmail(stream()) == [("winmail.dat", "")]
    assert winmail(MAGIC + bytes(200)) == [("winmail.dat", "")]


def test_its_text_counts_where_the_mail_has_none() -> None:
    empty = mail(multipart("mixed", plain("\r\n"), file("winmail.dat", PACKED, "application/ms-tnef")))
    assert parse(empty)["text"] == "Dilekçem ektedir."
    filled = mail(multipart("mixed", plain("Asıl söz"), file("winmail.dat", PACKED, "application/ms-tnef")))
    assert parse(filled)["text"] == "Asıl söz"
