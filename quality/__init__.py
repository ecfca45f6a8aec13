"""Non-conforming goods: damaged, in quality control, in quarantine, and what became of them."""
