"""Push messages to browsers (RFC 8030), also of a phone that is locked: `PushDesk` makes their channels.

`seal` is RFC 8291, `vapid` RFC 8292, both pure; `endpoint` says where messages may go.
"""

from api.notifications.web_push.channel import Deadlines, PushDesk
from api.notifications.web_push.endpoint import BadEndpoint, parse_endpoint
from api.notifications.web_push.seal import BadKey, public_key, secret_of
from api.notifications.web_push.subscribers import PUSH, Subscribers, subscription_of

__all__ = [
    "PUSH",
    "BadEndpoint",
    "BadKey",
    "Deadlines",
    "PushDesk",
    "Subscribers",
    "parse_endpoint",
    "public_key",
    "secret_of",
    "subscription_of",
]
