"""Outgoing HTTP: the one door through which this program asks other servers.

Every address is checked before anything is sent, and again at each redirect: its form, its port, and every address
that its name leads to. The connection goes to the address that was checked, so a name that changes its mind gains
nothing. Time, bytes and what compression unfolds to are bounded; proxies of the environment are not used.
"""

from stadtgraph.net.address import Target, is_public, target
from stadtgraph.net.client import AGENT, Response, get
from stadtgraph.net.policy import Policy

__all__ = ["AGENT", "Policy", "Response", "Target", "get", "is_public", "target"]
