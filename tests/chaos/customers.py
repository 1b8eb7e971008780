"""Customers who leave words that stand nowhere else in every field that they or their agents can fill, and where such
words might be found again."""

import base64
import hmac
import os
import random
import smtplib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import psycopg

from shared.core.message import Role
from shared.edge import tokens
from tests.running import Running
from tests.waiting import PATIENCE

WORD = "zqvefaproofword"
"""Every marker begins with it: one letter case and no punctuation, so that no normalising hides it."""
PLACES = (
    "address", "name", "subject", "text", "field", "filename", "file", "message", "reply", "note", "renamed",
    "mailsubject", "mailtext", "mailfile", "refused", "asidesubject", "asidetext", "asidefile", "releasedsubject",
    "releasedtext", "releasedquoted",
)  # fmt: skip


def marker(customer: int, place: str) -> str:
    return f"{WORD}{customer:03}{place}{random.Random(f'{customer} {place}').randbytes(6).hex()}"


def forms(content: bytes) -> Iterator[bytes]:
    """Bytes as they might stand in a file: raw, in capitals, as UTF-16, hex and base64, wherever that cuts them."""
    yield from (content, content.upper(), content.hex().encode(), content.hex().upper().encode())
    yield from (b"".join(bytes([byte, 0]) for byte in content), b"".join(bytes([0, byte]) for byte in content)[1:])
    for shift in range(3):
        inner = base64.b64encode(b"-" * shift + content)[4:-4]  # without the ends that neighbours share
        yield from (inner, inner.translate(bytes.maketrans(b"+/", b"-_")))


def found(folder: Path, wanted: Iterable[bytes]) -> set[Path]:
    """The files of a platform that hold one of these in any form; the servers' programs are left out."""
    every = sorted({form for content in wanted for form in forms(content)})
    files = (path for path in folder.rglob("*") if path.is_file() and folder / "programs" not in path.parents)
    return {path for path in files for content in [path.read_bytes()] if any(form in content for form in every)}


class Customer:
    """One customer's whole course."""

    def __init__(self, number: int, platform: Running, client: httpx.Client):
        self.number, self._platform, self._client = number, platform, client
        self.case = self.customer = ""
        self.aside: list[str] = []

    def mark(self, place: str) -> str:
        return marker(self.number, place)

    @property
    def address(self) -> str:
        return f"{self.mark('address')}@example.com"

    def says(self, method: str, path: str, body: Any = None, role: str = "supervisor", name: str = "lead") -> Any:
        seed = (self._platform.data / "secrets" / "token.key").read_bytes()
        headers = {"Authorization": f"Bearer {tokens.create(seed, Role(role), name)}"}
        url = self._platform.address("intake") + path
        answer = self._client.request(method, url, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def complains(self) -> None:
        content = base64.b64encode((self.mark("file") * 4000).encode()).decode()
        opened = self.says("POST", "/v1/cases", {
            "contact": {"kind": "mail", "address": self.address}, "name": self.mark("name"), "form": "order_status",
            "fields": {"order_number": self.mark("field")[:40]}, "subject": self.mark("subject"),
            "text": self.mark("text"), "files": [{"name": f"{self.mark('filename')}.txt", "content": content}],
        })  # fmt: skip
        self.case, self.customer = opened["case"], opened["customer"]

    def goes_on(self) -> None:
        self.says("POST", f"/v1/cases/{self.case}/messages", {"text": self.mark("message")})
        self.says("POST", f"/v1/cases/{self.case}/replies", {"text": self.mark("reply")})
        self.says("POST", f"/v1/cases/{self.case}/notes", {"text": self.mark("note")})
        contact = {"kind": "mail", "address": self.address}
        self.says("POST", "/v1/customers", {"contact": contact, "name": self.mark("renamed")})
        self.says("POST", f"/v1/cases/{self.case}/resolve", {"outcome": "solved"})
        refusal = {"solved": False, "text": self.mark("refused")}
        self.says("POST", f"/v1/cases/{self.case}/confirm", refusal, "customer", self.customer)

    def mails(self) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"] = f"{self.mark('name')} <{self.address}>", "servis@vefa.example"
        mail["Subject"], mail["Message-ID"] = self.mark("mailsubject"), f"<{self.number}@example.com>"
        mail.set_content(self.mark("mailtext"))
        mail.add_attachment(self.mark("mailfile").encode(), "text", "plain", filename="receipt.txt")
        self._send(mail)

    def answers_by_machine(self) -> None:
        """One mail that is set aside and stays there, and one that is released."""
        for what in ("aside", "released"):
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Auto-Submitted"] = self.address, "servis@vefa.example", "auto-replied"
            mail["Subject"], mail["Message-ID"] = self.mark(f"{what}subject"), f"<{what}{self.number}@example.com>"
            mail["In-Reply-To"] = f"<{self.number}@example.com>"
            mail.set_content(f"{self.mark(f'{what}text')}\n\n> {self.mark('releasedquoted')}\n")
            mail.add_attachment(self.mark("asidefile").encode(), "text", "plain", filename="receipt.txt")
            self._send(mail)
        contact = self.says("GET", f"/v1/customers/{self.customer}")["contacts"][0]["contact"]
        listed = self.says("GET", f"/v1/set-aside?contact={contact}")["items"]
        self.aside = [row["item"] for row in listed]
        [released] = [row["item"] for row in listed if row["subject"] == self.mark("releasedsubject")]
        self.says("POST", f"/v1/set-aside/{released}/release", {})

    def _send(self, mail: EmailMessage) -> None:
        host, _, port = self._platform.noted["services"]["intake"]["smtp"].rpartition("/")[2].partition(":")
        with smtplib.SMTP(host, int(port), timeout=PATIENCE) as smtp:
            smtp.send_message(mail)

    def read_back(self) -> str:
        """All that an agent can read of the customer and the cases."""
        customer = self.says("GET", f"/v1/customers/{self.customer}")
        cases = [self.says("GET", f"/v1/cases/{one['case']}") for one in customer["recent"]]
        return str([customer, *cases, *(self.says("GET", f"/v1/set-aside/{item}") for item in self.aside)])


def admin(platform: Running) -> str:
    """The DSN of the database's superuser; its password is derived from a secret of the installation."""
    key = (platform.data / "secrets" / "servers.key").read_bytes()
    password = urlsafe_b64encode(hmac.digest(key, b"postgres:vefa_admin", "sha256"))[:32].decode()
    place = platform.noted["databases"]["intake"].rpartition("@")[2]
    return f"postgresql://vefa_admin:{password}@{place}"


def dumped(platform: Running, file: Path) -> None:
    """Every row of every table as text, as a dump would have it; and all of it on disk."""
    with psycopg.connect(admin(platform), autocommit=True) as conn, file.open("wb") as out:
        conn.execute("checkpoint")
        tables = conn.execute("select schemaname, tablename from pg_tables where schemaname !~ '^(pg_|inf)'").fetchall()
        for schema, table in tables:
            with conn.cursor().copy(f'copy "{schema}"."{table}" to stdout'.encode()) as rows:
                for part in rows:
                    out.write(part)
        out.flush()
        os.fsync(out.fileno())
