"""The floor of submissions: an ASGI application that writes each body down and answers after the commit, nothing else.

Run as ``python -m deploy.vefa.bench.bare DSN ROWS``; it prints its address."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from shared.base.database import connect

Waiting = tuple[bytes, asyncio.Future[None]]


class Bare:
    """Bodies that wait for the next commit."""

    def __init__(self, pool: Any, rows: int):
        self._pool, self._rows = pool, rows
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        content = (await receive())["body"]
        done = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((content, done))
        await done
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async def write(self) -> None:
        async with self._pool.connection() as conn:
            await conn.execute("create table if not exists bare (n bigint generated always as identity, body bytea)")
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty() and len(waiting) < 500:
                waiting.append(self._queue.get_nowait())
            rows = [content for content, _ in waiting for _ in range(self._rows)]
            async with self._pool.connection() as conn:
                await conn.execute("insert into bare (body) select * from unnest(%b::bytea[])", (rows,))
            for _, done in waiting:
                done.set_result(None)


async def main(dsn: str, rows: int) -> None:
    async with connect(dsn) as pool:
        bare = Bare(pool, rows)
        writing = asyncio.create_task(bare.write())
        listening = socket.create_server(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        config = uvicorn.Config(bare, log_level="warning", access_log=False, lifespan="off", http="httptools")
        await uvicorn.Server(config).serve(sockets=[listening])
        writing.cancel()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2])))
