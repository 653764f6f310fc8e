"""How far off a place's position may be, and what that is worth in minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from technobelt.region import Profile, Region

    Floats = NDArray[np.float64]

__all__ = ["error_metres", "error_minutes"]


def error_metres(region: Region, places: gpd.GeoDataFrame) -> Floats:
    """Return how far off positions may be by their confidence; a word not known counts as low.

    Parameters
    ----------
    region
        States the errors (``[position_error_m]``).
    places
        Points; without the column ``confidence`` they are where they are said to be.

    Returns
    -------
    numpy.ndarray
        float64 (n), metres.

    Examples
    --------
    >>> import technobelt as tb
    >>> region = tb.load_region()
    >>> places = tb.facilities(region).loc[["NIC01", "UNI01"]]
    >>> error_metres(region, places.assign(confidence=["high", "guessed"])).tolist()
    [100.0, 2000.0]
    """
    if "confidence" not in places:
        return np.zeros(len(places))
    stated = region.position_error_m
    known = places["confidence"].map(stated.metres)
    return np.asarray(known.astype(float).fillna(stated.low).to_numpy())


def error_minutes(profile: Profile, metres: Floats) -> Floats:
    """Return the minutes that positions' errors are worth on a tertiary road at its fastest.

    A trip that is beyond a limit by less may only seem to be.

    Parameters
    ----------
    profile
        Its stated range of speed.
    metres
        How far off the positions may be, of any shape.

    Examples
    --------
    >>> import technobelt as tb
    >>> profile = tb.load_region().profiles["typical"]
    >>> kph = profile.speed_kph["tertiary"].high
    >>> bool(error_minutes(profile, np.array([kph * 1000]))[0] == 60)
    True
    """
    metres_per_min = profile.speed_kph["tertiary"].high * 1000 / 60
    return np.asarray(metres / metres_per_min)
