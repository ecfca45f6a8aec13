"""What is bought, from whom, and what it cost."""

from purchasing.models.costs import CostCursor, CostEntry, CostLayer, CostMethod, CostSettings, EntryKind, VariantCost
from purchasing.models.orders import ArrivalCount, PurchaseLine, PurchaseOrder, Receipt, ReceiptLine
from purchasing.models.suppliers import Supplier, SupplierItem

__all__ = [
    "ArrivalCount",
    "CostCursor",
    "CostEntry",
    "CostLayer",
    "CostMethod",
    "CostSettings",
    "EntryKind",
    "PurchaseLine",
    "PurchaseOrder",
    "Receipt",
    "ReceiptLine",
    "Supplier",
    "SupplierItem",
    "VariantCost",
]
