"""Bytes as text: charsets by their usual meaning, bad bytes alone, headers, names of files."""

from email import message_from_bytes
from email.policy import compat32

import pytest

from services.intake.mail.charsets import codec, decode, decode_html, file_name, header_line, words
from services.intake.mail.parse import parse
from services.intake.mail.parts import name_of

TEXT = "Kargom gelmedi, şikâyetçiyim. Öğleden sonra İzmir’deyim."


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("iso-8859-1", b"250 \x80 \x93hi\x94 \x96 don\x92t", "250 € “hi” – don’t"),
        ("latin1", b"\x80", "€"),
        ("iso-8859-1", "kargom gelmedi, iş yarın".encode("cp1254"), "kargom gelmedi, iş yarın"),
        ("windows-1252", "Satıcı aradı".encode("cp1254"), "Satıcı aradı"),
        ("iso-8859-1", "Það er bilað, þú veist".encode("cp1252"), "Það er bilað, þú veist"),
        ("iso-8859-1", "Nýja þvottavélin er biluð".encode("cp1252"), "Nýja þvottavélin er biluð"),
        ("windows-1252", "Tür klemmt, schöne Grüße, déjà vu".encode("cp1252"), "Tür klemmt, schöne Grüße, déjà vu"),
        ("iso-8859-9", b"\x80 \xfeimdi \xf0", "€ şimdi ğ"),
        ("ISO_8859-9", b"\x93\xdd\x94", "“İ”"),
        ("latin5", b"\xfd", "ı"),
        ("cp1254", b"\xfd\x80", "ı€"),
        ("windows1254", b"\xfe", "ş"),
        ('"windows-1254"', b"\xfe", "ş"),
        ("us-ascii", b"250 \x80 ve \xfeimdi", "250 € ve şimdi"),
        (None, b"\xfeimdi", "şimdi"),
        ("x-unknown", b"\xfeimdi", "şimdi"),
        ("unknown-8bit", b"\xfeimdi", "şimdi"),
        ("gb2312", "退货，请帮忙 镕".encode("gbk"), "退货，请帮忙 镕"),
        ("ks_c_5601-1987", "환불 똠".encode("cp949"), "환불 똠"),
        ("shift_jis", "①返品".encode("cp932"), "①返品"),
        ("iso-2022-jp", "返品".encode("iso-2022-jp"), "返品"),
        ("koi8-r", "возврат".encode("koi8-r"), "возврат"),
        ("windows-1256", "إرجاع".encode("cp1256"), "إرجاع"),
        ("cp857", "şikâyet".encode("cp857"), "şikâyet"),
        ("iso-8859-7", "επιστροφή".encode("iso-8859-7"), "επιστροφή"),
        ("utf-16", "şikâyet".encode("utf-16"), "şikâyet"),
        ("utf-16", b"plain words", "plain words"),
        ("utf-8", b"\xef\xbb\xbf\xc5\x9f", "ş"),
        ("utf-8*tr", "ş".encode(), "ş"),
    ],
)
def test_a_charset_means_what_senders_mean_by_it(charset: str | None, raw: bytes, text: str) -> None:
    assert decode(raw, charset) == text


@pytest.mark.parametrize("charset", ["iso-8859-9", "windows-1254", "us-ascii", "x-unknown", "gb2312", "koi8-r", None])
def test_what_is_whole_utf8_is_utf8_whatever_its_name(charset: str | None) -> None:
    assert decode(TEXT.encode(), charset) == TEXT


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", None, "x-unknown"])
@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode() + b"\n\nBu ileti i\xe7in tarand\xfd\n",
        TEXT.encode() + b"\xc5",
        TEXT.encode().replace(b", ", b",\xa0 ", 1),
        b"\xff" + TEXT.encode(),
    ],
)
def test_a_bad_byte_is_replaced_alone(charset: str | None, raw: bytes) -> None:
    text = decode(raw, charset)
    assert "şikâyetçiyim. Öğleden sonra İzmir’deyim" in text
    assert "\ufffd" in text


def test_what_is_no_utf8_at_all_is_read_as_the_old_turkish_page_though_it_claims_to_be() -> None:
    assert decode("Şikâyetçiyim, ürün kırık".encode("cp1254"), "utf-8") == "Şikâyetçiyim, ürün kırık"


@pytest.mark.parametrize("charset", ["utf-7", "UTF7", "unicode-1-1-utf-7", "csUnicode11UTF7", "x-unicode-2-0-utf-7"])
def test_utf7_is_refused(charset: str) -> None:
    assert codec(charset) == ""
    assert decode(b"+ADw-script+AD4-", charset) == "+ADw-script+AD4-"


@pytest.mark.parametrize(
    "charset",
    ["hex", "base64", "rot13", "idna", "punycode", "unicode_escape", "undefined", "\x00", "é", "a" * 9000, " "],
)
def test_what_is_no_charset_does_nothing(charset: str) -> None:
    assert decode(b"6162 \xc5\x9f", charset) == "6162 ş"


def test_html_may_name_its_charset_itself() -> None:
    html = "<html><meta http-equiv='x' content='text/html; charset=koi8-r'><p>возврат"
    assert "возврат" in decode_html(html.encode("koi8-r"), None)
    assert "şimdi" in decode_html(b"<meta charset=koi8-r>\xfeimdi", "windows-1254")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("=?iso-8859-9?Q?=80250_iade_=FEart?=", "€250 iade şart"),
        ("=?x-unknown?Q?Kargo_=FE?=", "Kargo ş"),
        ("=?gb2312?B?zcu79Q==?=", "退货"),
        ("=?utf-8?Q?a=C5?= =?utf-8?Q?=9Fb?=", "aşb"),
        ("=?utf-8?B?xZ4=?= =?utf-8?B?xZ4=?=", "ŞŞ"),
        ("=?utf-8?B?xQ==?==?utf-8?B?ng==?=", "Ş"),
        ("Re: =?utf-8?q?x?= y =?utf-8?q?z?=", "Re: x y z"),
        ("=?utf-8?Q?Konu ba=C5=9F?=", "Konu baş"),
        ("=?utf-8?Q?yar=C4=B1m", "yarım"),
        ("=?utf-8?B?xZ4", "Ş"),
        ("=?utf-8*tr?Q?=C5=9F?=", "ş"),
        ("=?iso-8859-9?q?=FE?= =?utf-8?q?=C5=9F?=", "şş"),
        ("=?utf-8?q?=C5=9F_=FF?=", "ş \ufffd"),
        ("=?utf-7?Q?+ADw-b+AD4-?=", "+ADw-b+AD4-"),
        ("price =?50 ok?", "price =?50 ok?"),
        ("a =? b ?= c", "a =? b ?= c"),
        ("=?utf-8?q?a=0D=0ABcc:_v@example.org?=", "a Bcc: v@example.org"),
        ("plain", "plain"),
        ("", ""),
    ],
)  # fmt: skip
def test_encoded_words_are_read_in_any_charset_and_broken_ones_as_far_as_they_go(line: str, text: str) -> None:
    assert words(line) == text


def test_a_word_that_was_broken_by_folding_is_put_together() -> None:
    assert words(header_line("=?utf-8?Q?Kargo gelmedi, ba=\r\n =C5=9Fvuru?=")) == "Kargo gelmedi, başvuru"


def test_a_raw_header_is_read_in_the_charset_of_the_mail() -> None:
    raw = b"From: a@example.com\r\nSubject: \xd7\xc1\xcd\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx"
    assert parse(raw)["subject"] == "вам"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ("attachment; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename=two words.pdf", "two words.pdf"),
        ('attachment; filename="a;b \\"c\\".pdf"', 'a;b "c".pdf'),
        ("attachment; filename=\"Fatura_.pdf\"; filename*=utf-8''Fatura%20Kas%C4%B1m.pdf", "Fatura Kasım.pdf"),
        ("attachment; filename*=utf-8'tr'%C3%96TV%27li.pdf; filename=x.pdf", "ÖTV'li.pdf"),
        ("attachment; filename*0*=utf-8''Fatura%20; filename*1*=Kas%C4%B1m; filename*2=.pdf", "Fatura Kasım.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("attachment; filename*0*=utf-8''%C4; filename*1*=%B1.pdf", "ı.pdf"),
        ("attachment; filename*=iso-8859-9''%FEikayet.pdf", "şikayet.pdf"),
        ("attachment; filename*=%C5%9F.pdf", "ş.pdf"),
        ("attachment; filename*=utf-8''şikâyet%20ğ.pdf", "şikâyet ğ.pdf"),
        ("attachment;\r\n filename=\"=?utf-8?b?xZ4=?=\r\n =?utf-8?b?xZ4ucGRm?=\"", "ŞŞ.pdf"),
        ("attachment; filename=\"=?iso-8859-9?Q?=FEikayet.pdf?=\"", "şikayet.pdf"),
        ('attachment; filename="C:\\Users\\ada\\fatura.pdf"', "fatura.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="gnp\u202efdp.exe"', "gnpfdp.exe"),
        ("attachment", ""),
        ("attachment; filename=", ""),
    ],
)  # fmt: skip
def test_the_name_of_a_file_is_the_one_that_was_meant(headers: str, name: str) -> None:
    raw = f"Content-Disposition: {headers}\r\n\r\nx".encode()
    assert name_of(message_from_bytes(raw, policy=compat32)) == name


def test_a_name_in_content_type_counts_where_there_is_no_other() -> None:
    raw = b"Content-Type: application/pdf; name*=utf-8''%C5%9F.pdf\r\nContent-Disposition: attachment\r\n\r\nx"
    assert name_of(message_from_bytes(raw, policy=compat32)) == "ş.pdf"


def test_a_raw_name_is_read_and_a_long_one_keeps_its_end() -> None:
    raw = 'Content-Disposition: attachment; filename="şikâyet.pdf"\r\n\r\nx'
    assert name_of(message_from_bytes(raw.encode(), policy=compat32)) == "şikâyet.pdf"
    assert name_of(message_from_bytes(raw.encode("cp1254"), policy=compat32)) == "şikâyet.pdf"
    assert file_name("x" * 300 + ".pdf") == "x" * 146 + ".pdf"
