"""The embedded default: a PostgreSQL and a nats-server that need no installation, or servers of the user's own."""

from deploy.vefa.local.home import LocalServerError, secret
from deploy.vefa.local.servers import Backing, External, Servers, external, open_servers

__all__ = ["Backing", "External", "LocalServerError", "Servers", "external", "open_servers", "secret"]
