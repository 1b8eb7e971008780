"""What a user did wrong, in one line: which option, setting or file it is, and what helps."""

import typer
from pydantic import ValidationError

from deploy.vefa.local import LocalServerError
from shared.base.settings import Settings
from shared.core.world import Refused

from .base import Failed

MEANT_FOR_USERS = (Failed, Refused, LocalServerError, LookupError, TimeoutError, ChildProcessError)


def lines(error: Exception) -> list[str] | None:
    """A line for each mistake; None when the error is not the user's but ours, and its trace is wanted."""
    match error:
        case KeyError() | IndexError():
            return None
        case typer.TyperException():
            return _usage(error)
        case ValidationError(title=Settings.__name__):
            return [
                f"setting VEFA_{'__'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}"
                for wrong in error.errors(include_url=False, include_input=False)
            ]
        case OSError(filename=str() as path):
            return [f"{path}: {error.strerror}; look who may use it, or choose another place"]
    return [str(error)] if isinstance(error, MEANT_FOR_USERS) else None


def _usage(error: typer.TyperException) -> list[str]:
    """What typer found wrong in the words of the command; of a command without any, its help was shown."""
    found = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    where = f"; see '{context.command_path} --help'" if context else ""
    return [f"{found}{where}"] if found else []
