"""The accountable knowledge graph of a city."""
