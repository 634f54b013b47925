"""Full text of a release: an index file per view, and the property ``sg:search`` by which queries use it."""

from stadtgraph.search.documents import Document, documents
from stadtgraph.search.function import FUNCTION, expand, uses_search
from stadtgraph.search.index import Hit, Index, build, update

__all__ = ["FUNCTION", "Document", "Hit", "Index", "build", "documents", "expand", "update", "uses_search"]
