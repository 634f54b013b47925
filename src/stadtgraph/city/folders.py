"""Where the registers, shapes and the ontology of a city lie: its own folders, else those of the package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from stadtgraph.config import Config
from stadtgraph.errors import ConfigError

REGISTRY: Final = "sources.toml"


@dataclass(frozen=True, slots=True)
class Folders:
    """The three folders that describe a city."""

    data: Path
    shapes: Path
    ontology: Path

    @property
    def registry(self) -> Path:
        """The registry of sources."""
        return self.data / REGISTRY

    @property
    def queries(self) -> Path:
        """The folder of the example queries."""
        return self.data / "queries"

    @property
    def links(self) -> Path:
        """The folder of the link rules."""
        return self.data / "links"


def folders(config: Config) -> Folders:
    """Give the folders that the settings name; what they do not name is taken from the package."""
    package = shipped()
    return Folders(
        data=_given(config, "data") or package / "data",
        shapes=_given(config, "shapes") or package / "shapes",
        ontology=_given(config, "ontology") or package / "ontology",
    )


def _given(config: Config, key: str) -> Path | None:
    text = getattr(config.city, key)
    if not text:
        return None
    path = config.path(text)
    if not path.is_dir():
        raise ConfigError("config-no-folder", where=config.folder, key=f"city.{key}", folder=path)
    return path


def shipped() -> Path:
    """Give the folder that holds ``ontology``, ``shapes`` and ``data``: inside the wheel, or the checkout."""
    package = Path(str(resources.files("stadtgraph")))
    inside = package / "_city"
    return inside if inside.is_dir() else package.parent.parent
