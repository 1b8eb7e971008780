"""What a person wrote, found among quotations and signatures in Turkish and English."""

import re

import nh3
import pytest

from services.intake import mailtext
from services.intake.mailtext import clean, html_text, reply_text

GMAIL_TR = "12 Eki 2026 Pzt, 10:15 tarihinde Destek <destek@vefa.example> şunu yazdı:\n\n> Merhaba,\n> numaranız?"
GMAIL_TR_WRAPPED = "Ayşe Kaya <ayse@example.com>, 12 Eki 2026 Pzt, 10:15\ntarihinde şunu yazdı:\n\n> eski"
APPLE_TR = "Destek <destek@vefa.example> şunları yazdı (12 Eki 2026 10:15):\n> eski"
OUTLOOK_TR = (
    "________________________________\nKimden: Destek <destek@vefa.example>\nGönderilme: 12 Ekim 2026 Pazartesi 10:15\n"
    "Kime: Ayşe\nKonu: Ynt: iade\n\neski metin"
)
GMAIL_EN = "On Mon, Oct 12, 2026 at 10:15 AM Support <support@vefa.example> wrote:\n> old"
OUTLOOK_EN = (
    "From: Support <s@vefa.example>\nSent: Monday, October 12, 2026 10:15\nTo: Ann\nSubject: RE: return\n\nold text"
)


@pytest.mark.parametrize("quotation", [GMAIL_TR, GMAIL_TR_WRAPPED, APPLE_TR, OUTLOOK_TR, GMAIL_EN, OUTLOOK_EN])
def test_a_quotation_is_left_out(quotation: str) -> None:
    assert reply_text(f"Ürün hâlâ bozuk.\nNe yapayım?\n\n{quotation}") == "Ürün hâlâ bozuk.\nNe yapayım?"


@pytest.mark.parametrize(
    "signature",
    [
        "Saygılarımla,\nAyşe Kaya\n0532",
        "-- \nAyşe",
        "iPhone'umdan gönderildi",
        "Kind regards,\nAnn",
        "Sent from my iPhone",
    ],
)
def test_a_signature_is_left_out(signature: str) -> None:
    assert reply_text(f"Ürün bozuk geldi.\n\n{signature}") == "Ürün bozuk geldi."


@pytest.mark.parametrize(
    "text",
    [
        "Merhaba\nThanks, but it is still broken\nand nobody calls",
        "İstenenler:\n- fatura\n- kargo numarası",
        "Konu: iade\nTarih: 12.10.2026\nÜrünü geri almıyorlar.",
        "Saygılarımla",
        "Komşum bana şunu yazdı: geri ver",
    ],
)
def test_what_the_person_wrote_is_not_cut(text: str) -> None:
    assert reply_text(text) == text


def test_an_answer_below_the_quotation_is_found() -> None:
    assert reply_text(f"{GMAIL_EN}\n> older\n\nIt is still broken.") == "It is still broken."


def test_answers_between_quoted_lines_keep_their_questions() -> None:
    text = "> Numara?\n123\n> Tarih?\n12 Ekim"
    assert reply_text(text) == text


def test_a_lone_quotation_is_kept_rather_than_nothing() -> None:
    assert reply_text("> eski\n> metin") == "> eski\n> metin"


def test_html_becomes_text_without_scripts_and_remote_images() -> None:
    html = (
        "<html><head><title>x</title><style>p{}</style></head><body><p>Merhaba&nbsp;<b>dünya</b></p><script>alert(1)</script>"
        "<img src='http://evil.example/a.gif'><div>ikinci<br>üçüncü</div><blockquote>eski</blockquote></body></html>"
    )
    assert html_text(html) == "Merhaba dünya\n\nikinci\nüçüncü\n> eski"


def test_control_characters_and_lone_surrogates_do_not_survive() -> None:
    assert clean("a\x00b\x1b[31mc\r\nd\udce9") == "ab[31mc\nd?"


def test_of_a_long_mail_only_the_last_lines_can_be_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(line: str, rest: list[str]) -> bool:
        looked_at.append(len(rest))
        return begins(line, rest)

    begins = mailtext._begins_signature
    monkeypatch.setattr(mailtext, "_begins_signature", counted)
    long = "\n".join(f"line {n}" for n in range(10_000))
    assert reply_text(f"{long}\n-- \nAyşe\n0532") == long
    assert looked_at == list(range(15, 1, -1))


def test_of_a_page_of_nested_tags_the_first_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    clean_html = nh3.clean
    monkeypatch.setattr(nh3, "clean", lambda html, **options: read.append(html) or clean_html(html, **options))
    assert html_text("<p>It broke.</p>" + "<div>" * 300_000 + "x") == "It broke."
    assert html_text("<p>It broke.</p>" + "<div>" * 20 + "x") == "It broke.\n\nx"
    assert [html.count("<") for html in read] == [10_000, 22]


MANY = " ".join(f"a{n}" for n in range(200_000))


@pytest.mark.parametrize("html", [
    f"<p {MANY}>Twice.", f"</div {MANY}><p>Twice.", "<p " + "a='>' " * 9000 + ">Twice.",
    f'<!-- <a x=" --> <p {MANY}>Twice.', f'<style><a x="</style><p {MANY}>Twice.',
    f"<svg><title><b {MANY}></b></title></svg><p>Twice.",
])  # fmt: skip
def test_a_tag_of_very_many_attributes_is_not_given_to_the_cleaner(monkeypatch: pytest.MonkeyPatch, html: str) -> None:
    def slow(html: str, **options: object) -> str:
        raise AssertionError("it takes the square of their number")

    monkeypatch.setattr(nh3, "clean", slow)
    text = html_text(f"<p>It broke &amp; burnt.</p>{html}</p>")
    assert text.startswith("It broke & burnt.\n")
    assert text.endswith("Twice.")


@pytest.mark.parametrize("rest", ["x" * 100_000, " " * 100_000, ' y="' + "x" * 100_000])
def test_what_looks_like_tags_within_one_value_is_not_counted_for_ever(
    monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    searched: list[int] = []

    class Counting:
        def match(self, html: str, at: int) -> re.Match[str] | None:
            searched.append(at)
            return attribute.match(html, at)

    attribute = mailtext._ATTRIBUTE
    monkeypatch.setattr(mailtext, "_ATTRIBUTE", Counting())
    monkeypatch.setattr(mailtext, "COUNTED", 1_000_000)
    assert html_text("<p>It broke.</p>" + "<a/b=" * 300 + rest).startswith("It broke.")
    assert len(searched) < 100


def test_a_hundred_attributes_are_still_cleaned() -> None:
    attributes = " ".join(f"a{n}='x > y'" for n in range(100))
    assert (
        html_text(f"<style>p{{}}</style><p {attributes}>It broke.</p><img src='data:{'A' * 500_000}'>") == "It broke."
    )


@pytest.mark.parametrize("unit", [">", "On ", "<a"])
def test_a_long_line_is_searched_at_its_beginning_and_kept_whole(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    searched: list[str] = []
    above = mailtext._above_quotation
    monkeypatch.setattr(mailtext, "_above_quotation", lambda text: searched.append(text) or above(text))
    line = (unit * 50_000)[:100_000].strip()
    assert reply_text(f"Hello\n{line}\nthe end") == f"Hello\n{line}\nthe end"
    assert max(map(len, searched[0].split("\n"))) < 250


def test_a_quotation_with_long_lines_is_left_out() -> None:
    to = "; ".join(f"Person {n} <p{n}@example.com>" for n in range(100))
    quotation = OUTLOOK_EN.replace("To: Ann", f"To: {to}")
    long = "The parcel broke. " * 40
    assert reply_text(f"{long}\n\n{quotation}") == long.strip()


def test_a_long_last_line_is_no_line_above_a_quotation(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    class Counted:
        def search(self, text: str) -> None:
            searched.append(text)

    monkeypatch.setattr(mailtext, "_SAID_BY", Counted())
    line = '"' + "a@" * 50_000 + ":"
    assert reply_text(f"Hello\n{line}") == f"Hello\n{line}"
    assert searched == []
