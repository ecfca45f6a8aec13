"""Imports every module that registers a kind of background job, so that any process can run any job."""

from availability import jobs as availability_jobs  # noqa: F401
from channels import jobs as channels_jobs  # noqa: F401
from currencies import jobs as currencies_jobs  # noqa: F401
from forecasting import jobs as forecasting_jobs  # noqa: F401
from fulfillment import printing_job, shipping_job  # noqa: F401
from invoicing import jobs as invoicing_jobs  # noqa: F401
from oms import transfer_import  # noqa: F401
from oms.bulk import running, undoing  # noqa: F401
from oms.exchange import exporting  # noqa: F401
from purchasing import jobs as purchasing_jobs  # noqa: F401
from replenishment import import_job as replenishment_import_job  # noqa: F401
from transfers import slips_job  # noqa: F401
