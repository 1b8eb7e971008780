"""A way to NATS that can break in the worst moment: a request for messages is lost, and the connection with it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

FETCH = b"CONSUMER.MSG.NEXT"
RESET = struct.pack("ii", 1, 0)


class Way:
    """A TCP proxy on ``port``. Once ``lose_next_fetch()`` was called, the next request for messages ends the connection
    that it came by, and does not arrive; ``lost`` counts them."""

    def __init__(self) -> None:
        self.port = self.lost = 0
        self._armed = False

    def lose_next_fetch(self) -> None:
        self._armed = True

    async def _connect(self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, away = await asyncio.open_connection("127.0.0.1", target)
            try:
                await asyncio.gather(self._out(reader, away, writer), self._back(there, writer))
            finally:
                away.close()
                writer.close()

    async def _out(
        self, reader: asyncio.StreamReader, away: asyncio.StreamWriter, near: asyncio.StreamWriter
    ) -> None:  # fmt: skip
        while content := await reader.read(65536):
            if self._armed and FETCH in content:
                self._armed, self.lost = False, self.lost + 1
                near.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                near.transport.abort()
                break
            away.write(content)
            await away.drain()
        away.transport.abort()

    async def _back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while content := await there.read(65536):
            writer.write(content)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def way_to(target: int) -> AsyncIterator[Way]:
    """A way to a local port."""
    way = Way()
    server = await asyncio.start_server(lambda r, w: way._connect(target, r, w), "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    yield way
    server.close()
