"""Addresses of orders."""

from django.urls import path

from orders.views import bulk_undo, cancelling, changing, holds, listing, mentions, money, page, paper

urlpatterns = [
    path("orders/", listing.order_list, name="orders"),
    path("holds/", holds.hold_list, name="holds"),
    path("orders/<int:pk>/", page.order_page, name="order"),
    path("orders/<int:pk>/receipt/<int:decision>.json", page.receipt, name="order-receipt"),
    path("orders/<int:pk>/route/", page.route, name="order-route"),
    path("orders/<int:pk>/print/", page.print_order, name="order-print"),
    path("orders/skus/", changing.skus, name="order-skus"),
    path("orders/<int:pk>/change/", changing.change, name="order-change"),
    path("orders/<int:pk>/cancel/", cancelling.cancel, name="order-cancel"),
    path("orders/<int:pk>/hold/", holds.hold, name="order-hold"),
    path("orders/<int:pk>/release/<int:hold>/", holds.release, name="order-release"),
    path("orders/<int:pk>/tags/", page.tags, name="order-tags"),
    path("orders/<int:pk>/notes/", page.note, name="order-note"),
    path("orders/<int:pk>/assign/", page.assign, name="order-assign"),
    path("orders/<int:pk>/archive/", page.archive, name="order-archive"),
    path("orders/<int:pk>/order.pdf", paper.order_paper, name="order-paper"),
    path("orders/undo/<int:pk>/", bulk_undo.undo, name="bulk-undo"),
    path("mentions/", mentions.mention_list, name="mentions"),
    path("orders/<int:pk>/payments/", money.payment, name="order-payment"),
    path("orders/<int:pk>/refunds/", money.refund, name="order-refund"),
]
