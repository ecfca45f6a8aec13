"""Keep the demand, the days without stock and the forecasts."""
