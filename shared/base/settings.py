"""Settings of a service process: environment variables ``VEFA_...``, secrets from files."""

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.base.networks import Network, networks

LOCAL = {"localhost", "127.0.0.1", "::1"}


class Oidc(BaseModel):
    """Which provider, and where its tokens say who speaks."""

    issuer: str
    """Address of the provider, as its tokens name it; ``/.well-known/openid-configuration`` lies below it."""
    audience: str = "vefa"
    """Whom tokens must be made for."""
    role_claim: str = "roles"
    """Claim that holds one of our roles, or a list with one; dots lead into it (``realm_access.roles``)."""
    name_claim: str = "sub"
    """Claim that holds the name: an agent's id, a customer's id."""

    @field_validator("issuer")
    @classmethod
    def _sealed_way(cls, issuer: str) -> str:
        where = urlsplit(issuer)
        if where.scheme != "https" and where.hostname not in LOCAL:
            raise ValueError("must begin with https://, or its keys could be exchanged on the way")
        return issuer


class Settings(BaseSettings):
    """Every field can be set as ``VEFA_<NAME>``; secrets are files, so that none stands in an environment or a
    command line."""

    model_config = SettingsConfigDict(env_prefix="VEFA_", env_nested_delimiter="__", extra="ignore")

    database_url: str
    """PostgreSQL, with the role of this service."""
    nats_url: str
    """NATS, with the user of this service; the servers of a cluster apart by commas."""
    nats_replicas: int = Field(default=1, ge=1, le=5)
    """On how many servers of a NATS cluster the stream is kept; with 3 it goes on when one of them dies."""
    secrets: Path
    """Folder with the files master.key, index.key, link.key (32 bytes each) and token.pub (Ed25519, 32 bytes)."""
    master: Path | None = None
    """Folder of master.key where it is another than that of the secrets; intake writes there when the key is
    exchanged."""
    http_host: str = "127.0.0.1"
    """Address to listen on."""
    http_port: int = 0
    """Port of the HTTP API; 0: any free one."""
    smtp_host: str = "127.0.0.1"
    """intake: address of the mail intake."""
    smtp_port: int = 0
    """intake: port of the mail intake; 0: any free one."""
    mail_host: str = "127.0.0.1"
    """notification: the mail server that takes outgoing mail."""
    mail_port: int = 0
    """notification: its port; 0: outgoing mail goes to the log of the process only."""
    mail_from: str = "servis@vefa.example"
    """notification: sender of every mail; replies come to it with a token after '+'."""
    public_url: str = ""
    """Base address of links in mails, where one address leads to all services."""
    public_urls: dict[str, str] = {}
    """Base address of links to a service, where there is no such address."""
    clock: Literal["system", "stepped"] = "system"
    """stepped: time stands still until it is set over NATS; for simulations and the demo."""
    clock_start: datetime | None = None
    """stepped: the first instant."""
    public_per_minute: int = Field(default=120, gt=0)
    """Requests per minute and address on public routes and by signed links; as many wrong tokens."""
    trusted_proxies: str = ""
    """Addresses and networks of the proxies in front of this service, apart by commas (``10.0.0.0/8, 192.0.2.7``):
    whose word is taken on where a request comes from. Empty: nobody's."""
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """The header that these proxies write; the other one is not read, for anybody can send it through them."""
    oidc: Oidc | None = None
    """The company's identity provider, whose tokens are taken beside our own: ``VEFA_OIDC__ISSUER`` and so on."""
    rotation: Literal["at-once", "nightly"] = "at-once"
    """intake: when the master key is exchanged after an erasure. At once wraps every key anew each time; nightly once,
    after midnight UTC, for all erasures of the day."""
    log_format: Literal["text", "json"] = "text"
    """Of the process's log on standard error: lines to read, or one JSON object a line."""
    region: str = "TR"
    """Country of phone numbers without a country code."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        networks(text)
        return text

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        return networks(self.trusted_proxies)

    @property
    def master_folder(self) -> Path:
        return self.master or self.secrets

    def public(self, service: str) -> str:
        """What a link to this service begins with."""
        return self.public_url or self.public_urls.get(service, "http://127.0.0.1")

    def secret(self, name: str) -> bytes:
        path = self.secrets / name
        try:
            return path.read_bytes()
        except OSError as e:
            raise SystemExit(
                f"cannot read the secret {path}: {e.strerror}; run 'vefa up' once, or make the file"
            ) from e
