#!/usr/bin/env bash
# A query parameter of type datetime: the ISO date 20261128 is a day of August 1970; one second more is years less.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastapi==0.165.0 pydantic==2.14.3 httpx==0.28.1
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import datetime as dt
import httpx
import sys
from fastapi import FastAPI
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["fastapi", "pydantic", "httpx"]), sep=", ")
app = FastAPI()


@app.get("/cases")
def cases(since: dt.datetime) -> dt.datetime:
    return since


async def ask(*values):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
        answers = [await client.get("/cases", params={"since": value}) for value in values]
    return [answer.json()[:10] if answer.status_code == 200 else answer.status_code for answer in answers]


described = app.openapi()["paths"]["/cases"]["get"]["parameters"][0]["schema"]["format"]
seen = [described, dt.datetime.fromisoformat("20261128").date().isoformat()]
seen += asyncio.run(ask("2026-11-28", "20261128", "2026", "20000000000", "20000000001"))
known = ["date-time", "2026-11-28", "2026-11-28", "1970-08-23", "1970-01-01", "2603-10-11", "1970-08-20"]
expected = "described as date-time; 2026-11-28 for both ISO forms, 422 for mere numbers"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
