"""What a person wrote, found among quotations and signatures in Turkish and English."""

import pytest

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
