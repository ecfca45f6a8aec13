"""Addresses of the customers' pages of the dashboard."""

from django.urls import path

from customers import views

urlpatterns = [
    path("customers/", views.customer_list, name="customers"),
    path("customers/<int:pk>/", views.customer, name="customer"),
]
