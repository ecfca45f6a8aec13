"""Outgoing webhooks: signed by Standard Webhooks, posted to checked addresses only, tried again by the outbox."""
