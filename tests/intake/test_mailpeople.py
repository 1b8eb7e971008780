"""Who wrote a mail and whom it went to as well."""

import pytest

from services.intake.mail.parse import Facts, parse
from services.intake.mail.people import NO_REPLY, Person, copies, people, written_bare
from tests.growth import in_proportion

from .mails import raw

OWN = "servis@vefa.example"


def read(**headers: str) -> Facts:
    return parse(raw({name.replace("_", "-"): value for name, value in headers.items()}), None, OWN)


@pytest.mark.parametrize(
    "local",
    ["no-reply", "noreply", "No-Reply", "no_reply", "no.reply", "noreply2", "noreply-tr", "no-reply.x.12",
     "siparis-noreply", "donotreply", "do-not-reply", "dontreply", "yanitlamayiniz", "cevaplamayin",
     "bilgi.noreply", "noreply+ab"],
)  # fmt: skip
def test_who_says_that_nobody_reads_there_is_known(local: str) -> None:
    assert NO_REPLY.match(local)


@pytest.mark.parametrize(
    "local",
    ["noreplyman", "dog-owner", "satis-request", "reno-reply", "noreplys", "noriel", "reply", "cevapla", "yanit"],
)
def test_a_persons_address_is_no_robots(local: str) -> None:
    assert not NO_REPLY.match(local)
    facts = read(From=f"Ada <{local}@example.com>")
    assert (facts["automatic"], facts["silent"], facts["address"]) == (None, None, f"{local}@example.com")


@pytest.mark.parametrize(
    "sender", ["no-reply@shop.example", "wordpress@shop.example", "webform@shop.example", "www-data@host.example",
               "iletisim-formu@shop.example", "nobody@host.example", "notifications@market.example", OWN],
)  # fmt: skip
def test_behind_a_form_stands_the_person_in_reply_to(sender: str) -> None:
    facts = read(From=f"Web form <{sender}>", Reply_To="Ada Öz <ada@customer.example>")
    assert (facts["address"], facts["name"], facts["automatic"]) == ("ada@customer.example", "Ada Öz", None)
    assert facts["answer"]["address"] == "ada@customer.example"
    assert facts["beside"] == []


def test_of_two_persons_the_one_in_reply_to_is_answered_and_the_writer_takes_part() -> None:
    facts = read(From="Ada <ada@work.example>", Reply_To="ada@home.example")
    assert (facts["address"], facts["name"]) == ("ada@home.example", "Ada")
    assert facts["beside"] == [("Ada", "ada@work.example")]


def test_in_an_answer_to_us_the_writer_stays_the_sender() -> None:
    facts = read(From="Mallory <m@evil.example>", Reply_To="ada@customer.example")
    assert facts["answer"]["address"] == "m@evil.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Reply-To": "ayse@example.com"},
        {"Reply-To": "AYSE@Example.com"},
        {"Reply-To": ""},
        {"Reply-To": "kimse"},
        {"Reply-To": "a@x.example, b@x.example"},
        {"Reply-To": "no-reply@example.com"},
        {"Reply-To": OWN},
        {"Reply-To": "servis+abc@vefa.example"},
        {"Reply-To": "liste@gruplar.example", "List-Post": "<mailto:liste@gruplar.example>"},
        {"Reply-To": "liste@gruplar.example", "Precedence": "list"},
        {"Reply-To": "mailer-daemon@x.example"},
    ],
)
def test_from_is_the_sender_where_reply_to_names_no_other_person(headers: dict[str, str]) -> None:
    facts = parse(raw(headers), None, OWN)
    assert (facts["address"], facts["name"]) == ("ayse@example.com", "Ayşe Kaya")
    assert facts["beside"] == []


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Original-From": "Ada Oz <ada@customer.example>"}, "Ada Oz"),
        ({"X-Original-Sender": "ada@customer.example", "Reply-To": "destek@firma.example"}, "Ada Öz"),
        ({"Reply-To": "Ada <ada@customer.example>, destek@firma.example"}, "Ada"),
    ],
)
def test_behind_a_list_that_writes_in_its_own_name_stands_the_member(headers: dict[str, str], name: str) -> None:
    group = {"From": "'Ada Öz' via Destek <destek@firma.example>", "List-Post": "<mailto:destek@firma.example>"}
    facts = parse(raw(group | headers), None, OWN)
    assert (facts["address"], facts["name"], facts["automatic"]) == ("ada@customer.example", name, None)
    assert parse(raw(group), None, OWN)["address"] == "destek@firma.example"


def test_a_name_with_via_is_nobodys_list() -> None:
    facts = read(From="Ada via Roma <ada@customer.example>", X_Original_From="x@y.example")
    assert facts["address"] == "ada@customer.example"


def test_without_from_the_sender_is_who_else_is_named() -> None:
    assert read(From="", Sender="s@example.com")["address"] == "s@example.com"
    assert read(From="", Reply_To="r@example.com")["address"] == "r@example.com"
    assert parse(raw({"From": ""}), "envelope@example.com", OWN)["address"] == "envelope@example.com"
    assert parse(raw({"From": ""}), "<>", OWN)["reason"] == "no-sender"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('"ERDEM, Cihan" <c@x.example>', [("ERDEM, Cihan", "c@x.example")]),
        ("=?utf-8?q?x_=3Cevil@example.org=3E=2C?= <good@example.com>", [("x <evil@example.org>,", "good@example.com")]),
        ("a@x.example, B <b@x.example>; c@x.example", [("", "a@x.example"), ("B", "b@x.example"), ("", "c@x.example")]),
        ("undisclosed-recipients:;", []),
        ("Grup: a@x.example, b@x.example;", [("", "a@x.example"), ("", "b@x.example")]),
        ("ayşe@şirket.example", [("", "ayşe@şirket.example")]),
        ("", []),
    ],
)
def test_addresses_are_read_as_they_are_written(line: str, found: list[tuple[str, str]]) -> None:
    assert [(p.name, p.address) for p in people([line])][: max(len(found), 1)] == found


def test_copies_are_others_than_we_and_the_sender() -> None:
    to = ["fatih@firma.example", "servis@vefa.example", "Servis+tok@Vefa.example", "info@vefa.example",
          "ada@firma.example", "fatura@yardim.example", "no-reply@shop.example", "depo@firma.example"]  # fmt: skip
    found = copies([Person("", one) for one in to], OWN, ("ada@firma.example", "fatura@yardim.example"))
    assert [p.address for p in found] == ["fatih@firma.example", "depo@firma.example"]


def test_strangers_of_our_mail_provider_are_copies() -> None:
    found = copies([Person("", "ayse@gmail.com"), Person("", "dukkan@gmail.com")], "dukkan@gmail.com")
    assert [p.address for p in found] == ["ayse@gmail.com"]


def from_line(line: str) -> Facts:
    """With the line as it is typed, letters beyond ASCII raw."""
    return parse(f"From: {line}\r\nSubject: x\r\n\r\nKargom gelmedi.\r\n".encode(), None, OWN)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Ayşe Yılmaz ayse@example.com", "Ayşe Yılmaz"),
        ("Ayse Yilmaz ayse@example.com (ev)", "Ayse Yilmaz"),
        ('"Ayşe Yılmaz" ayse@example.com', "Ayşe Yılmaz"),
        ("=?utf-8?q?Ay=C5=9Fe?= ayse@example.com", "Ayşe"),
        ('"victim@example.org" ayse@example.com', "victim@example.org"),
        ("Ayşe: ayse@example.com Yılmaz", "Ayşe"),
        ("ayse@example.com Yılmaz", ""),
        ("Ayse ayse@example.com, Yilmaz", "Ayse"),
    ],
)
def test_an_address_without_brackets_is_whose_mail_it_is(line: str, name: str) -> None:
    facts = from_line(line)
    assert (facts["address"], facts["name"]) == ("ayse@example.com", name)
    assert "reason" not in facts


@pytest.mark.parametrize(
    "line",
    ["kimse", "", "Ayşe ayse@example.com veli@example.com", "Ayşe (ayse@example.com)",
     "=?utf-8?q?ayse=40example.com?= Kaya", "@example.com Kaya"],
)  # fmt: skip
def test_a_line_that_names_nobody_or_two_names_nobody(line: str) -> None:
    assert from_line(line).get("reason") == "no-sender"


@pytest.mark.parametrize("part", ["a", "a@", '"', "(", "=?", "<@", "a @"])
def test_a_long_line_takes_time_in_proportion(part: str) -> None:
    assert in_proportion(lambda size: written_bare([part * (size // len(part))]))


@pytest.mark.parametrize(
    ("to", "sender", "beside"),
    [
        ("Ayşe <ayse@example.com>, veli@example.com", "ayse@example.com", ["veli@example.com"]),
        ("destek@shop.example, ayse@example.com", "ayse@example.com", ["destek@shop.example"]),
        ("destek@shop.example, satis@shop.example", "destek@shop.example", ["satis@shop.example"]),
        ("ayse@example.com, no-reply@shop.example", "ayse@example.com", []),
        (f"ayse@example.com, {OWN}, veli@example.com", "ayse@example.com", ["veli@example.com"]),
    ],
)
def test_of_several_whom_a_no_reply_address_names_one_is_the_sender(to: str, sender: str, beside: list[str]) -> None:
    facts = read(From="Mağaza <no-reply@shop.example>", **{"Reply-To": to})
    assert (facts["address"], facts["automatic"]) == (sender, None)
    assert [address for _, address in facts["beside"]] == beside


def test_several_are_still_nobody_behind_a_person_a_list_or_machines() -> None:
    several = {"Reply-To": "ada@x.example, veli@x.example"}
    assert read(From="Ayşe <ayse@example.com>", **several)["address"] == "ayse@example.com"
    listed = several | {"List-Post": "<mailto:liste@gruplar.example>"}
    assert read(From="no-reply@shop.example", **listed)["address"] == "no-reply@shop.example"
    robots = {"Reply-To": "wordpress@shop.example, postmaster@shop.example"}
    assert read(From="no-reply@shop.example", **robots)["automatic"] == "no-reply"
