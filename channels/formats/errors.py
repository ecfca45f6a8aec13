"""What reading a file can raise: the whole file is refused, or one field of one row is wrong."""

from __future__ import annotations

from core.refusals import Invalid


class FileRefused(Invalid):
    """The file as a whole cannot be read; nothing was taken from it. The message says what is wrong and what to give."""


class FieldError(Invalid):
    """One value is wrong. `field` is the column as the file calls it; `message` is a sentence for people."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("bad_value", message, field=field)
