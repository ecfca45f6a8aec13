"""Exchange rates: what one unit of a currency was worth on a day, and who said so."""
