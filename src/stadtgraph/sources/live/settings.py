"""What the registry says of live sources (``[source.gtfs]``, ``[source.sensorthings]``), and which tables there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GTFS_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "agencies": (
        "agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang", "agency_phone",
        "agency_fare_url", "agency_email",
    ),
    "stops": (
        "stop_id", "stop_code", "stop_name", "tts_stop_name", "stop_desc", "stop_lat", "stop_lon", "zone_id",
        "stop_url", "location_type", "parent_station", "stop_timezone", "wheelchair_boarding", "level_id",
        "platform_code",
    ),
    "routes": (
        "route_id", "agency_id", "route_short_name", "route_long_name", "route_desc", "route_type", "route_url",
        "route_color", "route_text_color", "route_sort_order", "network_id",
    ),
    "trips": (
        "route_id", "service_id", "trip_id", "trip_headsign", "trip_short_name", "direction_id", "block_id",
        "shape_id", "wheelchair_accessible", "bikes_allowed",
    ),
    "stop-times": (
        "trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence", "stop_headsign", "pickup_type",
        "drop_off_type", "shape_dist_traveled", "timepoint",
    ),
    "calendar": (
        "service_id", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "start_date",
        "end_date",
    ),
    "calendar-dates": ("service_id", "date", "exception_type"),
    "feed-info": (
        "feed_publisher_name", "feed_publisher_url", "feed_lang", "default_lang", "feed_start_date",
        "feed_end_date", "feed_version", "feed_contact_email", "feed_contact_url",
    ),
    "calls": ("stop_id", "route_id", "calls"),
}  # fmt: skip
"""Table → the columns that the standard names (https://gtfs.org/documentation/schedule/reference/).

``calls`` is counted while reading: how often the trips of a route call at a stop.
"""
THINGS_TABLES: Final = (
    "things",
    "locations",
    "sensors",
    "observed-properties",
    "datastreams",
    "features-of-interest",
    "observations",
)
"""The tables of a SensorThings service, as its entity sets are called (https://docs.ogc.org/is/18-088/18-088.html)."""
TABLES: Final = {"gtfs": tuple(GTFS_COLUMNS), "sensorthings": THINGS_TABLES}
"""Protocol → the tables that it can have."""
ADDED: Final = ("source_name", "source_dataset")
"""Columns of every row of a live source: its name, and the ``dataset`` of the registry."""


@dataclass(frozen=True, slots=True)
class Gtfs:
    """Which part of a timetable belongs to the city.

    ``box`` is west, south, east, north in degrees: stops in it, and what calls there. ``agencies`` are ids or names of
    operators whose trips count. Empty ones keep everything. ``rows`` bounds what is kept of one table.
    """

    box: tuple[float, ...] = ()
    agencies: tuple[str, ...] = ()
    rows: int = 5_000_000


@dataclass(frozen=True, slots=True)
class SensorThings:
    """How much of a SensorThings service is taken.

    ``latest`` observations of each datastream, and all of the last ``days`` where that is not 0, never more than
    ``most`` of one datastream.
    """

    latest: int = 1
    days: int = 0
    most: int = 10_000


@dataclass(frozen=True, slots=True)
class EntitySet:
    """One set of entities of a service: its name, the properties and the links to others that a mapping may look at."""

    name: str
    properties: tuple[str, ...]
    links: tuple[str, ...] = ()


_USUAL: Final = ("name", "description", "properties")
ENTITY_SETS: Final[dict[str, EntitySet]] = {
    "things": EntitySet("Things", _USUAL, ("Locations",)),
    "locations": EntitySet("Locations", (*_USUAL, "encodingType", "location")),
    "sensors": EntitySet("Sensors", (*_USUAL, "encodingType", "metadata")),
    "observed-properties": EntitySet("ObservedProperties", (*_USUAL, "definition")),
    "features-of-interest": EntitySet("FeaturesOfInterest", (*_USUAL, "encodingType", "feature")),
    "datastreams": EntitySet(
        "Datastreams",
        (*_USUAL, "observationType", "unitOfMeasurement", "observedArea", "phenomenonTime", "resultTime"),
        ("Thing", "Sensor", "ObservedProperty"),
    ),
    "observations": EntitySet(
        "Observations",
        ("phenomenonTime", "result", "resultTime", "resultQuality", "validTime", "parameters"),
        ("FeatureOfInterest",),
    ),
}
LINKED: Final = {
    "Locations": "locations",
    "Thing": "things",
    "Sensor": "sensors",
    "ObservedProperty": "observed-properties",
    "FeatureOfInterest": "features-of-interest",
    "Datastream": "datastreams",
}
"""Link → the table that it leads to."""
COLUMN_OF: Final = {"iot_id": "id", "geometry": "location", "begin": "phenomenonTime", "end": "phenomenonTime"} | {
    "day": "phenomenonTime"
}
"""Columns that are made of a property of another name; ``geometry`` of ``location`` or ``feature``."""
