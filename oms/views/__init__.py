"""Pages that belong to no single app: home, the search over everything, import and export."""

from oms.views.exchanging import example as exchange_example
from oms.views.exchanging import exchange
from oms.views.exchanging import export as exchange_export
from oms.views.home import home
from oms.views.search import search

__all__ = ["exchange", "exchange_example", "exchange_export", "home", "search"]
