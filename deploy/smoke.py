#!/usr/bin/env python3
"""Smoke test of the containers of docker-compose.yml: a case is posted, an agent gets it and its clock runs; every
service hears what it listens to; no service can change its log, see another's, or speak in another's name.

Needs Python and its standard library. Run where ``docker compose up --wait`` was run. It leaves an agent and three
cases behind: not for a platform in use."""

import json
import re
import shutil
import smtplib
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
PORTS = {
    service: int(port)
    for service, port in re.findall(
        r'VEFA_SERVICE: (\w+)[^"]*?ports: \["127\.0\.0\.1:(\d+):8000"',
        (ROOT / "docker-compose.yml").read_text("utf-8"),
    )
}
"""Where each service answers, as docker-compose.yml says it."""
SMTP_PORT = 2525
SECONDS = 60
AGENT = {
    "name": "Ece Smoke", "mail": "ece@example.com", "capacity": 10, "teams": ["general", "delivery"],
    "languages": ["tr", "en"], "channels": ["web", "email"],
}  # fmt: skip
CASE = {"contact": {"kind": "mail", "address": "ada@example.com"}, "text": "Kargom beş gündür gelmedi."}
PROBE = (Path(__file__).parent / "probe.py").read_text()


def main() -> None:
    token = vefa("token", "create", "--role", "supervisor", "--subject", "smoke")
    call(token, "router", "PUT", "/v1/agents/ece", AGENT)
    call(token, "router", "PUT", "/v1/agents/ece/status", {"status": "available"})
    opened = call("", "intake", "POST", "/v1/cases", CASE)
    case = opened["case"]
    assignments = until(lambda: assigned(token, case), f"{opened['number']} was not assigned")
    say(f"{opened['number']} is assigned to {assignments[-1]['agent']}")
    clocks = until(lambda: running(token, case), f"no clock of {opened['number']} runs")
    say(", ".join(f"{clock['metric']} is due {clock['due']}" for clock in clocks))
    with smtplib.SMTP("127.0.0.1", SMTP_PORT, timeout=20) as server:
        server.sendmail("can@example.com", "servis@vefa.example", "Subject: Fatura\n\nFaturam yanlis kesilmis.")
    say("a mail was taken")
    until(heard, "not everything that was said was heard")
    say(f"{', '.join(PORTS)} have heard all that was said")
    for service in PORTS:
        other = next(name for name in PORTS if name != service)
        say(compose("exec", "-T", service, "python", "-", service, other, stdin=PROBE))
    vefa("keys", "rotate", "--json")
    call("", "intake", "POST", "/v1/cases", CASE)
    say("the master key was exchanged, and a case is taken after it")
    broken = [log["service"] for log in json.loads(vefa("verify", "--json")) if not log["whole"]]
    if broken:
        raise SystemExit(f"smoke: the hash chain is broken in {', '.join(broken)}")
    say("every hash chain is whole")


def assigned(token: str, case: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = call(token, "router", "GET", f"/v1/cases/{case}/assignments")
    return rows if any(row["what"] == "assigned" for row in rows) else []


def running(token: str, case: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = call(token, "sla", "GET", f"/v1/cases/{case}/clocks")
    return [row for row in rows if row["state"] == "running" and row["due"]]


def heard() -> bool:
    """Whether every service has heard what those say to whom it listens."""
    lag = json.loads(vefa("lag", "--json"))
    return all("heard" in lag.get(service, ()) and not any(lag[service]["heard"].values()) for service in PORTS)


def until(look: Any, otherwise: str) -> Any:
    """What a look finds, within a minute."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise SystemExit(f"smoke: {otherwise} within {SECONDS} s")
        time.sleep(0.5)
    return found


def call(token: str, service: str, method: str, path: str, body: Any = None) -> Any:
    """The answer of a route; SystemExit with the service's own words when it refuses."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    address = f"http://127.0.0.1:{PORTS[service]}{path}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"smoke: {method} {path}: {refused.code} {refused.read().decode()}") from None


def vefa(*words: str) -> str:
    """What the vefa command prints in a container of its own."""
    return compose("run", "--rm", "-T", "vefa", *words)


def compose(*words: str, stdin: str = "") -> str:
    done = subprocess.run([*COMPOSE, *words], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"smoke: {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def say(text: str) -> None:
    print(f"smoke: {text}", flush=True)


if __name__ == "__main__":
    main()
