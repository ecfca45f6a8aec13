from django.apps import AppConfig
from django.conf import settings


class FulfillmentConfig(AppConfig):
    name = "fulfillment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the built-in carrier in use, and tell counts what pickers hold; its parcels move by themselves only where that is asked for."""
        from counts.operations.away import add_asker
        from fulfillment.carriers import register
        from fulfillment.carriers.builtin import BuiltinCarrier
        from fulfillment.operations.numbers import DatabaseNumbers
        from fulfillment.operations.simulation import simulated_events
        from fulfillment.queries import picked_units

        add_asker(picked_units)
        tracking = simulated_events if settings.SIMULATE_TRACKING else None
        register(BuiltinCarrier(lambda: DatabaseNumbers(BuiltinCarrier.code), tracking=tracking))
