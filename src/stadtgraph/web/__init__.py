"""The web: a thin Flask application over a city, and its server."""

from stadtgraph.web.app import create_app
from stadtgraph.web.server import serve

__all__ = ["create_app", "serve"]
