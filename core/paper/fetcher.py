"""What a document may load while it is rendered: `data:` URIs, and nothing else.

Names, notes and SKUs come from strangers. Templates escape them; this is the second wall. A document that asks for a
file, a host or a redirect gets an error, no byte is read and no connection is opened.
Imported only where WeasyPrint is known to load.
"""

from __future__ import annotations

from typing import Any
from urllib.request import DataHandler, Request

from weasyprint.urls import URLFetcher, URLFetcherResponse

_LARGEST_DATA_URI = 3_000_000


class DataOnlyFetcher(URLFetcher):
    """WeasyPrint's fetcher without its openers: no file, HTTP, FTP or proxy handler is even installed.

    URLFetcher.__init__ would install all of them, so only the state that WeasyPrint reads is set.
    """

    def __init__(self) -> None:
        self._fail_on_errors = False

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The content of a `data:` URI of at most 3 MB; ValueError for everything else."""
        if url[:5].lower() != "data:":
            raise ValueError("Documents may only load data: URIs.")
        if len(url) > _LARGEST_DATA_URI:
            raise ValueError("A data: URI in a document is too large.")
        response = DataHandler().data_open(Request(url))  # noqa: S310 - only ever data:
        return URLFetcherResponse(url, response.read(), response.headers)

    def open(self, url: Any, data: Any = None, timeout: Any = None) -> URLFetcherResponse:
        """The way in of urllib's openers; it obeys the same rule."""
        return self.fetch(url.full_url if isinstance(url, Request) else url)
