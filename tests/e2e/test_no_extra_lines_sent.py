"""What a caller writes into a concern adds no header and no recipient to the mail that is sent because of it: from HTTP
to a real mail server."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.vefa.local.process import free_port
from tests.running import Running, up
from tests.waiting import PATIENCE, until_true

COLLECTED = Path(__file__).parents[3] / "shared" / "hostile" / "own" / "header_injection_values.txt"
MARKS = ("\r\n", "\n", "\r", "\r\n ", "\x0b", "\x85", "\u2028", "%0d%0a", "\\r\\n")
VALUES = [f"x{mark}Bcc: victim@example.org" for mark in MARKS] + [
    f"=?utf-8?q?x=0D=0ABcc:_victim@example.org?= {mark}y" for mark in MARKS[:3]
]
WRITTEN = {
    "from", "to", "subject", "date", "message-id", "reply-to", "auto-submitted", "mime-version", "content-type",
    "content-transfer-encoding", "x-auto-response-suppress", "list-unsubscribe", "list-unsubscribe-post", "precedence",
    "feedback-id", "content-language", "in-reply-to", "references", "x-vefa-notice",
}  # fmt: skip
"""Headers that a notice of ours may have."""
pytestmark = [pytest.mark.long, pytest.mark.servers]


@dataclass
class Server:
    """A mail server that keeps the bytes that came and who they were for."""

    came: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.came.append((list(envelope.rcpt_tos), envelope.original_content or b""))
        return "250 kept"


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    kept, port = Server(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


def values() -> list[str]:
    """Our own, and the collected ones where they are."""
    found = COLLECTED.read_text("utf-8").splitlines() if COLLECTED.exists() else []
    return [*found, *(v.replace("\\r", "\r").replace("\\n", "\n") for v in found), *VALUES]


def headers(content: bytes) -> list[str]:
    """Names of the headers as they stand on the wire, one for each line that does not go on the one before."""
    head = content.partition(b"\r\n\r\n")[0].decode("latin-1")
    return [line.partition(":")[0].lower() for line in head.split("\r\n") if line[:1] not in (" ", "\t")]


def brought(platform: Running, number: int, value: str) -> bool:
    """Whether a concern with the value in all its texts was accepted; a refusal names the field."""
    body = {
        "contact": {"kind": "mail", "address": f"c{number}@example.com"}, "name": value, "subject": value,
        "text": f"Kargom gelmedi. {value}", "external_id": f"e{number}",
    }  # fmt: skip
    answer = httpx.post(f"{platform.address('intake')}/v1/cases", json=body, timeout=PATIENCE)
    assert answer.status_code in (201, 422), answer.text
    return answer.status_code == 201


def test_no_value_adds_a_header_or_a_recipient(open_folder: Path, server: tuple[Server, int]) -> None:
    kept, port = server
    with up(open_folder / "lines", VEFA_MAIL_PORT=str(port), VEFA_PUBLIC_PER_MINUTE="100000") as platform:
        taken = {number for number, value in enumerate(values()) if brought(platform, number, value)}
        assert len(taken) > len(VALUES) / 2
        wanted = {f"c{number}@example.com" for number in taken}
        until_true(lambda: {to for rcpt, _ in kept.came for to in rcpt} >= wanted, "not all were acknowledged")
    for recipients, content in kept.came:
        assert len(recipients) == 1
        assert recipients[0] in wanted
        assert b"\n" not in content.replace(b"\r\n", b"")
        names = headers(content)
        assert set(names) <= WRITTEN, names
        assert len(names) == len(set(names)), names
