"""What each channel is shown and may sell, and why."""
