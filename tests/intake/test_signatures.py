"""Below a person's words: what looks like a signature or a footer goes aside, whatever else they wrote stays."""

import pytest

from services.intake.mail.text import read_text

OWN = "Ürün bozuk geldi, yardımınızı bekliyorum."
SIGNATURES = [
    "Saygılarımla,\nAyşe Kaya\n0532",
    "Saygılarımızla\n\nIşıl Tekstil A.Ş.\nMüşteri Hizmetleri",
    "İyi çalışmalar dilerim.\nMehmet Öz",
    "İyi günler,\nAyşe",
    "SAYGILARIMLA\nAYŞE KAYA\nGENEL MÜDÜR",
    "Sevgiler\nAyşe K.",
    "Kind regards,\nAnn",
    "Best regards\nAnn Smith\nHead of Purchasing\nSmith Ltd.\n+44 20 7946 0000\nwww.smith.example",
    "Mit freundlichen Grüßen\nMax Mustermann\nGeschäftsführer\nMuster GmbH\nHauptstraße 5, 10115 Berlin\nTel.: "
    "+49 30 123456",
    "Cordialement,\nJean Dupont\nResponsable achats\nTél : 01 23 45 67 89",
    "Saludos,\nJuan Pérez",
    "Cordiali saluti\nMario Rossi\nUfficio Acquisti",
    "Met vriendelijke groet,\nJan de Vries\nInkoper",
    "Med vänliga hälsningar\nSven Svensson",
    "Med venlig hilsen\nLars Hansen\nTlf. 12 34 56 78",
    "Z poważaniem\nJan Kowalski\nKierownik działu",
    "С уважением,\nИван Петров",
    "З повагою,\nОлена",
    "Atenciosamente,\nMaria Silva\nTel: 11 91234-5678",
    "--\nAyşe",
    "_______\nBu ileti virüslere karşı taranmıştır.",
    "--\nAyşe Kaya\nKaya Ltd. Şti.\nBağdat Cad. No:12 Kadıköy/İstanbul",
    "iPhone'umdan gönderildi",
    "iPad’imden gönderildi",
    "Android telefonumdan gönderildi",
    "Galaxy'mden gönderildi",
    "Samsung Galaxy akıllı telefonumdan gönderildi.",
    "Huawei cihazımdan gönderildi",
    "Samsung Mobile tarafından gönderildi",
    "Android için Yahoo Postadan gönderildi",
    "Windows 10 için Posta'dan gönderildi",
    "Android cihazımdan K-9 Mail ile gönderildi. Lütfen kısalığımı mazur görün.",
    "Redmi Note 12'mden gönderildi",
    "iOS için Outlook ile gönderildi",
    "Saygılarımla\nMehmet Gündoğdu\nSatış Müdürü",
    "Saygılarımla\nAyşe Tanrıverdi\nKalite Müdürü\n0532 111 22 33",
    "Sent from my iPhone",
    "Sent from Outlook for Android",
    "Get Outlook for iOS",
    "iOS için Outlook'u edinin",
    "Android için Outlook uygulamasını edinin",
    "Yahoo Mail'den gönderildi",
    "Von meinem iPhone gesendet",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Wysłane z iPhone'a",
    "Отправлено с iPhone",
    "Надіслано з iPhone",
    "Enviado do meu iPhone",
    "Gesendet mit der GMX Mail App",
    "Yahoo Mail'den gönderildi: iPhone için ara, düzenle, ele geçir",
    "Windows için Posta ile gönderildi",
    "Mail for Windows'tan gönderildi",
    "Yandex.Mail mobil uygulamasından gönderildi",
    "Xiaomi cep telefonumdan gönderildi",
    "Bu e-posta ve ekleri gizlidir. Yanlışlıkla aldıysanız lütfen siliniz.",
    "Kişisel verileriniz KVKK kapsamında işlenmektedir. Aydınlatma metni için web sitemizi ziyaret ediniz.",
    "Bu mesaj ve ekleri yalnızca alıcısına özeldir.\nAvukatlık ve mahkeme masrafları yetkisiz kullanana aittir.",
    "This e-mail is confidential and intended only for the addressee.",
    "This email and any attachments are confidential. If you are not the intended recipient, please delete it.",
    "Yasal Uyarı: Bu e-posta kişiye özel bilgiler içerebilir.",
    "UYARI! Bu e-posta yalnızca alıcısına aittir.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Empfänger sind, löschen Sie sie.",
    "Ce message est confidentiel et destiné à son destinataire.",
    "Este mensaje es confidencial y va dirigido a su destinatario.",
    "Questo messaggio è riservato al destinatario.",
    "Dit bericht is vertrouwelijk.",
    "Detta meddelande är konfidentiellt.",
    "Niniejsza wiadomość jest poufna.",
    "Это сообщение является конфиденциальным.",
    "Lütfen çevreyi düşünerek bu e-postayı yazdırmayınız.",
    "Please consider the environment before printing this e-mail.",
    "Saygılarımla\nAyşe Kaya\nKaya Hukuk Bürosu\nlegal@kaya.example\n\nGDPR | KVKK",
    "Saygılarımla,\n\nAyşe Kaya\nSatış Uzmanı\n\nhttps://www.kaya.example\n\nBu e-posta gizlidir, yetkisiz "
    "kullanılamaz.\nAvukatlık ve mahkeme giderleri saklıdır.",
    "Ayşe Kaya\nSatış Müdürü\nKaya A.Ş.\nT: 0212 555 44 33\nE: ayse@kaya.example",
    "Saygılarımla,\nAyşe Kaya\n\n[cid:image001.png@01D]\nTel: 0212 555 11 22",
    "İyi çalışmalar,\nAyşe Kaya | Satın Alma | 0 532 111 22 33",
]
SIGNED = {
    "Saygılarımla\nAyşe Kaya": [
        "Sipariş no: 4711",
        "Sipariş no:4711",
        "Ayrıca kargo ücretini de geri istiyorum.",
        "Ne zaman dönersiniz?",
        "1) masa kırık\n2) sandalye yanlış",
        "- masa\n- sandalye",
        "Not: Fatura da yanlış.",
        "Ek: fatura.pdf\nSeri no: SN-1",
        "IBAN: TR12 0001 0002 0003 0004 0005 06",
        "paramı iade edin",
        "4711",
        "https://kargo.example/takip?id=4711",
        "Fatura no GIB2026000000381",
        "Teslimat adresi: Atatürk Cad. No:4 Bursa",
        "Beni 0532 111 22 33 numarasından arayın.",
        "Satış müdürünüz hiç aramadı.",
        "Kutu açıktı.",
        "Müşteri numaram 88-12",
        "Kargo: MNG, takip 123456",
    ],
    "Kind regards\nAnn": [
        "P.S. The order number is 4711.",
        "PS: the box was open.",
        "Order 4711",
        "Tracking: 1Z999",
        "When will it come?",
        "I also want the shipping back.",
        "Please call me after five.",
    ],
    "Mit freundlichen Grüßen\nMax Mustermann": [
        "Bestellnummer: 4711",
        "Wann kommt das Paket?",
        "Ich warte seit drei Wochen.",
    ],
    "Saygılarımla\nAli Can": [
        "Gaz Kokusu Var",
        "PARAMI GERİ VERİN",
        "Kapıda Köpek Var!",
        "Kombi Bozuk",
        "Servis Gelmedi",
    ],
    "iPhone'umdan gönderildi": ["Sipariş no 4711", "Bir de kutu açıktı."],
}
CONCERNS = [
    "--\nAyrıca kutu açıktı.",
    "--\nSipariş no: 4711",
    "-----\nİkinci konu: fatura yanlış.",
    "KVKK kapsamında verilerimin silinmesini istiyorum.",
    "Avukatıma danışacağım.",
    "Bu mesajıma cevap verilmezse mahkemeye gideceğim.",
    "GDPR kapsamında verilerimi istiyorum.",
    "Kişisel verilerimi kiminle paylaştınız?",
    "Bu e-posta adresimi listeden çıkarın lütfen.",
    "Under GDPR I want my data deleted.",
    "My lawyer will contact you.",
    "Ürün Ankara'dan gönderildi.",
    "Fatura mail ile gönderildi.",
    "Samsung A54 yanlış adrese gönderildi",
    "Samsung Galaxy A54 kargoya gönderildi. Ama gelmedi",
    "iPhone 13 iadesi gönderildi.",
    "Samsung televizyonum servise gönderildi",
    "Huawei kulaklık yerine kılıf gönderildi.",
    "Xiaomi süpürge kargo ile gönderildi",
    "iPhone 12 İzmir'den gönderildi",
    "Ürünü aşağıdaki adrese gönderin.\n\nSaygılarımla\nAli Can\nAtatürk Cad. No:4 Bursa",
    "Aşağıdaki numaradan beni arayın.\n\nTeşekkürler,\nAli Can\nSatış Müdürü\n0532 111 22 33",
    "Please send the new one to the address below.\n\nRegards,\nJane Doe\n12 High Street\nLondon",
    "Yeni adresim imzamda.\n\n--\nAli Can\nAtatürk Cad. No:4 Bursa",
    "Sent by courier on Monday.",
    "I sent my iPhone back on Monday.",
    "Sent my old phone to you.",
    "Teslimat adresi: Atatürk Cad. No:4 Bursa",
    "Beni 0532 111 22 33 numarasından arayın.",
    "Yeni telefonum:\n0532 111 22 33",
    "Adresim şöyle:\n\nAyşe Kaya\nAtatürk Cad. No:4\nTel: 0532 111 22 33",
    "İyi çalışmalar\nhttps://kargo.example/takip?id=4711",
    "İyi çalışmalar\nFatura no GIB2026000000381",
    "İyi çalışmalar\n4711",
    "Mailinizin altında 'Kişisel verileriniz KVKK kapsamında işlenmektedir' yazıyor, buna rızam yok.",
    "Kişisel verileriniz KVKK kapsamında işlenmektedir diyorsunuz ama bana sormadınız.",
    "Bu e-posta ile aboneliğimi iptal ediyorum, gizli kalsın.",
    "This email is my third complaint about the broken mixer.",
    "Sayın yetkili, mahkeme ve avukat masraflarını sizden alacağım.",
    "İyi günler dilerim ama ürün hâlâ gelmedi",
    "Thanks, but it is still broken",
    "Teşekkürler ama ürün bozuk",
    "Merhaba\nAyşe Kaya ben, siparişim gelmedi",
    "Tel: 0532 111 22 33 numarasına kimse dönmedi",
    "Best regards are not enough, I want a refund.",
    "-- 3 adet masa\n-- 2 adet sandalye",
    "İyi akşamlar\nkargom nerede",
    "Envoyé le colis lundi par la poste",
    "Gesendet habe ich es am Montag",
    "Enviado el paquete por correo",
    "Best regards",
    "Ayşe Kaya\nAtatürk Cad. No:4 Bursa\n0532 111 22 33",
    "Adresim şöyle:\n\nAyşe Kaya\nKaya A.Ş.\nAtatürk Cad. No:4\nTel: 0532 111 22 33",
    "İYİ ÇALIŞMALAR\nKARGOM GELMEDİ",
    "Ayşe",
    "Thanks,\nSome One",
    "Kişisel verileriniz güvende diyordunuz.",
    "Avukatlık ve mahkeme masraflarını ödeyeceksiniz.",
    "Bu mesajı dikkate alın lütfen.",
    "GDPR",
    "This message is for the manager: I want my money.",
    "Bu e-posta KVKK başvurusudur.",
    "Bu mesaj yasal ihtar niteliğindedir.",
    "Bu mesajın yanıtını yetkili biri versin.",
    "Bu e-postayı yetkili müdüre iletin.",
    "KVKK kapsamında aydınlatma metni gönderilmedi.",
    "Kişisel verileriniz diye gönderdiğiniz dosya başkasının.",
    "This e-mail is a GDPR request.",
    "This message is intended for your manager.",
    "This message came back in error.",
    "This email is a legal notice: refund or court.",
    "Diese E-Mail ist eine Anfrage nach DSGVO.",
    "Ce message contient une erreur: la commande est 4711.",
    "Confidential: staff salaries are open to everybody.",
    "Uyarı: bu fişten duman çıkıyor.",
    "Hinweis: der Karton war offen.",
    "Please consider the parcel lost.",
    "Lütfen çevre zabıtasına haber verin.",
    "Privacy: who reads the recordings of calls.",
]


@pytest.mark.parametrize("answering", [True, False])
@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_or_a_footer_goes(signature: str, answering: bool) -> None:
    reading = read_text(f"{OWN}\n\n{signature}", answering=answering)
    assert reading.text == OWN
    assert [(part.kind, part.text) for part in reading.parts] == [("signature", signature)]


@pytest.mark.parametrize(("signature", "below"), [(name, one) for name, all_ in SIGNED.items() for one in all_])
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_what_follows_a_signature_stays(signature: str, below: str, gap: str) -> None:
    reading = read_text(f"{OWN}\n\n{signature}{gap}{below}", answering=False)
    assert reading.text == f"{OWN}\n\n{below}"
    assert [part.text for part in reading.parts] == [signature]


@pytest.mark.parametrize("answering", [True, False])
@pytest.mark.parametrize("concern", CONCERNS)
def test_what_is_no_signature_stays(concern: str, answering: bool) -> None:
    for gap in ("\n", "\n\n"):
        reading = read_text(f"{OWN}{gap}{concern}", answering=answering)
        assert (reading.text, reading.parts) == (f"{OWN}{gap}{concern}", ())


@pytest.mark.parametrize(
    "concern",
    [
        "KVKK kapsamında verilerimin silinmesini istiyorum.",
        "Avukatıma danışacağım.",
        "GDPR kapsamında verilerimi istiyorum.",
        "Under GDPR I want my data deleted.",
        "Bu e-posta adresimi listeden çıkarın.",
        "Kişisel verilerimi kiminle paylaştınız?",
    ],
)
def test_who_writes_about_the_law_keeps_every_word_also_above_a_footer(concern: str) -> None:
    footer = (
        "Saygılarımla\nAli Veli\nVeli Hukuk Bürosu\nlegal@veli.example\n\nKişisel verileriniz KVKK "
        "kapsamında işlenmektedir."
    )
    assert read_text(f"{concern}\n\n{footer}", answering=False).text == concern


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Teşekkürler, iyi çalışmalar.\nAyşe Kaya\nSatın Alma Müdürü\nKaya Tekstil A.Ş.\n0212 555 44 33",
            "Teşekkürler, iyi çalışmalar.",
        ),
        ("Teşekkürler\nAyşe Kaya", "Teşekkürler"),
        ("Merhaba,\n\nTeşekkür ederim.\n\nAyşe Kaya\nSatın Alma", "Merhaba,\n\nTeşekkür ederim."),
        ("Thank you.\n\nKind regards,\nAnn Smith\nSmith Ltd.", "Thank you."),
        ("Thank you.\n\nSent from Outlook Mobile<https://x.example>", "Thank you."),
    ],
)
def test_thanks_are_said_and_stay(text: str, kept: str) -> None:
    assert read_text(text, answering=True).text == kept


@pytest.mark.parametrize(
    "text",
    [
        "iPhone'umdan gönderildi",
        "Bu e-posta ve ekleri gizlidir.",
        "Saygılarımla\nAyşe Kaya",
        "Confidential: a list of salaries is open to everybody.",
        "Aydınlatma metniniz on iki sayfa.",
    ],
)
def test_where_nothing_else_stands_nothing_is_a_signature(text: str) -> None:
    for answering in (True, False):
        reading = read_text(text, answering=answering)
        assert (reading.text, reading.parts) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "İyi akşamlar,\nVestel Buzdolabı\nGürültülü Çalışıyor\nServis Talep Ederim",
        "Kolay gelsin\nBosch Bulaşık Makinesi\nSu Almıyor\nTel: 0532 111 22 33",
        "İyi günler\nSamsung Klima\nTel: 0532 111 22 33\nSu akıtıyor",
        "Merhaba\nİyi çalışmalar\nArçelik Fırın\nkapağı kapanmıyor",
        "Selamlar,\nAli Can\nFaturam gelmedi.",
    ],
)
def test_a_greeting_at_the_beginning_is_no_closing(text: str) -> None:
    for answering in (True, False):
        assert read_text(text, answering=answering).text == text


def test_an_older_mail_below_does_not_keep_a_signature() -> None:
    text = "Aşağıdaki konu hakkında bilgi rica ederim.\n\nSaygılarımla\nAli Can\nSatış Müdürü\n0532 111 22 33"
    assert read_text(text, answering=False).text == "Aşağıdaki konu hakkında bilgi rica ederim."
