"""HTML of mails as text: readable tables and links, no scripts, and no page that takes long."""

import re

import nh3
import pytest

from services.intake.mail import html as mailhtml
from services.intake.mail.html import RULE, html_text
from services.intake.mail.text import read_text
from tests.growth import in_proportion


def test_html_becomes_text_without_scripts_and_remote_images() -> None:
    html = (
        "<html><head><title>x</title><style>p{}</style></head><body><p>Merhaba&nbsp;<b>dünya</b></p><script>alert(1)</script>"
        "<img src='http://evil.example/a.gif'><div>ikinci<br>üçüncü</div><blockquote>eski</blockquote></body></html>"
    )
    assert html_text(html) == "Merhaba dünya\n\nikinci\nüçüncü\n> eski"


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

    attribute = mailhtml._ATTRIBUTE
    monkeypatch.setattr(mailhtml, "_ATTRIBUTE", Counting())
    monkeypatch.setattr(mailhtml, "COUNTED", 1_000_000)
    assert html_text("<p>It broke.</p>" + "<a/b=" * 300 + rest).startswith("It broke.")
    assert len(searched) < 100


def test_a_hundred_attributes_are_still_cleaned() -> None:
    attributes = " ".join(f"a{n}='x > y'" for n in range(100))
    assert (
        html_text(f"<style>p{{}}</style><p {attributes}>It broke.</p><img src='data:{'A' * 500_000}'>") == "It broke."
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            '<a href="https://shop.example/urun/4711?renk=mavi">şu ürünü</a> aldım',
            "şu ürünü (https://shop.example/urun/4711?renk=mavi) aldım",
        ),
        ('<a href="https://video.example/xyz">https://video.example/xyz</a>', "https://video.example/xyz"),
        ('<a href="https://www.shop.example/">shop.example</a>', "shop.example"),
        ('<a href="http://shop.example/a">www.shop.example/a</a>', "www.shop.example/a"),
        ('<a href="https://shop.example/a">shop.example</a>', "shop.example (https://shop.example/a)"),
        ('<a href="mailto:ada@x.example">ada@x.example</a>', "ada@x.example"),
        ('<a href="mailto:Ada@x.example?subject=x">Ada &lt;ada@x.example&gt;</a>', "Ada <ada@x.example>"),
        ('<a href="mailto:ada@x.example">bana yazın</a>', "bana yazın (ada@x.example)"),
        ('<a href="tel:+905321112233">0532 111 22 33</a>', "0532 111 22 33"),
        ('<a href="tel:+905321112233">arayın</a>', "arayın (+905321112233)"),
        ('a <a href="https://t.example/o.gif"><img src="https://t.example/o.gif" width=1></a> b', "a b"),
        ('<a href="javascript:alert(1)">bu</a>', "bu"),
        ('<a href="#top">yukarı</a>', "yukarı"),
        (
            "<a "
            'href="https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fshop.example%2Fa&amp;data=05">bu</a>',
            "bu (https://shop.example/a)",
        ),
        ('<a href="https://shop.example/a"><b>şu</b> masa</a>', "şu masa (https://shop.example/a)"),
        ("<a href='https://[broken/'>x</a>", "x"),
    ],
)
def test_a_link_says_where_it_leads_once(html: str, text: str) -> None:
    assert html_text(f"<p>{html}</p>") == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<table><tr><td>Seri no</td><td>TR-88</td></tr><tr><td>Tarih</td><td>14.11.2026</td></tr></table>",
            "Seri no\tTR-88\nTarih\t14.11.2026",
        ),
        (
            "<table><tr><th><p>Ürün</p></th><th><p>Adet</p></th></tr><tr><td><p>Masa</p></td><td><p>2</p></td></tr></table>",
            "Ürün\tAdet\nMasa\t2",
        ),
        (
            "<table><tr><td><p>Merhaba,</p><p>masa kırık.</p><p>Ayşe</p></td></tr></table>",
            "Merhaba,\n\nmasa kırık.\n\nAyşe",
        ),
        ("<table><tr><td>a</td><td></td><td>b</td></tr></table>", "a\tb"),
        ("<table><tr><td><table><tr><td>iç</td><td>2</td></tr></table></td></tr></table>", "iç\t2"),
        ("<pre>def f():\n    return 1</pre>", "def f():\n    return 1"),
        ("<ul><li>bir<li>iki</ul>", "bir\niki"),
    ],
)
def test_tables_and_indentation_stay_readable(html: str, text: str) -> None:
    assert html_text(html) == text


ANSWER = "Salı uygun değil."
QUOTED = {
    "Gmail": '<div dir="ltr">{}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Vefa &lt;<a '
    'href="mailto:s@v.example">s@v.example</a>&gt;, 28 Kas 2026 Cmt, 14:19 tarihinde şunu '
    'yazdı:<br></div><blockquote class="gmail_quote"><p>eski</p><p>metin</p></blockquote></div>',
    "Outlook": '<div class="WordSection1"><p class="MsoNormal">{}</p><div style="border:none;border-top:solid '
    '#E1E1E1 1.0pt"><p><b>Kimden:</b> Vefa &lt;s@v.example&gt;<br><b>Gönderilme Tarihi:</b> 28 Kasım '
    "2026 14:19<br><b>Kime:</b> Ada<br><b>Konu:</b> x</p></div><p>eski</p></div>",
    "Outlook in Estonian": '<p>{}</p><div id="divRplyFwdMsg"><b>Saatja:</b> Vefa '
    "&lt;s@v.example&gt;<br><b>Saadetud:</b> 28. november 2026 14:19<br><b>Adressaat:</b> "
    "Ada<br><b>Teema:</b> x</div><p>eski</p>",
    "Yahoo": '<div>{}</div><div class="yahoo_quoted"><div>28 Kasım 2026 Cumartesi 14:19:45 GMT+3 tarihinde, Vefa '
    "&lt;s@v.example&gt; şunu yazdı:</div><div>eski</div><div>metin</div></div>",
    "Yandex": '<div>{}</div><div>28.11.2026, 14:19, "Vefa" '
    "&lt;s@v.example&gt;:</div><blockquote><p>eski</p><p>metin</p></blockquote>",
    "Apple": '<div>{}</div><div><br><blockquote type="cite"><div>28 Kas 2026 tarihinde 14:19 saatinde, Vefa '
    "&lt;s@v.example&gt; şunları yazdı:</div><br><div>eski</div></blockquote></div>",
    "Proton": '<div>{}</div><div class="protonmail_quote">On Saturday, November 28th, 2026 at 14:19, Vefa '
    '&lt;s@v.example&gt; wrote:<br><blockquote class="protonmail_quote" '
    'type="cite">eski<br>metin</blockquote></div>',
    "Thunderbird": '<p>{}</p><div class="moz-cite-prefix">28.11.2026 14:19 tarihinde, Vefa '
    'yazdı:<br></div><blockquote type="cite" cite="mid:x"><p>eski</p><p>metin</p></blockquote>',
}


@pytest.mark.parametrize("client", QUOTED)
def test_what_programs_quote_in_html_is_cut_from_an_answer_and_stays_in_a_first_mail(client: str) -> None:
    text = html_text(QUOTED[client].format(ANSWER))
    assert read_text(text, answering=True).text == ANSWER
    assert "eski" in read_text(text, answering=False).text


def test_what_is_only_indented_is_no_quotation() -> None:
    html = '<p>Liste:</p><blockquote style="margin:0 0 0 40px;border:none;padding:0px">masa<br>sandalye</blockquote>'
    assert html_text(html) == "Liste:\n\nmasa\nsandalye"


def test_what_was_forwarded_in_html_stays_and_is_named() -> None:
    html = (
        '<div>Bakar mısınız?</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded '
        "message ---------<br>Gönderen: Kargo &lt;b@k.example&gt;<br>Date: 26 Eki 2026<br>Subject: "
        "Teslimat<br>To: Ada</div><p>TR-777 iade edildi.</p></div>"
    )
    reading = read_text(html_text(html), answering=True)
    assert "TR-777" in reading.text
    assert [part.kind for part in reading.parts] == ["forwarded"]
    assert reading.text[reading.parts[0].at :].startswith("---------- Forwarded")


def test_outlook_draws_its_rule() -> None:
    assert html_text('<p>a</p><div id="x_divRplyFwdMsg">b</div>') == f"a\n\n{RULE}\nb"


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        # a tenth holds about as many tags as are read at most; below, the sanitiser's time grows with the square of
        # elements that stand in one another, and with that of a text's references above the other size
        ("<table><tr><td>", 1_000_000),
        ("<blockquote>", 1_000_000),
        ("<a href='https://x.example/'>", 1_000_000),
        ("<p>x</p>", 1_000_000),
        ("<div style='border-top:solid #", 1_000_000),
        ("<pre>\n", 1_000_000),
        ("&#160;", 100_000),
    ],
)
def test_a_hostile_page_is_read_in_proportion(unit: str, size: int) -> None:
    assert in_proportion(lambda size: html_text(f"<p>It broke.</p>{unit * (size // len(unit))}"), size)
