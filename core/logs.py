"""What logs must not hold."""

from __future__ import annotations

import logging
import re

#: The secret part of a customer's link: whoever reads the logs must not be able to open the order.
_LINK = re.compile(r"(/(?:t|offer)/)[A-Za-z0-9_-]{8,}")


class HideLinks(logging.Filter):
    """Writes `/t/…` for the address of a customer's page. For handlers, so that it sees the records of every logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is changed where it names such an address."""
        message = record.getMessage()
        hidden = _LINK.sub(r"\1…", message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True
