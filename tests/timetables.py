"""Small timetables for tests, as files of a zip archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

MAPPINGS = Path(__file__).resolve().parents[1] / "data" / "mappings"
TABLES = {
    "stops": "gtfs-stops.rq",
    "routes": "gtfs-routes.rq",
    "trips": "gtfs-trips.rq",
    "stop-times": "gtfs-stop-times.rq",
    "agencies": "live/gtfs-agencies.rq",
    "calendar": "live/gtfs-calendar.rq",
    "calendar-dates": "live/gtfs-calendar-dates.rq",
    "feed-info": "live/gtfs-feed-info.rq",
    "calls": "live/gtfs-calls.rq",
}
"""Table → the mapping that the project ships for it."""
BOX = "box = [11.5, 50.8, 11.7, 51.0]"
TOWN: Mapping[str, str] = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\n"
    "1,Nahverkehr,https://nahverkehr.example/,Europe/Berlin\n2,Fernbus,https://fern.example/,Europe/Berlin\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
    "de:1,Markt,50.9,11.6,1,\nde:1:a,Markt Steig A,50.9001,11.6001,0,de:1\nde:2,Bahnhof,50.91,11.61,0,\n"
    "de:9,Berlin,52.5,13.4,0,\nde:1:e,Markt Eingang,,,2,de:1\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type,route_color,route_text_color\n"
    "r1,1,1,,0,,\nr2,2,X,,3,,\nr3,2,Y,,3,,\n",
    "trips.txt": "route_id,service_id,trip_id,trip_headsign,block_id\n"
    "r1,s1,t1,Bahnhof,\nr1,s1,t2,Markt,\nr2,s2,t3,Berlin,\nr3,s3,t9,Anderswo,\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "t1,6:00:00,6:00:00,de:1:a,1\nt1,6:05:00,6:05:00,de:2,2\nt2,24:10:00,24:10:00,de:2,1\nt2,24:15:00,24:15:00,de:1:a,2\n"
    "t3,7:00:00,7:00:00,de:2,1\nt3,10:00:00,10:00:00,de:9,2\nt9,1:00:00,1:00:00,de:9,1\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "s1,1,1,1,1,1,0,0,20260101,20261231\ns3,1,1,1,1,1,1,1,20260101,20261231\n",
    "calendar_dates.txt": "service_id,date,exception_type\ns1,20261225,2\ns2,20261226,1\n",
    "feed_info.txt": "feed_publisher_name,feed_publisher_url,feed_lang,feed_start_date,feed_end_date,feed_version\n"
    "Verbund,https://verbund.example/,de,20260101,20261231,20260102-3\n",
}
"""A town with two stops and a station; Berlin is far away, and so is the route r3."""


def packed(files: Mapping[str, str | bytes] = TOWN, folder: str = "", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Give files as a zip archive, below a folder where one is named."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return stream.getvalue()


def changed(**files: str | None) -> dict[str, str]:
    """Give the town's timetable with other files, named without ``.txt``; ``None`` leaves one out."""
    found: dict[str, str | None] = dict(TOWN) | {f"{name}.txt": text for name, text in files.items()}
    return {name: text for name, text in found.items() if text is not None}
