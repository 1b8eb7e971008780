"""Files that pages load, under names that hold a digest of their content: a browser keeps them for ever, and a new
version has another name."""

from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response

KINDS: Final = {
    ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8", ".woff2": "font/woff2",
}  # fmt: skip
"""Media types by ending: no other file is served."""
KEPT: Final = "public, max-age=31536000, immutable"
DIGITS: Final = 12


class Static:
    """The files of some folders, at ``/<service>/static/<name>.<digest>.<ending>``; those of a later folder count."""

    def __init__(self, service: str, *folders: Path):
        self.prefix, self._folders = f"/{service}/static", folders

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Name with its digest -> file. Read when the first page is asked for, not at each start."""
        named: dict[str, Path] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*")):
                if path.suffix in KINDS:
                    named[path.name] = path
        return {f"{p.stem}.{sha256(p.read_bytes()).hexdigest()[:DIGITS]}{p.suffix}": p for p in named.values()}

    @cached_property
    def _urls(self) -> dict[str, str]:
        return {path.name: f"{self.prefix}/{name}" for name, path in self._files.items()}

    def url(self, name: str) -> str:
        """The address of a file. Raises KeyError where there is none of this name."""
        return self._urls[name]

    def answer(self, name: str) -> Response:
        """The file of an address. A name of another version gets the file as it is now, not to be kept: while services
        are upgraded, a page of one process may ask another one."""
        path, control = self._files.get(name), KEPT
        if path is None:
            stem, _, rest = name.partition(".")
            path, control = self._files.get(self._present(stem, Path(rest).suffix)), "no-store"
        if path is None:
            return Response("there is no such file\n", 404, media_type="text/plain")
        headers = {"Cache-Control": control, "X-Content-Type-Options": "nosniff"}
        return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers=headers)

    def _present(self, stem: str, suffix: str) -> str:
        return self._urls.get(f"{stem}{suffix}", "").rpartition("/")[2]

    def serve(self, app: FastAPI) -> None:
        """Add the route of these files to an application. Open to everybody: they tell nothing of anybody."""

        async def file(name: str) -> Response:
            return self.answer(name)

        app.add_api_route(f"{self.prefix}/{{name}}", file, include_in_schema=False)
