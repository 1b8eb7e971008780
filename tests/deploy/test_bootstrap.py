"""``./just`` on a fresh machine behind a proxy that inspects TLS: an index whose certificate only this system knows.

The index is ours, on 127.0.0.1, and its ``uv`` is a stand-in that refuses what the real one refuses."""

import re
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.running import ROOT

UV = """#!/bin/sh
if [ "$1" = --version ]; then echo "uv {version}"; exit; fi
echo run >>runs
if [ "$FAULT" ]; then echo "error: $FAULT" >&2; exit 1; fi
if [ "$UV_SYSTEM_CERTS" != 1 ]; then echo "  Caused by: invalid peer certificate: UnknownIssuer" >&2; exit 2; fi
printf '#!/bin/sh\\necho handed over: "$@"\\n' >.venv/bin/just
chmod +x .venv/bin/just
"""
pytestmark = [pytest.mark.long, pytest.mark.skipif(not shutil.which("sh"), reason="./just is a script for sh")]


def signed(folder: Path) -> None:
    """A CA of our own (``ca.pem``), and a certificate for 127.0.0.1 that it signed (``server.pem``, with its key)."""
    begin, names = datetime.now(UTC) - timedelta(days=1), {}
    keys = {who: ec.generate_private_key(ec.SECP256R1()) for who in ("ca", "server")}
    for who in keys:
        names[who] = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"inspecting {who}")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[who]).issuer_name(names["ca"]).public_key(keys[who].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin).not_valid_after(begin + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=who == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )  # fmt: skip
        made = builder.sign(keys["ca"], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        key = keys[who].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{who}.pem").write_bytes(made if who == "ca" else made + key)


def wheel_of_uv(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"uv-{version}-py3-none-any.whl", "w") as wheel:
        program = zipfile.ZipInfo(f"uv-{version}.data/scripts/uv")
        program.external_attr = 0o100755 << 16
        wheel.writestr(program, UV.format(version=version))
        info = f"uv-{version}.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = (f"uv-{version}.data/scripts/uv", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not like the certificate goes away."""


@dataclass
class Clone:
    """A fresh clone beside an index that only ``ca.pem`` vouches for."""

    folder: Path
    index: str
    ca: Path

    def just(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        settings = {
            "PATH": "/usr/bin:/bin", "HOME": str(self.folder), "PYTHON": sys.executable, "PIP_INDEX_URL": self.index,
            "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "1", **environment,
        }  # fmt: skip
        return subprocess.run(
            ["./just", "demo"], cwd=self.folder, env=settings, capture_output=True, text=True, timeout=600, check=False
        )

    @property
    def runs_of_uv(self) -> int:
        runs = self.folder / "runs"
        return len(runs.read_text().split()) if runs.exists() else 0


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("just", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, folder)
    found = re.search(r'^name = "uv"\nversion = "(.*)"$', (folder / "uv.lock").read_text(), re.MULTILINE)
    assert found
    wheel_of_uv(tmp_path / "index" / "simple" / "uv", found[1])
    signed(tmp_path)
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "index")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield Clone(folder, f"https://127.0.0.1:{server.server_address[1]}/simple", tmp_path / "ca.pem")
    server.shutdown()
    server.server_close()
    serving.join()


def own_lines(done: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("just: ")]


def test_what_only_this_system_vouches_for_is_taken_and_said_in_a_line(clone: Clone) -> None:
    done = clone.just(SSL_CERT_FILE=str(clone.ca))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "handed over: demo\n"
    text = "does not know who signed the server's certificate; once more with those of this system"
    expected = [f"just: {who} {text} ({clone.ca})" for who in ("pip", "uv")]
    assert own_lines(done) in (expected, expected[:1])  # who came to know it for pip needs no second word for uv
    assert clone.just().stderr == ""  # all is there: nothing is fetched


def test_what_uv_does_not_know_although_pip_was_told(clone: Clone) -> None:
    done = clone.just(SSL_CERT_FILE=str(clone.ca), PIP_CERT=str(clone.ca))
    assert (done.returncode, done.stdout) == (0, "handed over: demo\n")
    [line] = own_lines(done)
    assert line.startswith("just: uv does not know who signed")
    assert clone.runs_of_uv == 2


def test_what_nobody_vouches_for_is_refused_with_what_to_do(clone: Clone) -> None:
    done = clone.just()
    assert done.returncode != 0
    assert done.stdout == ""
    assert "SSL_CERT_FILE=FILE ./just takes its CA" in own_lines(done)[-1]


def test_another_failure_is_not_put_on_certificates_and_not_tried_twice(clone: Clone) -> None:
    done = clone.just(SSL_CERT_FILE=str(clone.ca), PIP_CERT=str(clone.ca), FAULT="hash mismatch for nh3")
    assert done.returncode != 0
    assert "error: hash mismatch for nh3" in done.stderr
    assert own_lines(done) == []
    assert clone.runs_of_uv == 1
