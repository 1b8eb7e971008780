#!/usr/bin/env bash
# A bounce's empty return path: aiosmtpd gives it as '<>', which aiosmtplib refuses with a plain ValueError.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiosmtpd==1.4.6 aiosmtplib==5.1.3
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import aiosmtplib
import asyncio
import socket
import sys
from aiosmtpd.controller import Controller
from email.message import EmailMessage
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["aiosmtpd", "aiosmtplib"]), sep=", ")
mail = EmailMessage()
mail["From"] = "robot@example.org"
mail.set_content("The mailbox is full.")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
senders = []


class Keep:
    async def handle_DATA(self, server, session, envelope):
        senders.append(envelope.mail_from)
        return "250 kept"


async def send(sender):
    to = {"hostname": "127.0.0.1", "port": port, "sender": sender, "recipients": ["desk@example.org"]}
    try:
        await aiosmtplib.send(mail, **to)
    except Exception as error:
        return [type(error).__name__, isinstance(error, aiosmtplib.SMTPException)]
    return "sent"


controller = Controller(Keep(), hostname="127.0.0.1", port=port)
controller.start()
try:
    seen = [asyncio.run(send("")), senders[0], asyncio.run(send(senders[0]))]
finally:
    controller.stop()
known = ["sent", "<>", ["ValueError", False]]
expected = "'' comes in as '' (or None), as other addresses come without brackets, and what came in can go out again"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
