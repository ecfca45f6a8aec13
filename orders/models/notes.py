"""What people write to each other about an order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models import User
from orders.models.order import Order


class Note(models.Model):
    """What people write to each other about an order; never shown to the customer."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author_label = models.CharField(max_length=120)
    text = models.TextField()
    at = models.DateTimeField()


class Mention(models.Model):
    """A person named in a note ("@anna"), who is to read it."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "user"], name="mention_once")]
        indexes = [
            models.Index(fields=["user", "-id"], name="mention_of"),
            models.Index(fields=["user"], name="mention_unseen", condition=Q(seen_at__isnull=True)),
        ]
