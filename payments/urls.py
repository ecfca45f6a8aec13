"""Addresses of payments."""

from __future__ import annotations

from django.urls import path

from payments.views import accounts, paying, payment, webhook
from payments.views.listing import payment_list

urlpatterns = [
    path("payments/", payment_list, name="payments"),
    path("payments/<int:pk>/", payment.payment, name="payment"),
    path("payments/<int:pk>/ask/", payment.payment_ask, name="payment-ask"),
    path("payments/<int:pk>/capture/", payment.payment_capture, name="payment-capture"),
    path("payments/<int:pk>/release/", payment.payment_release, name="payment-release"),
    path("settings/gateways/", accounts.gateways, name="gateways"),
    path("settings/gateways/new/<slug:kind>/", accounts.gateway_new, name="gateway-new"),
    path("settings/gateways/<int:pk>/", accounts.gateway, name="gateway"),
    path("settings/gateways/<int:pk>/test/", accounts.gateway_test, name="gateway-test"),
    path("orders/<int:pk>/payment-link/", paying.order_payment_link, name="order-payment-link"),
    path("orders/<int:pk>/capture/", payment.order_capture, name="order-capture"),
    path("orders/<int:pk>/take-over-payment/", payment.order_adopt, name="order-adopt"),
    path("pay/<str:token>/", paying.pay, name="pay"),
    path("pay/<str:token>/to/<int:pk>/", paying.pay_go, name="pay-go"),
    path("pay/<str:token>/return/<int:pk>/", paying.pay_return, name="pay-return"),
    path("webhooks/payments/<str:token>/", webhook.payment_webhook, name="payment-webhook"),
]
