"""The list machine: a list page is a declaration, and filters, search, order, columns, pages, bulk actions, files and views follow.

    class OrderList(ListPage):
        name, title, permission, model = "orders", _("Orders"), "orders.view", Order
        table_class, filter_class = OrderTable, OrderFilter
        sorts = {"placed": Sort("placed_at", desc=True)}
        default_sort = "placed"

    path("orders/", list_view(OrderList), name="orders")

`page` declares, `state` reads the address, `keyset` and `counting` ask the database, `columns` and `rows` draw, `export` writes
files, `bulk` acts, `views` answers.
"""

from core.listing.page import BulkAction, Empty, ListPage, PageAction, Sort, Tab
from core.listing.views import list_view

__all__ = ["BulkAction", "Empty", "ListPage", "PageAction", "Sort", "Tab", "list_view"]
