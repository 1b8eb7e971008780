"""One spelling for each address: what is the same comes out the same, what differs stays apart, the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.addresses import normalise
from shared.core.world import Refused

SAME = {
    "mail, capitals": ("mail", ["Ada.K@Customer.Example", "ada.k@customer.example", "ADA.K@CUSTOMER.EXAMPLE"]),
    "mail, the capital i of a Turkish phone": ("mail", ["İrem@firma.example", "irem@firma.example"]),
    "mail, a Turkish domain": ("mail", ["a@şirket.example", "a@xn--irket-idb.example", "a@ŞİRKET.example"] ),
    "mail, a German domain": ("mail", ["a@bücher.example", "a@xn--bcher-kva.example", "a@BÜCHER.example"]),
    "mail, other dots": ("mail", ["a@customer.example", "a@customer.example.", "a@customer。example"]),
    "mail, composed and decomposed": ("mail", ["ayşe@customer.example", "ays\u0327e@customer.example"]),
    "mail, decomposed domain": ("mail", ["a@bücher.example", "a@bu\u0308cher.example"]),
    "mail, full width": ("mail", ["a@customer.example", "a@ｃustomer.example"]),
    "phone, Turkish mobile": (
        "phone",
        ["+90 532 123 45 67", "0532 123 4567", "0 (532) 123-45-67", "00905321234567", "+90 (0) 532 123 45 67",
         "532.123.45.67", "905321234567", "٠٥٣٢١٢٣٤٥٦٧",
         "+90-532-123-4567", "\u202a+90 532 123 45 67\u202c"],
    ),
    "phone, British": ("phone", ["+44 20 7946 0123", "0044 20 7946 0123", "+44 (0)20 7946 0123"]),
    "phone, German": ("phone", ["+49 30 123456", "+49 (0)30 123456", "0049 30 123456"]),
    "phone, French": ("phone", ["+33 6 12 34 56 78", "+33 (0)6 12 34 56 78", "0033612345678"]),
    "phone, Mexican mobile": ("phone", ["+52 55 1234 7224", "+52 1 55 1234 7224", "5215512347224"]),
    "phone, Argentine mobile": ("phone", ["+54 9 11 2345 6789", "+54 11 15 2345 6789"]),
    "phone, with an extension": (
        "phone",
        ["+90 212 345 67 89", "0212 345 67 89 ext. 12", "0212 345 67 89 x12", "0212 345 67 89 dahili 12",
         "0212 345 67 89 (dahili: 12)", "0212 345 67 89/12", "0212 345 67 89 dah. 3", "0212 345 67 89 #12"],
    ),
    "handle": ("handle", ["@Vefa", "vefa", "@@vefa", "VEFA"]),
}  # fmt: skip
APART = [
    ("mail", "ada@customer.example", "ada@customer2.example"),
    ("mail", "ali@customer.example", "alı@customer.example"),
    ("mail", "ada+shop@customer.example", "ada@customer.example"),
    ("mail", "a.da@customer.example", "ada@customer.example"),
    ("mail", "a@straße.example", "a@strasse.example"),
    ("phone", "+90 532 123 45 67", "+90 532 123 45 68"),
    ("phone", "+52 55 1234 7224", "+1 551 234 7224"),
    ("phone", "+90 444 0 333", "+90 850 222 0 600"),
    ("number", "A-1", "a-1"),
    ("handle", "vefa_tr", "vefa.tr"),
]
NO_PHONE = [
    "0532 123 45 6O", "0532 123 45 67, 0533 123 45 67", "12", "0532 123", "0000000000", "+90 111 111 11 11", "arayın",
    "0532 123 45 67 89 01", "0532-YARDIM", "+999 123 456", "0212 345 67 89 - 90", "1-800-FLOWERS", "", "   ", "+",
]  # fmt: skip
NO_MAIL = [
    "ada", "ada@", "@customer.example", "ada@localhost", "a b@customer.example", "ada@customer..example",
    "ada@customer.example, b@customer.example", "ada@@customer.example", "<ada@customer.example>", "ada@.example",
    "ada\r\nBcc: b@customer.example", "a@\u200d.example",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "forms"), SAME.values(), ids=SAME)
def test_one_address_in_other_letters_is_one(kind: str, forms: list[str]) -> None:
    assert len({normalise(kind, form, "TR") for form in forms}) == 1


@pytest.mark.parametrize(("kind", "one", "other"), APART)
def test_two_addresses_stay_two(kind: str, one: str, other: str) -> None:
    assert normalise(kind, one, "TR") != normalise(kind, other, "TR")


@pytest.mark.parametrize("text", NO_PHONE)
def test_what_is_no_number_in_use_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        normalise("phone", text, "TR")
    assert (refused.value.field, refused.value.status) == ("address", 422)
    assert refused.value.remedy


@pytest.mark.parametrize("text", NO_MAIL)
def test_what_is_no_mail_address_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        normalise("mail", text, "TR")
    assert refused.value.field == "address"


@pytest.mark.parametrize(
    "text", ["ada@under_score.example", "o'neil@customer.example", "ada&co@customer.example", "ada@a-.example"]
)
def test_unusual_addresses_that_mails_come_from_are_taken(text: str) -> None:
    assert normalise("mail", text, "TR") == text


def test_a_number_without_a_country_is_of_the_region() -> None:
    assert normalise("phone", "030 123456", "DE") == "+4930123456"


@given(st.text(max_size=60), st.sampled_from(["mail", "phone", "handle", "number"]))
def test_what_was_normalised_stays_as_it_is(text: str, kind: str) -> None:
    try:
        once = normalise(kind, text, "TR")
    except Refused:
        return
    if once:
        assert normalise(kind, once, "TR") == once
