from django.apps import AppConfig
from django.conf import settings


class FulfillmentConfig(AppConfig):
    name = "fulfillment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the built-in carrier in use; its parcels move by themselves only where that is asked for."""
        from fulfillment.carriers import register
        from fulfillment.carriers.builtin import BuiltinCarrier
        from fulfillment.operations.numbers import DatabaseNumbers
        from fulfillment.operations.simulation import simulated_events

        tracking = simulated_events if settings.SIMULATE_TRACKING else None
        register(BuiltinCarrier(lambda: DatabaseNumbers(BuiltinCarrier.code), tracking=tracking))
