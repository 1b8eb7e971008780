"""A process of its own that reads mails, for a mail can make a parser slow, large or dead: 5 s, 256 MiB, then it dies.

Frames on its pipes are eight bytes of length and the content: in, the envelope as JSON and the mail; out, facts."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import IO, Any, Final

from .parse import MAX_BYTES, Facts, parse

SECONDS: Final = 5.0
MEMORY: Final = 256 * 1024 * 1024
MAX_FACTS: Final = 4 * MAX_BYTES
ROOT = Path(__file__).resolve().parents[2]


class MailReader:
    """Reads one mail at a time in a worker that is started when it is needed and killed when it takes too long."""

    def __init__(self, seconds: float = SECONDS):
        self._seconds, self._turn = seconds, asyncio.Lock()
        self._worker: asyncio.subprocess.Process | None = None

    async def read(self, raw: bytes, mail_from: str | None = None, own: str = "") -> Facts:
        """Facts about the mail, with ``reason`` when it goes into quarantine: too slow, too large, unreadable. ``own``
        is the address that our mails come from."""
        if len(raw) > MAX_BYTES:
            return {"reason": "too-large"}
        async with self._turn:
            worker = self._worker if self._worker and self._worker.returncode is None else await self._start()
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._ask(worker, raw, {"mail_from": mail_from, "own": own})
            except TimeoutError:
                await self._kill()
                return {"reason": "timed-out"}
            except (asyncio.IncompleteReadError, ConnectionError, ValueError):
                await self._kill()
                return {"reason": "unreadable"}
            except asyncio.CancelledError:
                await self._kill()
                raise

    async def stop(self) -> None:
        async with self._turn:
            await self._kill()

    async def _start(self) -> asyncio.subprocess.Process:
        # nothing of our environment: it holds where the secrets are
        env = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "PYTHONUTF8": "1"}
        pipe = asyncio.subprocess.PIPE
        self._worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.intake.mail.worker",
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            env=env,
        )
        # waits for its first breath, so that importing is not counted as parsing
        assert self._worker.stdout
        with contextlib.suppress(asyncio.IncompleteReadError):
            await self._worker.stdout.readexactly(1)
        return self._worker

    async def _ask(self, worker: asyncio.subprocess.Process, raw: bytes, envelope: dict[str, Any]) -> Facts:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(framed(json.dumps(envelope).encode()) + framed(raw))
        await worker.stdin.drain()
        size = int.from_bytes(await worker.stdout.readexactly(8))
        if size > MAX_FACTS:
            raise ValueError("an answer larger than any mail")
        facts: Facts = json.loads(await worker.stdout.readexactly(size))
        return facts

    async def _kill(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()


def framed(content: bytes) -> bytes:
    return len(content).to_bytes(8) + content


def serve(mails: IO[bytes], answers: IO[bytes]) -> None:
    """Answer frames until the pipe ends."""
    answers.write(b"!")
    answers.flush()
    while (head := mails.read(8)) and len(head) == 8:
        envelope = json.loads(mails.read(int.from_bytes(head)))
        raw = mails.read(int.from_bytes(mails.read(8)))
        answers.write(framed(_answer(raw, envelope)))
        answers.flush()


def _answer(raw: bytes, envelope: dict[str, Any]) -> bytes:
    try:
        return json.dumps(parse(raw, **envelope)).encode()
    except MemoryError:
        return b'{"reason": "too-large"}'


def limit_memory() -> None:
    """No more than 256 MiB of data beyond what the interpreter has; nothing where the system has no such limit."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)
