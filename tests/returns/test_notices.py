"""Each step tells the customer once, in the customer's language, and markup does no harm."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import outbox
from core.models import OutboxDelivery, OutboxEvent, OutgoingMail
from returns.models import Return
from returns.operations import (
    Received,
    Verdict,
    approve_return,
    decline_return,
    inspect_return,
    receive_return,
    resolve_return,
)
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR, NOW


def deliver_all() -> None:
    """Relay and deliver everything that waits, and then once more by mistake."""
    outbox.relay(now=NOW)
    for delivery in OutboxDelivery.objects.filter(event__name__startswith="return."):
        outbox.deliver(delivery.pk, now=NOW)
        OutboxDelivery.objects.filter(pk=delivery.pk).update(done_at=None)
        outbox.deliver(delivery.pk, now=NOW)


def mails(made: Return) -> list[str]:
    found = OutgoingMail.objects.filter(to=made.order.email, dedupe_key__endswith=f":{made.pk}").order_by("id")
    return [mail.dedupe_key.partition(":")[0] for mail in found]


@pytest.mark.django_db
class TestMail:
    def test_each_step_is_told_once(self) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(1), 1)
        deliver_all()
        approve_return(return_id=made.pk, answer="Gladly.", actor=ACTOR, now=NOW)
        deliver_all()
        line = made.lines.get().pk
        receive_return(return_id=made.pk, lines=[Received(line, 1)], actor=ACTOR, now=NOW)
        deliver_all()
        inspect_return(return_id=made.pk, verdicts=[Verdict(line, "restock", 1)], actor=ACTOR, now=NOW)
        resolve_return(return_id=made.pk, amount=Decimal(10), actor=ACTOR, now=NOW)
        deliver_all()
        assert mails(made) == ["return_requested", "return_approved", "return_received", "refund_made"]
        texts = " ".join(OutgoingMail.objects.values_list("text", flat=True))
        assert "Gladly." in texts
        assert "€10.00" in texts
        assert f"/t/{made.order.token}/returns/{made.number}/" in texts

    def test_a_return_approved_by_policy_gets_one_mail(self) -> None:
        make_shop(auto_approve_returns=True)
        made = ask(sent_order(1), 1)
        deliver_all()
        assert mails(made) == ["return_approved"]

    def test_a_declined_return_says_why_and_markup_stays_text(self) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(1), 1)
        decline_return(return_id=made.pk, answer="<b>Worn & torn</b>", actor=ACTOR, now=NOW)
        deliver_all()
        text = OutgoingMail.objects.get(dedupe_key=f"return_declined:{made.pk}").text
        assert "<b>Worn & torn</b>" in text

    def test_it_is_written_in_the_customers_language(self) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(1, language="fa"), 1)
        OutboxEvent.objects.exclude(name="return.requested").delete()
        deliver_all()
        text = OutgoingMail.objects.get(dedupe_key=f"return_requested:{made.pk}").text
        assert made.order.language == "fa"
        assert made.number not in text.partition("http")[0] or "RMA" in text  # the number is never translated

    def test_a_line_break_in_a_number_cannot_add_a_header(self) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(1, number="#1\nBcc: all@example.com"), 1)
        deliver_all()
        assert "\n" not in OutgoingMail.objects.get(dedupe_key=f"return_requested:{made.pk}").subject
