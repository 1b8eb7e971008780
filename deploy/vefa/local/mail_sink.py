"""A mail server for the laptop: it takes what is sent, delivers nothing, and shows it on a page."""

from collections import deque
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.vefa.local.process import free_port

KEPT = 1000
HEADERS = ("Date", "From", "To", "Subject", "Reply-To")
STYLE = "body{font:15px sans-serif;max-width:50em;margin:2em auto}pre{white-space:pre-wrap;border-bottom:1px solid}"


class MailSink:
    """The newest mails, in memory only: what a file held would outlive the erasure of its reader.

    ``port`` takes SMTP, ``page`` is the address of the page; both on 127.0.0.1, between ``start()`` and ``stop()``."""

    def __init__(self) -> None:
        self.mails: deque[EmailMessage] = deque(maxlen=KEPT)
        self.port, self._page_port = free_port(), free_port()
        self._smtp: Controller | None = None
        self._http: ThreadingHTTPServer | None = None

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self._page_port}"

    def start(self) -> None:
        self._smtp = Controller(self, hostname="127.0.0.1", port=self.port)
        self._smtp.start()
        self._http = ThreadingHTTPServer(("127.0.0.1", self._page_port), _page_of(self))
        Thread(target=self._http.serve_forever, name="page of the mail sink", daemon=True).start()

    def stop(self) -> None:
        if self._smtp:
            self._smtp.stop()
        if self._http:
            self._http.shutdown()
            self._http.server_close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 kept"

    def take(self) -> list[EmailMessage]:
        """What came since the last call; it is not shown any more."""
        taken = []
        while self.mails:
            taken.append(self.mails.popleft())
        return taken

    def html(self) -> str:
        """The newest first, headers and plain text."""
        shown = "".join(map(_shown, reversed(list(self.mails)))) or "<p>No mail yet.</p>"
        return f"<!doctype html><meta charset=utf-8><title>Mail</title><style>{STYLE}</style><h1>Mail</h1>{shown}"


def _shown(mail: EmailMessage) -> str:
    head = "\n".join(f"{name}: {mail[name]}" for name in HEADERS if mail[name])
    body = mail.get_body(("plain",))
    return f"<pre>{escape(head)}\n\n{escape(body.get_content() if body else '')}</pre>"


def _page_of(sink: MailSink) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if f"http://{self.headers.get('Host')}" != sink.page:
                self.send_error(421)  # the name of a foreign site that leads here
                return
            content = sink.html().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Page
