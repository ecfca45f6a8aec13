"""What must hold of availability, asked of the data as a whole: each row found is (subject, detail) of something wrong."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    # Where no mark waits, a bundle is shown no more than its scarcest component and its open budget allow.
    "no_channel_is_shown_more_than_there_is": """
        SELECT 'variant:' || a.variant_id, format('channel %s is shown %s; %s available and %s on budget', a.channel_id, a.shown, s.units, a.extra)
          FROM availability_channelavailability a JOIN inventory_variant v ON v.id = a.variant_id AND NOT v.is_bundle
          JOIN LATERAL (SELECT coalesce(sum(greatest(l.available, 0)), 0) AS units FROM inventory_stocklevel l WHERE l.variant_id = a.variant_id) s ON true
         WHERE a.shown > s.units + a.extra
           AND NOT EXISTS (SELECT FROM availability_dirtyavailability d WHERE d.channel_id = a.channel_id AND d.variant_id = a.variant_id)
           AND NOT EXISTS (SELECT FROM inventory_changedlevel c WHERE c.variant_id = a.variant_id)
           AND NOT EXISTS (SELECT FROM core_outboxevent e LEFT JOIN core_outboxdelivery d ON d.event_id = e.id AND d.done_at IS NULL AND d.gave_up_at IS NULL
                            WHERE e.name = 'stock.changed' AND (e.relayed_at IS NULL OR d.id IS NOT NULL))""",
    "what_was_told_has_a_version": """
        SELECT 'variant:' || variant_id, format('channel %s: version %s without a time, or a time without a version', channel_id, version)
          FROM availability_channelavailability WHERE (version = 0) <> (published_at IS NULL)""",
}  # fmt: skip
