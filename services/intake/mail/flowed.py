"""Text of format=flowed as paragraphs (RFC 3676): a line that ends in a space goes on in the next of the same depth of
quotation; with DelSp=yes that space is no part of the text."""

SIGNATURE = "-- "


def unflowed(text: str, delsp: bool) -> str:
    """The text with its flowed lines joined; what is quoted stays quoted, a fixed line end stays where it is."""
    made: list[str] = []
    open_depth: int | None = None
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        quotes = len(line) - len(line.lstrip(">"))
        content = line[quotes:].removeprefix(" ")  # stuffed, so that it could not be taken for a quotation
        flowed = content.endswith(" ") and content != SIGNATURE
        piece = content[:-1] if flowed and delsp else content
        if open_depth == quotes and content != SIGNATURE:
            made[-1] += piece
        elif quotes:
            made.append(f"{'>' * quotes} {piece}")
        else:
            made.append(f" {piece}" if piece.startswith(">") else piece)
        open_depth = quotes if flowed else None
    return "\n".join(made)
