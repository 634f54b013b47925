"""Settings: ``stadtgraph.toml`` of the city, then the environment (``STADTGRAPH_*``), then options.

Unknown keys are errors that name the nearest known one. Paths are relative to the file that names them.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_type_hints

from stadtgraph.errors import ConfigError
from stadtgraph.terms import DEFAULT_BASE

FILE_NAME: Final = "stadtgraph.toml"
METHODS: Final = ("post", "get", "direct")
"""How a query is sent to another endpoint (https://www.w3.org/TR/sparql11-protocol/#query-operation)."""


@dataclass(frozen=True, slots=True)
class CitySettings:
    """``[city]``: the base IRI and where registers, shapes and ontology lie (empty: those of the package)."""

    base: str = DEFAULT_BASE
    title: str = "Stadtgraph Jena"
    data: str = ""
    shapes: str = ""
    ontology: str = ""
    real_data: str = ""


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """``[serve]``: where and with how many processes and threads the city is served.

    ``trusted_proxy`` is the address of the reverse proxy whose ``X-Forwarded-*`` headers are believed (empty: none).
    ``grace`` is how many seconds answers under way have when the server is asked to stop. ``held`` bounds the bytes of
    requests not answered yet and of answers not taken yet that one process holds.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 4
    trusted_proxy: str = ""
    grace: float = 10.0
    held: int = 256_000_000


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """``[query]``: bounds of one query: seconds, answer bytes, memory in bytes, characters of the text.

    ``cache`` bounds the bytes of answers that are kept, 0 keeps none. ``allocator`` is a library that allocates the
    memory of query workers where it is installed; empty: the C library does.
    """

    seconds: float = 30.0
    bytes: int = 1_000_000_000
    memory: int = 4_000_000_000
    characters: int = 262_144
    cache: int = 256_000_000
    allocator: str = "jemalloc"


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """``[write]``: bounds of one change: bytes of its text or document, seconds to wait for other writers."""

    bytes: int = 16_000_000
    wait: float = 10.0


@dataclass(frozen=True, slots=True)
class FairnessSettings:
    """``[fairness]``: what one caller may have of one web process, 0 is no bound.

    ``concurrency`` queries at once and ``waiting`` more in line; ``seconds`` of workers and ``errors`` a minute.
    Callers with a token have ``trusted`` times as much.
    """

    concurrency: int = 3
    waiting: int = 8
    seconds: float = 60.0
    errors: int = 60
    trusted: float = 5.0


@dataclass(frozen=True, slots=True)
class LogSettings:
    """``[log]``: whether queries are logged, with their text, with addresses in full."""

    queries: bool = True
    text: bool = False
    addresses: bool = False


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """``[retention]``: which releases ``release prune`` keeps: the last ones, one a day, one a month."""

    last: int = 10
    days: int = 30
    months: int = 24


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """``[audit]``: how many findings of a rule and source are listed, and bounds of shapes that are not the package's.

    The bounds are seconds and bytes of memory; 0 findings lists all. ``scored`` is up to how many public datasets a
    release holds the scores of each.
    """

    findings: int = 1_000
    seconds: float = 300.0
    memory: int = 4_000_000_000
    scored: int = 1000


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """``[network]``: hosts that may be asked although their addresses are not of the public Internet."""

    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``[[federation.service]]``: one endpoint that queries may ask with SERVICE.

    ``iri`` is what queries write, where that is not the address; ``authorization`` names the environment variable with
    the value of that header. ``private`` allows an address that is not public, ``internal`` sends it values of
    restricted graphs as well. ``inner`` are SERVICE IRIs that the endpoint itself understands.
    """

    name: str = ""
    address: str = ""
    iri: str = ""
    method: str = "post"
    authorization: str = ""
    private: bool = False
    internal: bool = False
    inner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FederationSettings:
    """``[federation]``: bounds of SERVICE clauses, and the endpoints that may be asked; none to begin with.

    ``seconds`` bounds the answers of a clause, ``rows`` their solutions, ``bytes`` all answers to one query; up to
    ``bindings`` values are sent along, in batches of ``batch``.
    """

    seconds: float = 10.0
    bytes: int = 20_000_000
    rows: int = 10_000
    bindings: int = 2_000
    batch: int = 100
    service: tuple[ServiceSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one city."""

    city: CitySettings = field(default_factory=CitySettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    query: QuerySettings = field(default_factory=QuerySettings)
    write: WriteSettings = field(default_factory=WriteSettings)
    fairness: FairnessSettings = field(default_factory=FairnessSettings)
    log: LogSettings = field(default_factory=LogSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    federation: FederationSettings = field(default_factory=FederationSettings)
    folder: Path = field(default_factory=Path)

    def path(self, text: str) -> Path:
        """Give a path of the settings, relative to the folder of the settings file."""
        return (self.folder / text).resolve()


_SECTIONS: Final[dict[str, type]] = {
    "city": CitySettings,
    "serve": ServeSettings,
    "query": QuerySettings,
    "write": WriteSettings,
    "fairness": FairnessSettings,
    "log": LogSettings,
    "retention": RetentionSettings,
    "audit": AuditSettings,
    "network": NetworkSettings,
    "federation": FederationSettings,
}


def load_config(city: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read the settings of the city in the folder ``city``; missing files give the defaults.

    Raises :class:`ConfigError` naming file and key.
    """
    path, data = city / FILE_NAME, {}
    if path.is_file():
        try:
            data = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise ConfigError("config-syntax", where=path, problem=problem) from problem
    config = from_mapping(data, str(path))
    config = _with_environment(config, os.environ if environment is None else environment)
    return replace(config, folder=city.resolve())


def from_mapping(data: Mapping[str, Any], where: str) -> Config:
    """Check a parsed settings file.

    >>> from_mapping({"serve": {"port": 9000}}, "here").serve.port
    9000
    >>> from_mapping({"serve": {"prot": 9000}}, "here")
    Traceback (most recent call last):
    stadtgraph.errors.ConfigError: here: unknown setting 'serve.prot'. Did you mean 'serve.port'? ...
    """
    sections: dict[str, Any] = {}
    for name, values in data.items():
        if name not in _SECTIONS or not isinstance(values, dict):
            raise _unknown(where, name, list(_SECTIONS))
        sections[name] = _section(where, name, values, _SECTIONS[name])
    config = Config(**sections)
    if not config.city.base.endswith(("/", "#")) or ":" not in config.city.base:
        raise ConfigError(
            "config-bad-value",
            where=where,
            key="city.base",
            value=config.city.base,
            expected='"https://…/"',
        )
    return config


def _section(where: str, name: str, values: Mapping[str, Any], kind: type) -> Any:
    """Make a section's settings from its keys; each must be known and of its kind."""
    known = {f.name for f in fields(kind)}
    for key in values:
        if key not in known:
            raise _unknown(where, f"{name}.{key}", [f"{name}.{k}" for k in known])
    hints = get_type_hints(kind)
    return kind(**{k: _checked(where, f"{name}.{k}", v, hints[k]) for k, v in values.items()})


def _with_environment(config: Config, environment: Mapping[str, str]) -> Config:
    """Apply ``STADTGRAPH_<SECTION>_<KEY>``, for example ``STADTGRAPH_SERVE_PORT``, and ``STADTGRAPH_REAL_DATA``."""
    for section, kind in _SECTIONS.items():
        changes: dict[str, Any] = {}
        for key, hint in get_type_hints(kind).items():
            variable = f"STADTGRAPH_{section}_{key}".upper()
            if variable in environment and hint != tuple[ServiceSettings, ...]:
                changes[key] = _parsed(variable, environment[variable], hint)
        if changes:
            config = replace(config, **{section: replace(getattr(config, section), **changes)})
    for section, kind in _SECTIONS.items():
        prefix, known = (
            f"STADTGRAPH_{section}_".upper(),
            {f"STADTGRAPH_{section}_{f.name}".upper() for f in fields(kind)},
        )
        for variable in environment:
            if variable.startswith(prefix) and variable not in known:
                raise _unknown("environment", variable, list(known))
    if "STADTGRAPH_REAL_DATA" in environment:
        config = replace(config, city=replace(config.city, real_data=environment["STADTGRAPH_REAL_DATA"]))
    return config


def _parsed(where: str, text: str, hint: type) -> Any:
    if hint == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if hint is bool:
        if text.lower() not in _TRUTH:
            raise _wrong(where, where, text, hint)
        return _TRUTH[text.lower()]
    try:
        return hint(text)
    except ValueError as problem:
        raise _wrong(where, where, text, hint) from problem


def _checked(where: str, key: str, value: Any, hint: Any) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if hint == tuple[ServiceSettings, ...] and isinstance(value, list) and all(isinstance(v, dict) for v in value):
        return tuple(_service(where, key, item) for item in value)
    if type(value) is not hint or (isinstance(value, int | float) and value < 0):
        raise _wrong(where, key, value, hint)
    return value


_TRUTH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _service(where: str, key: str, values: Mapping[str, Any]) -> ServiceSettings:
    """Read one endpoint; what it must say is checked here, its address when it is first needed."""
    found: ServiceSettings = _section(where, key, values, ServiceSettings)
    wanted = {
        "name": (re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", found.name), '"wikidata"'),
        "address": (re.match(r"https?://", found.address), '"https://…"'),
        "method": (found.method in METHODS, " | ".join(METHODS)),
    }
    for name, (is_right, expected) in wanted.items():
        if not is_right:
            value = repr(getattr(found, name))
            raise ConfigError("config-bad-value", where=where, key=f"{key}.{name}", value=value, expected=expected)
    return found


def _wrong(where: str, key: str, value: object, hint: type) -> ConfigError:
    names = {int: "0, 1, 2 …", float: "0.5, 30 …", str: '"…"', bool: "true, false", tuple[str, ...]: '["…", …]'}
    expected = names.get(hint, "[[…]]")
    return ConfigError("config-bad-value", where=where, key=key, value=repr(value), expected=expected)


def _unknown(where: str, key: str, known: list[str]) -> ConfigError:
    nearest = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)
    return ConfigError("config-unknown-key", where=where, key=key, nearest=nearest[0] if nearest else "")
