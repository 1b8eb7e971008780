"""The concerns that are brought in benchmarks: of a thousand customers, in the words of complaints that ship."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.outside import CaseSubmitted
from shared.core.message import Actor, Message, fresh
from shared.core.personal import Personal
from shared.privacy.sealing import contact_id

CUSTOMERS = 1000
TEXTS = (
    "Kargom beş gündür gelmedi, takip numarası da çalışmıyor. Paramı geri istiyorum.",
    "The blender stopped working after two days and nobody answers my mails.",
    "Faturamda almadığım bir ürün görünüyor, lütfen düzeltin.",
    "My account is locked and the code that you send never arrives on my phone.",
    "Ürün kırık geldi, kutusu da ezilmişti. Değişim istiyorum, bir an önce dönüş yapın.",
)


def body(number: int) -> dict[str, Any]:
    """A concern as the form posts it."""
    return {
        "contact": {"kind": "mail", "address": f"c{number % CUSTOMERS}@example.com"},
        "text": f"{TEXTS[number % len(TEXTS)]} ({number})",
    }


def submitted(number: int, at: datetime) -> Message:
    """The same as intake hears it from its edge."""
    address = f"c{number % CUSTOMERS}@example.com"
    contact = contact_id(b"bench", "mail", address)
    event = CaseSubmitted(
        contact=contact, contact_kind="mail", address=Personal(address), channel="web", subject=Personal(""),
        text=Personal(body(number)["text"]),
    )  # fmt: skip
    return fresh(event, at, id=UUID(int=1 << 120 | number), actor=Actor("customer", "public"), command=True)
