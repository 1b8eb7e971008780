"""Pages for people, filled from the templates of a web folder. They work without JavaScript and load nothing but files
of ours. A page asks by GET and records by POST: mail scanners follow links.

A web folder has ``templates/``, ``texts/tr.yaml``, ``texts/en.yaml`` and ``static/``; what all pages share is in the
folder ``web`` beside this file, first of all ``base.html``. A template holds no text of its own: it says
``{{ t("key") }}``."""

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi.responses import HTMLResponse

from .i18n import PageLanguage, Texts
from .static import Static

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED: Final = Path(__file__).parent / "web"
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address may hold a token
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


class Pages:
    """The pages of a service's web folder."""

    def __init__(self, service: str, folder: Path):
        self._folders = (SHARED, folder)
        self.static = Static(service, *(each / "static" for each in self._folders))

    @cached_property
    def texts(self) -> Texts:
        return Texts(self._folders)

    @cached_property
    def _environment(self) -> "Environment":
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # most processes never show a page

        own_first = [folder / "templates" for folder in reversed(self._folders)]
        environment = Environment(
            loader=FileSystemLoader(own_first), autoescape=True, undefined=StrictUndefined, auto_reload=False,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        environment.globals["static"] = self.static.url
        return environment

    def page(self, language: PageLanguage, template: str, status: int = 200, /, **values: object) -> HTMLResponse:
        """A template with these values, each of which is escaped; ``problem`` is what went wrong, said at the top."""
        said = {"problem": "", **values, "language": language, "t": partial(self.texts.say, language)}
        content = self._environment.get_template(f"{template}.html").render(said)
        return HTMLResponse(content, status, headers=dict(HEADERS))
