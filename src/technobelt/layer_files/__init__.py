"""The files that layers come in: any that GDAL opens, GeoParquet, tables with coordinates, zips."""

from technobelt.layer_files.opening import count_rows, declared_layers, open_file
from technobelt.layer_files.tables import TABLES, coordinate_columns, raw_table
from technobelt.layer_files.texts import guess_encoding, shapefile_encoding, unscrambled

__all__ = [
    "TABLES",
    "coordinate_columns",
    "count_rows",
    "declared_layers",
    "guess_encoding",
    "open_file",
    "raw_table",
    "shapefile_encoding",
    "unscrambled",
]
