"""How channels look in lists."""

from core.badges import register
from orders.models import ChannelKind

register("channel.kind", {value: ("neutral", label) for value, label in ChannelKind.choices})
