from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"

    def ready(self) -> None:
        from core.outbox import add_source
        from inventory.operations.changes import gather_changes

        add_source(gather_changes)
