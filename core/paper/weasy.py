"""WeasyPrint, loaded on first use: without Pango the product works and says what to install to print PDF."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weasyprint import Document

logger = logging.getLogger(__name__)

_APT = "apt-get install --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"


class PdfUnavailable(RuntimeError):
    """PDF printing is off on this machine; the message says what to install."""


@cache
def pdf_available() -> tuple[bool, str]:
    """(True, "") when PDFs can be made, else (False, a sentence that says what to install).

    Looked up once per process; libraries installed later are seen after a restart.
    """
    banner = io.StringIO()
    try:
        with contextlib.redirect_stdout(banner), contextlib.redirect_stderr(banner):
            import weasyprint  # noqa: F401
    except (OSError, ImportError) as error:
        logger.warning("WeasyPrint cannot be loaded: %s", error)
        return False, f"PDF printing is off: Pango is missing. Install it ({_install_command()}) and restart."
    return True, ""


def _install_command() -> str:
    return "brew install pango" if sys.platform == "darwin" else _APT


@lru_cache(maxsize=1)
def _shared_font_configuration() -> Any:
    """One per process: a new one for each document costs about 15 ms."""
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


@contextlib.contextmanager
def gc_paused() -> Iterator[None]:
    """Cyclic garbage collection off: a layout tree is large and all alive, walking it again and again costs 15 %."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def render_html(html: str) -> Document:
    """Lay out an HTML document that may load nothing but `data:` URIs. Raises PdfUnavailable without Pango."""
    available, hint = pdf_available()
    if not available:
        raise PdfUnavailable(hint)
    from weasyprint import HTML

    from .fetcher import DataOnlyFetcher

    with gc_paused():
        return HTML(string=html, url_fetcher=DataOnlyFetcher()).render(font_config=_shared_font_configuration())


def pdf_bytes(document: Document) -> bytes:
    """The PDF of a laid-out document."""
    with gc_paused():
        return bytes(document.write_pdf())
