"""What a person wrote, found among quotations and signatures in Turkish and English."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.mail import signatures
from services.intake.mail.text import Cut, Reading, clean, read_text
from tests.growth import in_proportion

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


def reply_text(text: str) -> str:
    """What is new in an answer to a mail of ours."""
    return read_text(text, answering=True).text


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


def test_control_characters_and_lone_surrogates_do_not_survive() -> None:
    assert clean("a\x00b\x1b[31mc\r\nd\udce9") == "ab[31mc\nd?"


PLACED = [
    "Merhaba,\nkargom gelmedi.\n\nİyi çalışmalar\nAyşe Yılmaz\n\nSipariş no: 4711",
    f"Ürün bozuk.\n\nSaygılarımla\nAyşe Kaya\n\n{GMAIL_TR}",
    f"Cevaplar aşağıda.\n\n{GMAIL_TR}\n\n4711\n\n> Tarih?\n3 Mayıs\n\n-- \nAyşe\n0532 111 22 33",
    f"{OUTLOOK_TR}\n\nSaygılarımla\nVefa",
    "Bakın:\n\n---------- Forwarded message ---------\nFrom: K <k@k.example>\nDate: 1 Oct 2026\nSubject: x\nTo: "
    "a\n\nTR-777",
    "    girinti\n\n\n\nSon satır\niPhone'umdan gönderildi\nBir satır daha",
    "Saygılarımla\nAyşe Kaya",
    "> 50 kg\n\n\n> eski\n>> daha eski\ncevap\n> son",
    "--\n--\n--",
    "\u200b\n \n> \n>\n",
]


@pytest.mark.parametrize("answering", [True, False])
@pytest.mark.parametrize("text", PLACED)
def test_text_and_parts_together_lose_no_line(text: str, answering: bool) -> None:
    check_nothing_is_lost(text, answering)


@given(
    st.lists(
        st.sampled_from(
            sorted(
                {line for text in PLACED for line in text.split("\n")}
                | {
                    "",
                    ">",
                    "> x?",
                    "Kimden: V <v@v.example>",
                    "Konu: y",
                    "Kime: A",
                    "On 12 Oct 2026 at 10:15, V <v@v.example> wrote:",
                    "_" * 32,
                    "-----Original Message-----",
                    "Teşekkürler",
                    "Bu e-posta gizlidir, alıcısına özeldir.",
                    "Tel: 0532 111 22 33",
                    "foo@bar.example>:",
                    "2026/1/1 a <a@b.example>",
                    "| eski",
                    "1) masa",
                    "Ne zaman?",
                }
            )
        ),
        max_size=25,
    ),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_no_order_of_lines_loses_one(lines: list[str], answering: bool) -> None:
    check_nothing_is_lost("\n".join(lines), answering)


def check_nothing_is_lost(text: str, answering: bool) -> None:
    reading = read_text(text, answering=answering)
    everything = [line for one in (reading.text, *(part.text for part in reading.parts)) for line in one.split("\n")]
    whole = [line for line in clean(text).split("\n") if line.strip()]
    assert sorted(line for line in everything if line.strip()) == sorted(whole)
    assert bool(reading.text) == bool(whole)
    places = [part.at for part in reading.parts]
    assert places == sorted(places)
    for part in reading.parts:
        assert 0 <= part.at <= part.at + part.length <= len(reading.text)
        assert bool(part.text) != bool(part.length)
        assert answering or part.kind != "quoted"
        assert not part.length or reading.text[part.at : part.at + part.length].strip()


def test_a_part_says_where_it_was() -> None:
    reading = read_text("Kargom gelmedi.\n\nİyi çalışmalar\nAyşe Yılmaz\n\nSipariş no: 4711", answering=False)
    assert reading.text == "Kargom gelmedi.\n\nSipariş no: 4711"
    assert reading.parts == (Cut("signature", 15, 0, "İyi çalışmalar\nAyşe Yılmaz"),)


FORWARDS = [
    "---------- Forwarded message ---------\nGönderen: Kargo <b@k.example>\nDate: 26 Eki 2026 Pzt, 09:00\n"
    "Subject: T\nTo: <a@c.example>",
    "________________________________\nKimden: Kargo <b@k.example>\nGönderildi: 26 Ekim 2026 Pazartesi 09:00\n"
    "Kime: a@c.example\nKonu: T",
    "Kimden: Kargo <b@k.example>\nGönderildi: 26 Ekim 2026 Pazartesi 09:00\nKime: a@c.example\nKonu: T",
    "Begin forwarded message:\n\nFrom: Kargo <b@k.example>\nSubject: T\nDate: 26 October 2026 at 09:00:00\nTo: "
    "a@c.example",
    "İletilen ileti başlangıcı:\n\nKimden: Kargo <b@k.example>\nKonu: T\nTarih: 26 Ekim 2026 09:00:00\nKime: "
    "a@c.example",
    "-------- İletilen İleti --------\nKonu: T\nTarih: Mon, 26 Oct 2026 09:00:00 +0300\nKimden: Kargo "
    "<b@k.example>\nKime: a@c.example",
    "-------- Yönlendirilen Mesaj --------\nKonu: T\nTarih: 26.10.2026\nKimden: Kargo <b@k.example>\nKime: a@c.example",
    "-------- Weitergeleitete Nachricht --------\nBetreff: T\nDatum: 26.10.2026 09:00\nVon: Kargo <b@k.example>\n"
    "An: a@c.example",
    "---------- Message transféré ---------\nDe : Kargo <b@k.example>\nDate : lun. 26 oct. 2026\nObjet : T\nÀ : "
    "a@c.example",
    "-------- Пересылаемое сообщение --------\n26.10.2026, 09:00, Kargo <b@k.example>:",
    "Konu: T\nGiden: 26.10.2026 09:00\nKimden: Kargo <b@k.example>\nKime: a@c.example",
]


@pytest.mark.parametrize("header", FORWARDS)
def test_what_a_first_mail_forwards_stays_and_is_named(header: str) -> None:
    own, forwarded = "Bu ne demek?", f"{header}\n\nGönderiniz TR-777 iade edildi.\n\nSaygılarımla\nKargo A.Ş."
    reading = read_text(f"{own}\n\n{forwarded}\n", answering=False)
    assert reading.text == f"{own}\n\n{forwarded}"
    assert reading.parts == (Cut("forwarded", len(own) + 2, len(forwarded), ""),)


def test_of_who_forwards_the_signature_is_still_one() -> None:
    reading = read_text(f"Bakar mısınız?\n\nSaygılarımla\nAyşe Kaya\n\n{FORWARDS[0]}\n\nTR-777", answering=False)
    assert [(part.kind, part.text) for part in reading.parts] == [
        ("signature", "Saygılarımla\nAyşe Kaya"),
        ("forwarded", ""),
    ]
    assert reading.text.startswith("Bakar mısınız?\n\n---------- Forwarded message")


@pytest.mark.parametrize("header", FORWARDS[:1] + FORWARDS[3:7])
def test_what_an_answer_forwards_stays_too(header: str) -> None:
    assert "TR-777" in read_text(f"Bu ne demek?\n\n{header}\n\nTR-777", answering=True).text


def test_a_forward_without_a_word_is_the_concern() -> None:
    reading = read_text(f"{FORWARDS[0]}\n\n5512 numaralı paket yırtık geldi.", answering=False)
    assert reading.text.endswith("5512 numaralı paket yırtık geldi.")
    assert reading.parts == (Cut("forwarded", 0, len(reading.text), ""),)


@pytest.mark.parametrize("quotation", [GMAIL_TR, GMAIL_TR_WRAPPED, APPLE_TR, OUTLOOK_TR, GMAIL_EN, OUTLOOK_EN])
def test_nothing_is_cut_as_history_from_a_mail_that_answers_none_of_ours(quotation: str) -> None:
    text = f"Ürün hâlâ bozuk.\n\n{quotation}"
    assert read_text(text, answering=False).text == text


def test_an_answer_that_only_quotes_stays_whole_and_says_so() -> None:
    """Nothing is new in it, but an agent who opens it must not see an empty message."""
    reading = read_text(f"\n{GMAIL_TR}\n", answering=True)
    assert reading.text == GMAIL_TR
    assert reading.parts == (Cut("quoted", 0, len(GMAIL_TR), ""),)


@pytest.mark.parametrize(
    "rest", [OUTLOOK_TR, OUTLOOK_EN, f"-----Original Message-----\n{OUTLOOK_EN}", GMAIL_EN[:-6] + "\nx"]
)
def test_an_answer_may_stand_below_what_is_quoted_without_marks(rest: str) -> None:
    header, _, below = rest.rpartition("\n")
    reading = read_text(rest, answering=True)
    assert reading.text == below
    assert reading.parts == (Cut("quoted", 0, 0, header.strip()),)


@pytest.mark.parametrize("text", ["", "\n \n", "\x00"])
def test_a_mail_without_a_word_has_no_text(text: str) -> None:
    assert read_text(text, answering=True) == read_text(text, answering=False) == Reading("")


@pytest.mark.parametrize(
    "header",
    [
        "26 Eki 2026 Pzt 09:12 tarihinde Vefa <servis@vefa.example> şunu yazdı:",
        "On Mon, 26 Oct 2026 at 09:12, Vefa <servis@vefa.example> wrote:",
        "Am 26.10.2026 um 09:12 schrieb Vefa:",
    ],
)
@pytest.mark.parametrize("above", ["", "Merhaba, cevaplarım aşağıda.\n\n"])
def test_answers_between_quoted_lines_stand_below_their_questions(above: str, header: str) -> None:
    quoted = (
        "> Merhaba,\n>\n> Seri numarası nedir?\n\nSN-90210\n\n> Ne zaman aldınız?\n\n3 Mayıs'ta aldım.\n\n> "
        "Vefa\n> Müşteri hizmetleri"
    )
    reading = read_text(f"{above}{header}\n{quoted}", answering=True)
    assert reading.text == f"{above}> Seri numarası nedir?\n\nSN-90210\n\n> Ne zaman aldınız?\n\n3 Mayıs'ta aldım."
    assert [part.text for part in reading.parts] == [f"{header}\n> Merhaba,\n>", "> Vefa\n> Müşteri hizmetleri"]


def test_of_a_long_quotation_the_last_paragraph_stays_above_an_answer() -> None:
    long = "\n".join(f"> satır {n}" for n in range(30))
    reading = read_text(f"{GMAIL_TR}\n{long}\n>\n> Tarih?\n3 Mayıs\n> Yer?\nBursa", answering=True)
    assert reading.text == "> Tarih?\n3 Mayıs\n> Yer?\nBursa"


def test_one_question_and_one_answer_below_it() -> None:
    reading = read_text(f"{GMAIL_EN}\n> Hello,\n>\n> Which number?\n\n4711", answering=True)
    assert reading.text == "> Which number?\n\n4711"


def test_white_space_within_stays() -> None:
    text = "Kod:\n\n    if x:\n        y = 1\n\n\tz"
    assert reply_text(f"{text}\n\n{GMAIL_TR}") == text
    assert reply_text(f"{GMAIL_EN}\n\n    first\n\n  second") == "    first\n\n  second"


def test_of_a_long_mail_only_the_last_lines_can_be_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    look = signatures.look
    monkeypatch.setattr(signatures, "look", lambda line, shouted: looked_at.append(line) or look(line, shouted))
    long = "\n".join(f"line {n}" for n in range(10_000))
    assert reply_text(f"{long}\n-- \nAyşe\n0532") == long
    assert len(looked_at) < 60


def test_a_quotation_with_long_lines_is_left_out() -> None:
    to = "; ".join(f"Person {n} <p{n}@example.com>" for n in range(100))
    quotation = OUTLOOK_EN.replace("To: Ann", f"To: {to}")
    long = "The parcel broke. " * 40
    assert reply_text(f"{long}\n\n{quotation}") == long.strip()


UNITS = [
    ">",
    "> ",
    ">\n",
    "> x\n",
    "On ",
    "<a",
    "a@",
    "@",
    "<",
    ":\n",
    "a:\n",
    "1@a:\n",
    "x\n",
    "\n",
    "--\n",
    "-- a\n",
    "From:\n",
    "From: a@b\n",
    "Kimden: a\n",
    "Kime: x\n",
    "-----\n",
    "----- a -----\n",
    "-",
    "_",
    "*",
    "| ",
    "|\n",
    "Saygılarımla\n",
    "Ayşe\n",
    "Teşekkürler\n",
    "Bu e-posta ",
    "Bu e-posta gizli\n",
    "this e-mail is confidential ",
    "Sent from my iPhone\n",
    "sent from ",
    "0532 ",
    "(0",
    "http://a",
    "www.",
    "12.10.2026 10:15 a@b.c yazdı:\n",
    "12 Eki 2026 ",
    "On 12/10/2026 10:15 a <a@b.c\n> wrote:\n",
    "a <a@b\n",
    "Tel: 0532\n",
    "x gönderildi\n",
    "2026/1/1 a <a@b>\n| x\n",
    "\u200b",
    "X yazdı:\n> a\n",
    "manager director ",
    "AAAA ",
    "ab ab: ",
    "1.1.1.",
    "İ",
    "a de 2026 ",
    "from iphone\n",
    "cad. 5 ",
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("answering", [True, False])
def test_every_text_takes_time_in_proportion(unit: str, answering: bool) -> None:
    assert in_proportion(lambda size: read_text("Merhaba\n" + (unit * size)[:size], answering=answering))


@pytest.mark.parametrize("unit", [">", "On ", "<a"])
def test_a_long_line_is_kept_whole(unit: str) -> None:
    line = (unit * 50_000)[:100_000].strip()
    assert reply_text(f"Hello\n{line}\nthe end") == f"Hello\n{line}\nthe end"
