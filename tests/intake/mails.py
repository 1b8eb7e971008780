"""Raw mails for tests, made of headers and parts."""

from email.header import Header

TEXT = "Ürün bozuk geldi."


def raw(headers: dict[str, str], body: str | bytes = TEXT) -> bytes:
    """Bytes of a mail; usual headers are filled in, one given as '' is left out."""
    usual = {
        "From": "Ayşe Kaya <ayse@example.com>",
        "To": "servis@vefa.example",
        "Subject": "İade",
        "Message-ID": "<m1@x>",
    }
    if isinstance(body, str):
        usual |= {"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit"}
    lines = [f"{name}: {_coded(name, value)}" for name, value in (usual | headers).items() if value]
    content = body.encode() if isinstance(body, str) else body
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def _coded(name: str, value: str) -> str:
    if value.isascii():
        return value
    shown, bracket, rest = value.partition(" <") if name in ("From", "Reply-To", "Cc", "To") else (value, "", "")
    return Header(shown, "utf-8").encode() + bracket + rest


def part(kind: str, content: str | bytes, **headers: str) -> bytes:
    """A part; more headers with _ for -."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"Content-Type: {kind}\r\n{more}\r\n".encode() + (content.encode() if isinstance(content, str) else content)


def plain(content: str) -> bytes:
    return part("text/plain; charset=utf-8", content)


def html(content: str) -> bytes:
    return part("text/html; charset=utf-8", content)


def file(name: str, content: bytes = b"\x89PNG\r\n\x1a\n", kind: str = "application/octet-stream") -> bytes:
    return part(kind, content, Content_Disposition=f'attachment; filename="{name}"')


def multipart(kind: str, *parts: bytes) -> bytes:
    """A part of parts."""
    mark = f"=_{abs(hash((kind, parts))):x}"
    inner = b"".join(b"--%s\r\n%s\r\n" % (mark.encode(), one) for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\r\n\r\n'.encode() + inner + f"--{mark}--\r\n".encode()


def mail(body: bytes, **headers: str) -> bytes:
    """A mail of a part: its headers are the part's and those given, with _ for -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    head, _, content = body.partition(b"\r\n\r\n")
    return raw(given, b"").partition(b"\r\n\r\n")[0] + b"\r\nMIME-Version: 1.0\r\n" + head + b"\r\n\r\n" + content
