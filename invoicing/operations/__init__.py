"""Documents are issued; settings and series are saved."""

from invoicing.operations.crediting import credit_invoice, creditable, left_of_invoice
from invoicing.operations.issuing import (
    Preview,
    bill_order,
    issue_free_pro_forma,
    issue_pro_forma,
    preview_billing,
    save_billing_profile,
)
from invoicing.operations.keeping import keep_pdf
from invoicing.operations.numbering import save_series
from invoicing.operations.settings import save_settings
from invoicing.operations.writing import Facts, facts_of

__all__ = [
    "Facts",
    "Preview",
    "bill_order",
    "credit_invoice",
    "creditable",
    "facts_of",
    "issue_free_pro_forma",
    "issue_pro_forma",
    "keep_pdf",
    "left_of_invoice",
    "preview_billing",
    "save_billing_profile",
    "save_series",
    "save_settings",
]
