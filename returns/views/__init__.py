"""The dashboard's pages about returns."""
