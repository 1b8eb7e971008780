"""A way to NATS that can break in the worst moment: a request for messages is lost, or they are, and the connection
with them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

FETCH, DELIVERY = b"CONSUMER.MSG.NEXT", b"HMSG vefa.event."
"""Parts of what is lost: a request for messages on its way out, messages on their way back."""
RESET = struct.pack("ii", 1, 0)


class Way:
    """A TCP proxy on ``port``. After ``lose_next(what)`` the next bytes that hold ``what`` do not arrive: the
    connection ends instead; ``lost`` counts how often."""

    def __init__(self) -> None:
        self.port = self.lost = 0
        self._armed = b""

    def lose_next(self, what: bytes) -> None:
        self._armed = what

    async def connect(self, target: int, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_in, far_out = await asyncio.open_connection("127.0.0.1", target)
            ends = (near_out, far_out)
            await asyncio.gather(self._pass(near_in, far_out, ends), self._pass(far_in, near_out, ends))

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, ends: tuple[asyncio.StreamWriter, ...]
    ) -> None:  # fmt: skip
        with suppress(OSError):
            while content := await source.read(65536):
                if self._armed and self._armed in content:
                    self._armed, self.lost = b"", self.lost + 1
                    break
                target.write(content)
                await target.drain()
        for end in ends:
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.transport.abort()


@asynccontextmanager
async def way_to(target: int) -> AsyncIterator[Way]:
    """A way to a local port."""
    way = Way()
    server = await asyncio.start_server(lambda r, w: way.connect(target, r, w), "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    yield way
    server.close()
