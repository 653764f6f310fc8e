"""The files that layers come in: any that GDAL opens, GeoParquet, tables with coordinates, zips."""

from technobelt.layer_files.opening import declared_layers, open_file
from technobelt.layer_files.texts import guess_encoding, shapefile_encoding, unscrambled

__all__ = ["declared_layers", "guess_encoding", "open_file", "shapefile_encoding", "unscrambled"]
