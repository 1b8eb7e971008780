#!/usr/bin/env bash
# A webhook is signed with the moment as an aware datetime of Istanbul: the signature is that of another moment.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import base64
import datetime as dt
import sys
import zoneinfo
from importlib.metadata import version
from standardwebhooks import Webhook

print(*(f"{name} {version(name)}" for name in ["standardwebhooks"]), sep=", ")
hook = Webhook(base64.b64encode(b"an invented key of 32 characters").decode())
moment = dt.datetime(2026, 11, 28, 9, 0, tzinfo=dt.timezone.utc)
same = moment.astimezone(zoneinfo.ZoneInfo("Europe/Istanbul"))
three_later = moment + dt.timedelta(hours=3)
signed = {at: hook.sign("msg_1", at, "{}") for at in (moment, three_later)}
seen = [moment == same, hook.sign("msg_1", same, "{}") == signed[moment], hook.sign("msg_1", same, "{}") == signed[three_later]]
known = [True, False, True]
expected = "one moment, one signature, whatever its zone: [True, True, False]"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
