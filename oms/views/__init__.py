"""Pages that belong to no single app: home and the search over everything."""

from oms.views.home import home
from oms.views.search import search

__all__ = ["home", "search"]
