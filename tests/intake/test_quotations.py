"""What stands above quotations in the languages of Europe and some more, as mail programs write it."""

import textwrap

import pytest

from services.intake.mail.text import clean, read_text

OWN = "Ürün hâlâ bozuk.\nNe yapayım?"
SAID = """\
12 Eki 2026 Pzt, 10:15 tarihinde Destek <destek@vefa.example> şunu yazdı:
Destek <destek@vefa.example>, 12 Eki 2026 Pzt, 10:15 tarihinde şunu yazdı:
12.10.2026 10:15 tarihinde, Destek yazdı:
12.10.2026 10:15 tarihinde Destek Ekibi <destek@vefa.example> yazdı:
12 Ekim 2026 Pazartesi 10:15:45 GMT+3 tarihinde, Destek <destek@vefa.example> şunu yazdı:
Destek <destek@vefa.example> şunları yazdı (12 Eki 2026 10:15):
Destek <destek@vefa.example> 12 Eki 2026 10:15 saatinde şunu yazdı:
12 Eki 2026 tarihinde, saat 10:15 itibarıyla Destek <destek@vefa.example> şunu yazdı:
12.10.2026, 10:15, "Destek" <destek@vefa.example>:
2026-10-12 10:15 tarihinde Destek yazmış:
2026-10-12 10:15 GMT+03:00 Destek <destek@vefa.example>:
Pzt, 2026-10-12 tarihinde 10:15 +0300 saatinde, Destek yazdı:
On Mon, Oct 12, 2026 at 10:15 AM Support <s@vefa.example> wrote:
On 12/10/2026 10:15, Support wrote:
On Oct 12, 2026, at 10:15 AM, Support <s@vefa.example> wrote:
On Mon, 2026-10-12 at 10:15 +0300, Support wrote:
Support <s@vefa.example> wrote on Mon, 12 Oct 2026 at 10:15:
---- On Mon, 12 Oct 2026 10:15:36 +0300 Support <s@vefa.example> wrote ----
Am 12.10.2026 um 10:15 schrieb Support:
Am Mo., 12. Okt. 2026 um 10:15 Uhr schrieb Support <s@vefa.example>:
Support <s@vefa.example> schrieb am Mo., 12. Okt. 2026, 10:15:
Am 12. Oktober 2026 10:15:12 MESZ schrieb Support <s@vefa.example>:
Le lun. 12 oct. 2026 à 10:15, Support <s@vefa.example> a écrit :
Le 12/10/2026 à 10:15, Support a écrit :
Le 12 oct. 2026 à 10:15, Support <s@vefa.example> a écrit :
El lun, 12 oct 2026 a las 10:15, Support (<s@vefa.example>) escribió:
El 12/10/2026 a las 10:15, Support escribió:
El 12 oct. 2026 10:15, "Support" <s@vefa.example> escribió:
Il giorno lun 12 ott 2026 alle ore 10:15 Support <s@vefa.example> ha scritto:
Il 12/10/2026 10:15, Support ha scritto:
Il 12 ottobre 2026 10:15:12 CEST, Support <s@vefa.example> ha scritto:
Op ma 12 okt. 2026 om 10:15 schreef Support <s@vefa.example>:
Op 12-10-2026 om 10:15 schreef Support:
Op 12 okt. 2026, om 10:15 heeft Support <s@vefa.example> het volgende geschreven:
Den mån 12 okt. 2026 kl 10:15 skrev Support <s@vefa.example>:
12 okt. 2026 kl. 10:15 skrev Support <s@vefa.example>:
Den 2026-10-12 kl. 10:15, skrev Support:
man. 12. okt. 2026 kl. 10:15 skrev Support <s@vefa.example>:
Den man. 12. okt. 2026 kl. 10.15 skrev Support <s@vefa.example>:
På 12. oktober 2026 kl. 10:15:12, skrev Support <s@vefa.example>:
pon., 12 paź 2026 o 10:15 Support <s@vefa.example> napisał(a):
W dniu 12.10.2026 o 10:15, Support pisze:
Dnia 12 października 2026 10:15 Support <s@vefa.example> napisał(a):
Wiadomość napisana przez Support <s@vefa.example> w dniu 12 paź 2026, o godz. 10:15:
пн, 12 окт. 2026 г. в 10:15, Support <s@vefa.example>:
12.10.2026 10:15, Support пишет:
12 окт. 2026 г., в 10:15, Support <s@vefa.example> написал(а):
Понедельник, 12 октября 2026, 10:15 +03:00 от Support <s@vefa.example>:
пн, 12 жовт. 2026 р. о 10:15 Support <s@vefa.example> пише:
12 жовт. 2026 р., о 10:15, Support <s@vefa.example> написав(-ла):
Em seg., 12 de out. de 2026 às 10:15, Support <s@vefa.example> escreveu:
Em 12/10/2026 10:15, Support escreveu:
No dia 12/10/2026, às 10:15, Support <s@vefa.example> escreveu:
ma 12. lokak. 2026 klo 10.15 Support (s@vefa.example) kirjoitti:
Support <s@vefa.example> kirjoitti 12.10.2026 kello 10.15:
po 12. 10. 2026 v 10:15 odesílatel Support <s@vefa.example> napsal:
Dne 12. 10. 2026 v 10:15 Support napsal(a):
Support <s@vefa.example> ezt írta (időpont: 2026. okt. 12., H, 10:15):
2026. 10. 12. 10:15 keltezéssel, Support írta:
În lun., 12 oct. 2026 la 10:15, Support <s@vefa.example> a scris:
Στις Δευ 12 Οκτ 2026 στις 10:15 π.μ., ο/η Support <s@vefa.example> έγραψε:
2026年10月12日(月) 10:15 Support <s@vefa.example>:
2026/10/12 10:15、Support <s@vefa.example>のメール:
2026년 10월 12일 (월) 오전 10:15, Support <s@vefa.example>님이 작성:
在 2026年10月12日，上午10:15，Support <s@vefa.example> 写道：
Support <s@vefa.example> 于2026年10月12日周一 10:15写道：
בתאריך יום ב׳, 12 באוק׳ 2026 ב-10:15 מאת Support <s@vefa.example>:
في الاثنين، 12 أكتوبر 2026 في 10:15 ص تمت كتابة ما يلي بواسطة Support <s@vefa.example>:
pon, 12. lis 2026. u 10:15 Support <s@vefa.example> napisao je:
На пн, 12.10.2026 г. в 10:15 Support <s@vefa.example> написа:
Vào Th 2, 12 thg 10, 2026 vào lúc 10:15 Support <s@vefa.example> đã viết:
""".splitlines()
BLOCKS = """\
Kimden: Destek <destek@vefa.example>|Gönderildi: 12 Ekim 2026 Pazartesi 10:15|Kime: Ayşe|Konu: Ynt: iade
Kimden: Destek|Gönderme Tarihi: 12 Ekim 2026 Pazartesi 10:15|Kime: Ayşe|Bilgi: Ali|Konu: iade
Gönderen: Destek <destek@vefa.example>|Date: 12 Eki 2026 Pzt, 10:15|Subject: iade|To: <ayse@x.example>
*Kimden:* Destek [mailto:destek@vefa.example]|*Gönderildi:* 12 Ekim 2026 Pazartesi 10:15|*Kime:* Ayşe|*Konu:* iade
Konu: iade|Giden: 12.10.2026 10:15|Kimden: Destek <destek@vefa.example>|Kime: Ayşe
From: Support|Sent: Monday, October 12, 2026 10:15 AM|To: Ann|Subject: return
From: Support <s@vefa.example>|Date: Monday, 12 October 2026 at 10:15|To: Ann <a@x.example>|Subject: Re: return
Von: Support <s@vefa.example>|Gesendet: Montag, 12. Oktober 2026 10:15|An: Ann|Betreff: AW: Retoure
Von: Support|Gesendet: Montag, 12. Oktober 2026 10:15|An: 'Ann'|Cc: Bob|Betreff: AW: Retoure
De : Support <s@vefa.example>|Envoyé : lundi 12 octobre 2026 10:15|À : Ann|Objet : RE: retour
De: Support <s@vefa.example>|Enviado: lunes, 12 de octubre de 2026 10:15|Para: Ann|Asunto: RE: devolución
De: Support|Enviado el: lunes, 12 de octubre de 2026 10:15|Para: Ann|Asunto: RE: devolución
Da: Support <s@vefa.example>|Inviato: lunedì 12 ottobre 2026 10:15|A: Ann|Oggetto: R: reso
Van: Support <s@vefa.example>|Verzonden: maandag 12 oktober 2026 10:15|Aan: Ann|Onderwerp: Re: retour
Från: Support <s@vefa.example>|Skickat: den 12 oktober 2026 10:15|Till: Ann|Ämne: SV: retur
Fra: Support <s@vefa.example>|Sendt: mandag 12. oktober 2026 10:15|Til: Ann|Emne: SV: retur
Fra: Support|Dato: mandag den 12. oktober 2026 kl. 10.15|Til: Ann|Emne: Sv: retur
Od: Support <s@vefa.example>|Wysłano: poniedziałek, 12 października 2026 10:15|Do: Ann|Temat: ODP: zwrot
От: Support <s@vefa.example>|Отправлено: 12 октября 2026 г. 10:15|Кому: Ann|Тема: RE: возврат
Від: Support <s@vefa.example>|Надіслано: 12 жовтня 2026 р. 10:15|Кому: Ann|Тема: RE: повернення
De: Support <s@vefa.example>|Enviada em: segunda-feira, 12 de outubro de 2026 10:15|Para: Ann|Assunto: RES: devolução
Lähettäjä: Support <s@vefa.example>|Lähetetty: maanantai 12. lokakuuta 2026 10.15|Vastaanottaja: Ann|Aihe: VS: palautus
Od: Support <s@vefa.example>|Odesláno: pondělí 12. října 2026 10:15|Komu: Ann|Předmět: RE: vrácení
Feladó: Support <s@vefa.example>|Elküldve: 2026. október 12., hétfő 10:15|Címzett: Ann|Tárgy: RE: visszaküldés
发件人: Support <s@vefa.example>|发送时间: 2026年10月12日 10:15|收件人: Ann|主题: 回复: 退货
差出人: Support <s@vefa.example>|送信日時: 2026年10月12日 10:15|宛先: Ann|件名: RE: 返品
__________|Saatja: Support <s@vefa.example>|Saadetud: 12. oktoober 2026 10:15|Adressaat: Ann|Teema: Re: tagastus
""".splitlines()
DIVIDERS = """\
-----Original Message-----
-------- Original Message --------
-----Özgün İleti-----
-------- Orijinal mesaj --------
----- Orijinal Mesaj -----
-----Ursprüngliche Nachricht-----
-------- Message original --------
-----Message d'origine-----
-----Mensaje original-----
-----Messaggio originale-----
-----Oorspronkelijk bericht-----
-----Ursprungligt meddelande-----
-----Opprinnelig melding-----
-----Oprindelig meddelelse-----
-----Wiadomość oryginalna-----
-------- Исходное сообщение --------
-----Mensagem original-----
------------------ 原始邮件 ------------------
----- Yanıtlanan İleti -----
-----Початкове повідомлення-----
-----Alkuperäinen viesti-----
-----Původní zpráva-----
""".splitlines()


def check(quotation: str, own: str = OWN) -> None:
    """Cut from an answer whole, and whole in a first mail."""
    text = f"{own}\n\n{quotation}"
    answer = read_text(text, answering=True)
    assert answer.text == own
    assert [(part.kind, part.text) for part in answer.parts] == [("quoted", clean(quotation))]
    assert read_text(text, answering=False).text == clean(text)


@pytest.mark.parametrize("header", SAID)
def test_a_line_above_a_quotation(header: str) -> None:
    check(f"{header}\n\n> eski\n>\n> metin")
    check(f"{header}\n> eski\n> metin", own="Ne zaman?")


@pytest.mark.parametrize("header", SAID)
def test_a_line_above_what_is_quoted_without_marks(header: str) -> None:
    check(f"{header}\n\neski metin\n\nVefa")


@pytest.mark.parametrize("header", SAID)
@pytest.mark.parametrize("width", [60, 66, 72, 78])
def test_a_line_that_was_wrapped(header: str, width: int) -> None:
    wrapped = "\n".join(textwrap.wrap(header, width, break_long_words=False, break_on_hyphens=False))
    check(f"{wrapped}\n\n> eski\n> metin")
    check(f"{wrapped}\n\neski metin")


@pytest.mark.parametrize(
    "address", ["<\nuzun.bir.adres@vefa.example>", "\n<uzun.bir.adres@vefa.example>", "<uzun.bir.adres@vefa.example\n>"]
)
def test_an_address_that_was_wrapped(address: str) -> None:
    check(f"12 Eki 2026 Pzt, 10:15 tarihinde Destek {address} şunu yazdı:\n\n> eski\n> metin")
    check(f"On Mon, Oct 12, 2026 at 10:15 AM, Support {address} wrote:\n\n> old\n> text")
    check(f"2026-10-12 10:15 GMT+03:00 Destek {address}:\n\n> eski\n> metin")


def test_three_lines() -> None:
    check(
        "On Mon, Oct 12, 2026 at 10:15 AM,\nSupport of the Example Company in Istanbul\n<support@vefa.example> "
        "wrote:\n> old\n> text"
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_headers(block: str) -> None:
    lines = block.replace("|", "\n")
    check(f"{lines}\n\neski metin\n\nVefa")
    check(f"{'_' * 32}\n{lines}\n\neski metin")
    check(f"-----Original Message-----\n{lines}\n\neski metin")


@pytest.mark.parametrize("block", BLOCKS[:-1])
def test_a_block_of_headers_with_blank_lines_between(block: str) -> None:
    check(block.replace("|", "\n\n") + "\n\neski metin")


@pytest.mark.parametrize("divider", DIVIDERS)
def test_a_divider(divider: str) -> None:
    check(f"{divider}\n\neski metin")


@pytest.mark.parametrize(
    "quotation",
    [
        "2026/10/12 Support <s@vefa.example>\n\n| old\n| text",
        " Original Message \nFrom: Support <s@vefa.example>\nSent: Monday, October 12, 2026 10:15\nTo: Ann\n"
        "Subject: x\n\nold".strip(),
        "From: Support <s@vefa.example>\nSent: Monday, October 12, 2026 10:15\nTo: a long list <a@x.example>;\n "
        "b <b@x.example>\nSubject: x\n\nold",
        "\u202bבתאריך 12 באוק׳ 2026 ב-10:15 מאת \u202aV\u202c\u200f "
        "<\u202av@vefa.example\u202c\u200f>:\u202c\n\n> old\n> text",
        "Destek yazdı:\n> eski\n> metin",
        "Support wrote:\n\n> old\n> text",
        "--- Bilinmeyen bir ileti ---\nSaatja: V <v@vefa.example>\nTeema: x\nAdressaat: A\n\neski",
        "> On Mon, Oct 12, 2026 at 10:15 AM Support <s@vefa.example> wrote:\n> old",
        "12.10.2026 10:15 tarihinde, Destek yazdı:\n >eski\n >metin",
    ],
)
def test_other_shapes(quotation: str) -> None:
    check(quotation)


@pytest.mark.parametrize(
    "own",
    [
        "Faturayı kim kesti? Kimden: istenecek, Ahmet Bey'den mi?\nKonu: irsaliye numarası yanlış.\nDoğrusu 2291-B.",
        "Kimden: istenecek, Ahmet Bey'den mi?\nKonu: irsaliye numarası yanlış.\nDoğrusu 2291-B.",
        "Gönderen: Ayşe Kaya\nAlıcı: Ali Demir\nKonu: kayıp paket\nTarih: 12.10.2026 14:30",
        "Gönderen: Ayşe / Alıcı: Ali / Konu: kayıp",
        "Absender: Ann\nDatum: 12.10.2026 14:30\nBetreff: Paket",
        "Konu: iade\nTarih: 12.10.2026\nÜrünü geri almıyorlar.",
        "From: Ankara\nTo: İzmir\nDate: 12.10.2026\nThe parcel is lost.",
        "De: Madrid\nA: Sevilla\nFecha: mañana",
        "Von: Berlin\nAn: Hamburg\nwar das Paket unterwegs.",
        "Kargo firması 12 Ekim'de bana şunu yazdı:\n'Teslim edildi.'\nAma teslim edilmedi.",
        "Komşum bana şunu yazdı: geri ver",
        "12 Ekim 2026'da aradım, saat 10:15'te şöyle dediler:\nbekleyin",
        "On Monday your agent wrote:\nwe will refund you.\nNothing came.",
        "Sorularım:\n- ne zaman?\n- nereye: Bursa'ya mı?",
        "Adresim:\nada@x.example",
        "Üç sorun var:\n--\n1. koli ezik\n--\n2. etiket yanlış",
        "Ölçüler\n-----\nMasa: 80 cm\nKapı: 90 cm\nSaat: 10:15",
        "Ağırlık sınırı\n> 50 kg",
        "Sorunlar:\n> masa kırık\n> sandalye yanlış",
        "5 > 3 ve 3 < 5 olmalı",
        "| Ürün | Adet |\n| Masa | 2 |",
        "--- Önemli ---\nMasa kırık.",
        "Chat'te bana böyle yazıldı:\n\n> Temsilci: Paranız yarın yatacak\n> Ben: Söz mü?\n\nAma yatmadı.",
        "Temsilciniz bana şunu yazdı:\n> Paranız yarın yatacak\nAma yatmadı.",
    ],
)
def test_what_a_person_writes_himself_is_no_header(own: str) -> None:
    for answering in (True, False):
        reading = read_text(own, answering=answering)
        assert (reading.text, reading.parts) == (own, ())


def test_an_answer_below_a_header_and_a_quotation() -> None:
    for header in SAID:
        assert read_text(f"{header}\n> eski\n> metin\n\n{OWN}", answering=True).text == OWN


TOLD = """\
Kuryeniz 25.11.2026 14:32 tarihinde bana şunu yazdı:
Kuryeniz 25.11.2026 14:32 tarihinde şunu yazdı:
Satıcı bize 25 Kasım 2026 14:32'de şunu yazdı:
satici@magaza.example bana dün şunu yazdı:
Bana 25.11.2026 14:32'de teknisyen yazdı:
Ali Usta <ali@usta.example> 25.11.2026 14:32 tarihinde bana yazdı:
25.11.2026 14:32 tarihinde kayıt açtım, sistem şunu yazdı:
Ekranda 25.11.2026 14:32 yazdı:
On 25 November 2026 at 14:32 your courier wrote to me:
Your technician Mr Kaya wrote on 25.11.2026 at 14:32:
On 25 November 2026 at 14:32 the seller wrote:
Am 25.11.2026 um 14:32 hat mir der Fahrer geschrieben:
Ihr Fahrer schrieb am 25.11.2026 um 14:32:
Le 25/11/2026 à 14:32 votre livreur a écrit :
"""


@pytest.mark.parametrize("told", TOLD.splitlines())
def test_what_a_person_tells_that_somebody_wrote_stays_in_his_answer(told: str) -> None:
    text = f"Paket hâlâ yok.\n\n{told}\n\nKomşuya bıraktım.\n\nKomşuda paket yok."
    assert read_text(text, answering=True).text == text


@pytest.mark.parametrize(
    "name",
    ["Bize Ulaşın", "Your Shop", "Sistem Destek", "Toys R Us", "Kuryeniz", "Ihre Bank", "The App Company", "Bana"],
)
@pytest.mark.parametrize(
    "header",
    [
        "{name} <s@vefa.example>, 12 Eki 2026 Pzt, 10:15 tarihinde şunu yazdı:",
        "On Mon, Oct 12, 2026 at 10:15 AM {name} <s@vefa.example> wrote:",
    ],
)
def test_a_name_like_such_words_is_that_of_a_header(name: str, header: str) -> None:
    assert read_text(f"{OWN}\n\n{header.format(name=name)}\n\nMerhaba", answering=True).text == OWN


LISTS = [
    "-------------------------\nSipariş No: 123\nTarih: 25.11.2026 14:30\nE-posta: ali@can.example\n-----\nGelmedi.",
    "_____________________\nCihaz: Klima\nSeri: 123\nMail: ali@can.example\n\nLütfen gelin, su akıtıyor.",
    "*****\nAd: Ali\nSoyad: Can\nTel: 0532 111 22 33\nSaat: 14:30\nMail: a@b.example\n\nFırın yanıyor.",
    "----- Fatura bilgileri -----\nAd: Ali\nMail: a@b.example\nSaat: 14:30\n\nFaturayı buraya kesin.",
    "----------\nGönderen: Ali Can\nTelefon: 0532 111 22 33\nTarih: 25.11.2026 14:30\nE-posta: a@b.example\n\nİade.",
    "==========\nName: Jane\nEmail: jane@doe.example\nDate: 25/11/2026 14:30\n\nIt leaks.",
    "-----\nName: Hans\nTelefon: 030 12345\nE-Mail: h@m.example\n\nBitte liefern.",
]


@pytest.mark.parametrize("own", LISTS)
@pytest.mark.parametrize("answering", [True, False])
def test_a_rule_above_what_a_person_lists_is_no_header(own: str, answering: bool) -> None:
    reading = read_text(f"Bilgiler:\n{own}", answering=answering)
    assert (reading.text, reading.parts) == (f"Bilgiler:\n{own}", ())


@pytest.mark.parametrize(
    "block",
    [
        "Von wem: Support <s@vefa.example>\nWann: 12.10.2026 10:15\nWorum: Anfrage",
        "Kimden: Destek\nTarih: 12.10.2026 10:15\nKime: ali@can.example\nKonu: Cihaz: klima",
        "From: Support <s@vefa.example>\nDate: 12/10/2026 10:15\nTo: ali@can.example\nSubject: x\n\nName: Ali\nTel: 1",
    ],
)
def test_a_rule_above_headers_of_a_mail_is_one(block: str) -> None:
    assert read_text(f"{OWN}\n\n----------\n{block}\n\nMerhaba", answering=True).text == OWN
