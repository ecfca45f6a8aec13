"""How kinds of documents are shown."""

from core.badges import register
from invoicing.states import DocumentKind

register(
    "document.kind",
    {
        DocumentKind.INVOICE: ("info", DocumentKind.INVOICE.label),
        DocumentKind.CREDIT_NOTE: ("warn", DocumentKind.CREDIT_NOTE.label),
        DocumentKind.PRO_FORMA: ("neutral", DocumentKind.PRO_FORMA.label),
    },
)
