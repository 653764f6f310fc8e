"""A folium map that opens from disk, without internet.

`build` puts the map together out of `overlays`; `basemap`, `plan`, `innovation`, `places`,
`outlines`, `times`, `pairs` and `paper` each draw one kind of layer, `dates` joins those of several
dates, `facts` writes what a popup says, `finder` what the search finds, `panel` the verdicts and
the legend, and `page` turns folium's page into one that asks nobody
for anything.
"""

from __future__ import annotations

from technobelt.webmap.build import web_map, write_map
from technobelt.webmap.dates import MapDate

__all__ = ["MapDate", "web_map", "write_map"]
