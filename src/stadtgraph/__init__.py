"""The accountable knowledge graph of a city.

::

    from stadtgraph import City
    with City("city") as city:
        print(city.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stadtgraph.city import City as City
    from stadtgraph.errors import StadtgraphError as StadtgraphError

    __version__: str

__all__ = ["City", "StadtgraphError", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first asked for, so that a reading process loads only what it needs."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("stadtgraph")
        except PackageNotFoundError:  # run from a folder that was never installed
            return "0"
    if name == "City":
        from stadtgraph.city import City

        return City
    if name == "StadtgraphError":
        from stadtgraph.errors import StadtgraphError

        return StadtgraphError
    raise AttributeError(f"module 'stadtgraph' has no attribute '{name}'")
