"""Numbers that both the pages and the models need; plain, so that a page loads no library for them."""

from __future__ import annotations

#: The optional library of models.
LIBRARY = "statsforecast"
#: Days of a forecast, and the most days of history it is made from (three years and a horizon).
HORIZON_DAYS = 56
BACK_DAYS = 3 * 365 + HORIZON_DAYS
#: Back-tests ask for sums over a fortnight, from so many origins in the past.
FORTNIGHT, ORIGINS = 14, 6
