"""Plain numbers in, forecasts out: no database, no web. Only `candidates` needs the forecasting library, and imports it when first asked."""
