"""Turkish and English on pages: which of them a person reads, and the catalogues ``texts/tr.yaml`` and
``texts/en.yaml`` of a web folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, get_args

import yaml
from fastapi import Request

PageLanguage = Literal["tr", "en"]
LANGUAGES: Final[tuple[PageLanguage, ...]] = get_args(PageLanguage)
Catalogue = Mapping[str, str]
"""Key -> text, in which fields stand in braces: ``Başvuru {number}``."""


def language_of(known: str | None, request: Request) -> PageLanguage:
    """The person's language where it is known, otherwise the browser's first of the two, otherwise Turkish."""
    accepted = request.headers.get("accept-language", "").split(",")
    for code in (known or "", *(part.partition(";")[0].strip()[:2].lower() for part in accepted)):
        if code == "tr":
            return "tr"
        if code == "en":
            return "en"
    return "tr"


def catalogue(folder: Path, language: PageLanguage) -> Catalogue:
    """The texts of a web folder in a language; none where it has no catalogue. Raises ValueError for what is no text:
    YAML reads an unquoted ``yes`` as a truth."""
    path = folder / "texts" / f"{language}.yaml"
    if not path.exists():
        return {}
    found = yaml.safe_load(path.read_text("utf-8")) or {}
    if wrong := [key for key, text in found.items() if not isinstance(key, str) or not isinstance(text, str)]:
        raise ValueError(f"{path}: {', '.join(map(str, wrong))}: keys and texts are words; put them in quotes")
    return dict(found)


class Texts:
    """The texts of several web folders; what a later folder says counts."""

    def __init__(self, folders: Iterable[Path]):
        folders = tuple(folders)
        self._catalogues: dict[PageLanguage, Catalogue] = {
            language: {key: text for folder in folders for key, text in catalogue(folder, language).items()}
            for language in LANGUAGES
        }

    def say(self, language: PageLanguage, key: str, otherwise: str = "", /, **fields: object) -> str:
        """The text of a key, or of the key ``otherwise`` where there is none. Raises KeyError where neither is."""
        texts = self._catalogues[language]
        text = texts[otherwise] if otherwise and key not in texts else texts[key]
        return text.format(**fields) if fields else text
