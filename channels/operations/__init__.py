"""Every write to channels and imports."""

from channels.operations.channel_settings import ensure_channel, save_channel
from channels.operations.starting import Inspection, inspect_file, start_for_real, start_import

__all__ = ["Inspection", "ensure_channel", "inspect_file", "save_channel", "start_for_real", "start_import"]
