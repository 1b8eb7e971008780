"""What says nothing but thanks or assent, and what says more."""

import pytest

from services.intake.thanks import courtesy
from tests.intake.words import POLICY

NAME, ADDRESS = "Mehmet Yılmaz", "m.yilmaz@firma.example"
SIGNATURE = "\nMehmet Yılmaz\nSatış Müdürü\nABC Makina San. ve Tic. Ltd. Şti.\n0532 123 45 67"

THANKS = [
    "Teşekkürler", "teşekkürler.", "TEŞEKKÜR EDERİM!", "Çok teşekkürler, iyi günler!", "tşk", "Sağ olun :)", "🙏",
    "Teşekkürler 😊🙏", "❤️", "Teşekkürler Ahmet Bey", "Teşekkür ederim Ayşe Nur Hanım, iyi çalışmalar.",
    "İlginiz için çok teşekkür ederim.", "Hızlı dönüşünüz için teşekkürler, iyi akşamlar", "Elinize sağlık ^^",
    "Merhaba,\n\nTeşekkürler.\n\nSaygılarımla", "Tekrar çok teşekkürler!", "Allah razı olsun", "teşekkürler hocam",
    "Thanks!", "Thank you very much for your help!", "Many thanks <3", "thx", "Thanks, Ece!", "Dear Ayşe, thank you.",
    "Thank you so much\nBest regards", "Teşekkürler, Mehmet", "Danke", "Merci beaucoup",
    "Teşekkürler, iyi çalışmalar.\nMehmet Yılmaz\nSatış Müdürü\nABC Makina A.Ş.\nTel: +90 532 123 45 67",
    "Teşekkürler, iyi çalışmalar." + SIGNATURE, "Teşekkürler.\n--\nMehmet Yılmaz", "Teşekkürler\n\nM. Yılmaz",
    "Thank you!\n\nJohn Smith\nHead of Sales\nACME Ltd.\nhttps://acme.example/?ref=mail\n+44 20 7946 0958",
    "Çok teşekkürler.\nSaygılarımla,\nZeynep Öztürk\nMuhasebe Uzmanı",
    "Teşekkürler\nBurak Çelik\nburak@celik.example",
]  # fmt: skip
ASSENT = [
    "Tamam", "ok", "Okay", "OLUR", "Evet", "Onaylıyorum.", "Evet, onaylıyorum", "tamamdır!", "👍", "👍🏽", "👌👌",
    "Yes", "Yes please", "Kabul ediyorum", "Uygundur.", "Sounds good", "Go ahead", "Anlaşıldı", "Olur Ahmet Bey",
    "I approve.", "Evet" + SIGNATURE, "Peki", "✅",
]  # fmt: skip
BOTH = [
    "Tamam, teşekkürler", "Tamamdır, teşekkürler", "ok thanks", "Olur, iyi çalışmalar.", "👍 teşekkürler",
    "Evet, teşekkür ederim." + SIGNATURE, "Great, thank you!", "Onaylıyorum, kolay gelsin",
]  # fmt: skip
MORE = [
    "", "Teşekkürler ama hâlâ çalışmıyor", "Teşekkürler, kargom ne zaman gelir?", "Teşekkürler :(", "Hayır", "No",
    "Hayır, teşekkürler", "No thanks", "Olmadı", "Tamam değil", "Evet ama rengi yanlış", "👎", "😡", "Teşekkürler 😡",
    "Teşekkürler.\nÜrün yine bozuldu.", "Teşekkürler.\nKargo Gelmedi", "Teşekkürler\nKARGO GELMEDİ\n0532 123 45 67",
    "Teşekkürler\nİade İstiyorum", "Teşekkürler. Fatura numarası 4711.", "Tamam, adresim Moda Cad. 5",
    "Thanks, it broke again", "Thanks. Please call me.", "Thanks, Not", "ok but the colour is wrong",
    "Evet, mavi olsun", "Teşekkürler, bir de faturamı gönderir misiniz", "Kargo gelmedi hocam", "Ürün kırık bey",
    "Teşekkürler\n0532 123 45 67", "Teşekkürler.\nMehmet Yılmaz\nbu arada modem yine koptu\n0532 123 45 67",
    "Yeni numaram:\nMehmet Yılmaz\n0532 123 45 67", "Mehmet Yılmaz", "Teşekkürler\nÜRÜN BOZUK",
    "Thanks!\nStill Broken", "Tamam yapmayın", "yes and no", "Thanks for nothing",
    "Teşekkürler.\n- kapak kırık\n- kablo eksik",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "thanks", "assent"),
    [*((t, True, False) for t in THANKS), *((t, False, True) for t in ASSENT), *((t, True, True) for t in BOTH),
     *((t, False, False) for t in MORE)],
)  # fmt: skip
def test_what_says_nothing_but_thanks_or_assent(text: str, thanks: bool, assent: bool) -> None:
    said = courtesy(POLICY, text, NAME, ADDRESS)
    assert (said.thanks, said.assent) == (thanks, assent)


def test_nobody_need_be_known() -> None:
    assert courtesy(POLICY, "Teşekkürler, iyi çalışmalar." + SIGNATURE).thanks
    assert not courtesy(POLICY, "Teşekkürler\nMehmet Yılmaz").bare
    assert courtesy(POLICY, "Teşekkürler\nAyşe", None, "ayse.kaya@firma.example").thanks
