"""Services and feeds of others that are tables: SensorThings services and timetables, read through mappings.

``sensorthings`` says what to ask and turns answers into rows, ``archive`` and ``timetable`` read GTFS as a stream,
``making`` puts the rows of every table through their mapping and sets the bad ones aside.
"""
