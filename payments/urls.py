"""Addresses of payments."""

from __future__ import annotations

from django.urls import path

from payments.views import accounts, credit, paying, payment, receivables, statements, webhook
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
    path("receivables/", receivables.receivable_list, name="receivables"),
    path("receivables/customers/", receivables.debtor_list, name="debtors"),
    path("receivables/overpaid/", receivables.overpaid_list, name="overpayments"),
    path("store-credit/", credit.credit_list, name="store-credit"),
    path("store-credit/grant/", credit.credit_grant, name="credit-grant"),
    path("store-credit/<int:pk>/", credit.credit_account, name="credit-account"),
    path("orders/<int:pk>/store-credit/", credit.order_credit, name="order-credit"),
    path("orders/<int:pk>/refund-to-credit/", credit.order_credit_refund, name="order-credit-refund"),
    path("orders/<int:pk>/collect/", statements.order_collect, name="order-collect"),
    path("statements/", statements.statement_list, name="statements"),
    path("statements/import/", statements.statement_import, name="statement-import"),
    path("statements/<int:pk>/", statements.statement_line, name="statement-line"),
    path("collections/", statements.collection_list, name="collections"),
    path("settings/payment-methods/", statements.method_list, name="payment-methods"),
    path("settings/payment-methods/new/", statements.method_new, name="payment-method-new"),
    path("settings/payment-methods/<int:pk>/", statements.method_edit, name="payment-method-edit"),
]
