"""Events between services: relay and feed on the sending side, listener and inbox on the receiving side.

Import everything here before any thread starts: a first import in two threads at once has killed a relay.
"""

from shared.messaging.broker import is_memory
from shared.messaging.feed import FeedClient, FeedUnavailable, HeadsView, Page, heads, page
from shared.messaging.inbox import Inbox, LaneStopped
from shared.messaging.listener import Listener
from shared.messaging.policies import Policies, Policy
from shared.messaging.reaction import Reaction, Rows
from shared.messaging.refusals import REFUSED_REACTIONS, Refusal, settle
from shared.messaging.relay import Relay
from shared.messaging.supervisor import Supervisor
from shared.messaging.ticker import Ticker
from shared.messaging.timers import Firing, Timers, timer_table

__all__ = [
    "REFUSED_REACTIONS",
    "FeedClient",
    "FeedUnavailable",
    "Firing",
    "HeadsView",
    "Inbox",
    "LaneStopped",
    "Listener",
    "Page",
    "Policies",
    "Policy",
    "Reaction",
    "Refusal",
    "Relay",
    "Rows",
    "Supervisor",
    "Ticker",
    "Timers",
    "heads",
    "is_memory",
    "page",
    "settle",
    "timer_table",
]
