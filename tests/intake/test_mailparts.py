"""Parts: what is read in which order, what is a file, what is opened up."""

import base64

import pytest

from services.intake.mail.flowed import unflowed
from services.intake.mail.parse import Facts, parse
from services.intake.mail.parts import MAX_FILES, MAX_TEXTS

from .mails import file, html, mail, multipart, part, plain

NOT_COOLING = "<p>Buzdolabım <b>soğutmuyor</b>.</p>"
FOOTER = "_______\r\nBu ileti virüslere karşı taranmıştır."


def read(body: bytes, **headers: str) -> Facts:
    return parse(mail(body, **headers))


def text(body: bytes) -> str:
    return str(read(body)["text"])


def names(body: bytes) -> list[str]:
    return [f["name"] for f in read(body)["files"]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (multipart("mixed", html(NOT_COOLING), plain(FOOTER)), ["soğutmuyor", "taranmıştır"]),
        (multipart("mixed", plain("DİKKAT: dışarıdan"), html(NOT_COOLING)), ["DİKKAT", "soğutmuyor"]),
        (multipart("mixed", plain("Soğutmuyor."), html("<p>Gizlilik</p>")), ["Soğutmuyor", "Gizlilik"]),
        (multipart("mixed", plain("bir"), file("1.png"), plain("iki"), file("2.png"), plain("üç")),
         ["bir", "iki", "üç"]),
        (multipart("mixed", html("<p>bir</p>"), file("1.png"), html("<p>iki</p>")), ["bir", "iki"]),
        (multipart("mixed", multipart("alternative", plain("asıl"), html("<p>asıl</p>")), plain(FOOTER)),
         ["asıl", "taranmıştır"]),
        (multipart("signed", multipart("mixed", plain("imzalı"), plain(FOOTER)), file("smime.p7s")),
         ["imzalı", "taranmıştır"]),
        (multipart("related", html("<p>resimli</p>"), file("a.png")), ["resimli"]),
        (multipart("x-unknown", plain("bilinmeyen"), plain("ikinci")), ["bilinmeyen", "ikinci"]),
        (multipart("digest", plain("özet")), ["özet"]),
    ],
)  # fmt: skip
def test_parts_are_read_one_after_the_other(body: bytes, says: list[str]) -> None:
    found = [read(body)["content"].find(one) for one in says]
    assert -1 not in found
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (multipart("alternative", plain("düz"), html("<p>renkli</p>")), "düz"),
        (multipart("alternative", plain(" \r\n"), html("<p>renkli</p>")), "renkli"),
        (multipart("alternative", plain("Your mail program shows no HTML."), html(f"<p>{'Kırık geldi. ' * 40}</p>")),
         ("Kırık geldi. " * 40).strip()),
        (multipart("alternative", plain("Kargom gelmedi."), html("<p>Kargom gelmedi.</p><p>Ada Ltd.</p>")),
         "Kargom gelmedi."),
        (multipart("alternative", plain("düz"), part("text/x-amp-html", "<html amp4email>"), html("<p>renk</p>")),
         "düz"),
        (multipart("alternative", html("<p>renkli</p>")), "renkli"),
        (multipart("alternative", plain("düz"), multipart("related", html("<p>renkli</p>"), file("a.png"))), "düz"),
        (multipart("alternative", plain("bir iki"), multipart("mixed", html("<p>bir</p>"), file("a.pdf"), html("iki"))),
         "bir iki"),
        (multipart("mixed", plain("aynı söz"), html("<p>aynı <b>söz</b></p>")), "aynı söz"),
    ],
)  # fmt: skip
def test_only_an_alternative_chooses_and_nothing_is_said_twice(body: bytes, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("text/markdown", "**Kırık**", "**Kırık**"),
        ("plain/text", "Kırık", "Kırık"),
        ("TEXT/PLAIN", "Kırık", "Kırık"),
        ("text", "Kırık", "Kırık"),
        ("application/xhtml+xml", "<p>Kırık</p>", "Kırık"),
        ("text/enriched", "<bold>Kırık</bold> geldi", "Kırık geldi"),
    ],
)
def test_a_text_of_another_kind_is_read_too(kind: str, source: str, expected: str) -> None:
    facts = read(part(f"{kind}; charset=utf-8", source))
    assert (facts["text"], facts["files"]) == (expected, [])


def test_files_of_every_alternative_stay() -> None:
    rich = multipart("mixed", html("<p>bir</p>"), file("a.pdf"), html("iki"))
    assert names(multipart("alternative", plain("bir iki"), rich, part("text/calendar", "BEGIN:VCALENDAR"))) == [
        "a.pdf", "invite.ics",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (file("fatura.csv", b"a,b", "text/csv"), "fatura.csv"),
        (file("not.txt", b"metin", "text/plain"), "not.txt"),
        (part("text/plain", "metin", Content_Disposition="attachment"), "file.txt"),
        (part("image/png", b"\x89PNG\r\n\x1a\n", Content_Disposition="inline"), "image.png"),
        (part("image/png", b"\x89PNG\r\n\x1a\n", Content_ID="<ii_42@x>"), "ii_42.png"),
        (part("application/pdf", b"%PDF-1.4"), "file.pdf"),
        (part("text/calendar; method=REQUEST", "BEGIN:VCALENDAR"), "invite.ics"),
        (part("application/octet-stream", b"\x00\x01"), "file.bin"),
    ],
)
def test_what_is_no_text_of_the_mail_is_a_file_with_a_name(one: bytes, name: str) -> None:
    facts = read(multipart("mixed", plain("ekte"), one))
    assert ([f["name"] for f in facts["files"]], facts["text"]) == ([name], "ekte")


def test_an_inline_picture_says_where_the_text_shows_it() -> None:
    picture = part(
        "image/png", b"\x89PNG\r\n\x1a\n", Content_ID="<logo@x>", Content_Disposition="inline; filename=l.png"
    )
    [found] = read(multipart("related", html("<img src='cid:logo@x'>a"), picture))["files"]
    assert (found["name"], found["cid"]) == ("l.png", "logo@x")


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8; name=body.txt", "text/html; charset=utf-8; name=b.html"])
def test_a_text_that_is_named_is_read_where_there_is_no_other(kind: str) -> None:
    assert text(part(kind, "Kargom gelmedi.")) == "Kargom gelmedi."
    assert text(multipart("mixed", part(kind, "Kargom gelmedi."), plain("asıl"))) == "asıl"


def test_a_mail_that_is_one_picture_has_it_as_its_file() -> None:
    facts = read(part("image/png; name=only.png", b"\x89PNG\r\n\x1a\n"))
    assert ([f["name"] for f in facts["files"]], facts["text"]) == (["only.png"], "")


def test_files_beyond_the_limit_are_named_as_left_out() -> None:
    facts = read(multipart("mixed", *(file(f"{n}.png") for n in range(MAX_FILES + 3))))
    assert len(facts["files"]) == MAX_FILES
    assert facts["left"] == ["100.png", "101.png", "102.png"]


def test_texts_beyond_the_limit_are_files() -> None:
    facts = read(multipart("mixed", *(plain(f"söz {n}") for n in range(MAX_TEXTS + 2))))
    assert (len(facts["files"]), "söz 199" in facts["text"]) == (2, True)


ATTACHED = mail(
    multipart("mixed", plain("Hasarlı paket geldi."), file("foto.png")), From="Can <can@x.org>", Subject="Hasar"
)


def attached(content: bytes, **headers: str) -> bytes:
    return part("message/rfc822", content, **headers)


def test_an_attached_mail_is_a_file_its_text_is_forwarded_and_its_files_are_files() -> None:
    facts = read(multipart("mixed", plain("Aşağıdakine bakar mısınız?"), attached(ATTACHED)))
    assert [(f["name"], f["inside"]) for f in facts["files"]] == [("Hasar.eml", ""), ("foto.png", "Hasar.eml")]
    own, forwarded = "Aşağıdakine bakar mısınız?", facts["text"][facts["parts"][-1]["at"] :]
    assert facts["text"].startswith(f"{own}\n\nFrom: Can <can@x.org>\n")
    assert forwarded.endswith("Subject: Hasar\nTo: servis@vefa.example\n\nHasarlı paket geldi.")
    assert facts["parts"][-1] | {"at": 0} == {"kind": "forwarded", "at": 0, "length": len(forwarded), "text": ""}
    assert facts["content"] == own


def test_a_mail_that_is_nothing_but_an_attached_one_says_what_that_says() -> None:
    facts = read(attached(ATTACHED, Content_Disposition="attachment; filename=ileti.eml"))
    assert facts["text"].endswith("Hasarlı paket geldi.")
    assert [f["name"] for f in facts["files"]] == ["ileti.eml", "foto.png"]


def test_an_attached_mail_in_base64_is_read_too() -> None:
    coded = base64.encodebytes(ATTACHED)
    assert "Hasarlı paket geldi." in text(attached(coded, Content_Transfer_Encoding="base64"))
    eml = part("application/octet-stream; name=ileti.eml", coded, Content_Transfer_Encoding="base64")
    facts = read(multipart("mixed", plain("bak"), eml))
    assert "Hasarlı paket geldi." in facts["text"]
    assert [f["name"] for f in facts["files"]] == ["ileti.eml", "foto.png"]


def test_mails_within_mails_are_opened_up_so_deep_and_no_deeper() -> None:
    body = plain("en içteki")
    for depth in range(6):
        body = multipart("mixed", plain(f"katman {depth}"), attached(mail(body, Subject=f"s{depth}")))
    facts = read(body)
    assert [n for n in range(6) if f"katman {n}" in facts["text"]] == [2, 3, 4, 5]
    assert [f["name"] for f in facts["files"]] == ["s5.eml"]


def test_the_mail_of_ours_that_an_answer_holds_whole_is_not_said_again() -> None:
    token = "a" * 26 + "0000" + "b" * 26
    ours = mail(plain("Hangi sipariş?"), Message_ID=f"<{token}.01980000-0000-7000-8000-000000000001@vefa.example>")
    facts = read(multipart("mixed", plain("48213"), attached(ours)))
    assert facts["answer"]["text"] == "48213"
    assert "Hangi sipariş?" in facts["text"]


@pytest.mark.parametrize(
    ("source", "delsp", "result"),
    [
        ("a https://x/kahve- \nmakinesi ve hâlâ  \nyok.\nSon", True, "a https://x/kahve-makinesi ve hâlâ yok.\nSon"),
        ("gelmedi ve \nkimse bakmıyor.", False, "gelmedi ve kimse bakmıyor."),
        ("> soru bir \n> devamı\nyanıt", False, "> soru bir devamı\nyanıt"),
        (">> derin \n> sığ \nyanıt", False, ">> derin \n> sığ \nyanıt"),
        ("söz \n-- \nAda \nLtd", False, "söz \n-- \nAda Ltd"),
        (" From eski\n >alıntı değil", False, "From eski\n >alıntı değil"),
        ("bir\r\niki \r\nüç", False, "bir\niki üç"),
        ("\n\n", True, "\n\n"),
        ("", False, ""),
    ],
)  # fmt: skip
def test_flowed_lines_are_joined(source: str, delsp: bool, result: str) -> None:
    assert unflowed(source, delsp) == result


@pytest.mark.parametrize(
    "kind", ["format=flowed; delsp=yes", "Format=Flowed; DelSp=YES", 'delsp="yes"; format="flowed"']
)
def test_a_flowed_mail_is_read_as_paragraphs(kind: str) -> None:
    assert text(part(f"text/plain; charset=utf-8; {kind}", "şu adres: kahve- \r\nmakinesi\r\nSon")) == (
        "şu adres: kahve-makinesi\nSon"
    )


def test_a_mail_that_does_not_say_flowed_keeps_its_lines() -> None:
    assert text(plain("bir \r\niki")) == "bir\niki"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (base64.b64encode(b"Kargom gelmedi." * 9) + b"\r\n\r\n-- \r\nscanned by relay!", ["gelmedi", "scanned by"]),
        ("Kargom gelmedi, yardım edin.".encode(), ["Kargom gelmedi, yardım edin."]),
        (b"Merhabalar\r\n\r\nKargom gelmedi!", ["Merhabalar", "Kargom gelmedi!"]),
        (b"Hello team\r\nthe pump, again", ["Hello team", "the pump, again"]),
        (base64.b64encode("Kırık geldi".encode() * 30), ["Kırık geldi"]),  # one line, as it is
        (base64.b64encode("Kırık geldi".encode()), ["Kırık geldi"]),
        (base64.encodebytes("Kırık geldi ".encode() * 30), ["Kırık geldi"]),
    ],
)  # fmt: skip
def test_what_stands_below_base64_and_what_was_never_encoded_is_read(body: bytes, says: list[str]) -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    found = text(head + body)
    assert [one for one in says if one not in found] == []
    assert "\ufffd" not in found


def _renamed(body: bytes, boundary: bytes) -> bytes:
    """A multipart whose header names another boundary than the one that its parts stand between."""
    before, found, after = body.partition(b'boundary="')
    return before + found + boundary + after[after.index(b'"') :]


@pytest.mark.parametrize(
    ("kind", "parts", "says"),
    [
        ("mixed", (plain("Kargom gelmedi"), plain("Ekte fatura")), ["Kargom gelmedi", "Ekte fatura"]),
        ("alternative", (plain("Kargom gelmedi"), html("<p>Kargom gelmedi</p>")), ["Kargom gelmedi"]),
        ("related", (html("<p>The lamp is broken</p>"),), ["The lamp is broken"]),
    ],
)  # fmt: skip
def test_a_wrong_boundary_hides_nothing(kind: str, parts: tuple[bytes, ...], says: list[str]) -> None:
    body = multipart(kind, *parts)
    found = text(_renamed(body, b"other"))
    assert found == text(body)
    assert [one for one in says if one not in found] == []


def test_files_behind_a_wrong_boundary_are_kept() -> None:
    assert names(_renamed(multipart("mixed", plain("Fotoğraf ekte"), file("kirik.png")), b"other")) == ["kirik.png"]


def test_a_multipart_without_any_part_is_read_as_it_is() -> None:
    assert text(b"Content-Type: multipart/mixed; boundary=none\r\n\r\nKargom gelmedi") == "Kargom gelmedi"
    assert text(b"Content-Type: multipart/mixed\r\n\r\nKargom gelmedi") == "Kargom gelmedi"
