"""Claims that tables, positions and nothing at all decide: figures, proximity, undecidable ones."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import technobelt as tb
from hand_region import CORNER, CRS, ENDS, PLACES, ROAD, make_region
from technobelt.attribute_claims import last_digit
from technobelt.claims import sentence
from technobelt.errors import ClaimError, RegionError
from technobelt.proximity import proximity_verdict

AREAS = {"P_east": 10.0, "P_centre": 20.0, "P_west": 30.0}


@pytest.fixture
def road(draw):
    return draw(ENDS, ROAD)


def places(**areas):
    return PLACES | {
        place: (*PLACES[place][:5], {"area_km2": areas.get(place, area)})
        for place, area in AREAS.items()
    }


def claim(kind, **lines):
    rest = "\n".join(f"{key} = {value}" for key, value in lines.items())
    return f"""
[[claims]]
id = "c"
kind = "{kind}"
statement = "So it is."
source = "drawn by hand"
{rest}
"""


def judged(tmp_path, network, text, **options):
    (result,) = tb.check_claims(make_region(tmp_path, claims=text, **options), network).claims
    return result


ALL = '{ layers = ["complexes"] }'


def one(place):
    return f'{{ layers = ["complexes"], where = {{ id = ["{place}"] }} }}'


# --- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [(20, "holds"), (20.4, "fails"), (21, "fails"), (19, "fails"), (10, "fails"), (100, "fails")],
)
def test_a_figure_is_compared_to_its_last_stated_digit(tmp_path, road, expected, verdict):
    text = claim(
        "figure", what=one("P_centre"), column='"area_km2"', expected=expected, unit='"km2"'
    )
    found = judged(tmp_path, road, text, places=places(P_centre=20.3))
    assert found["observed"] == 20.3
    assert found["verdict"] == verdict
    assert found["tolerance"] == last_digit(expected) / 2


def test_a_sum_and_a_share_of_it(tmp_path, road):
    total = claim(
        "figure", what=ALL, column='"area_km2"', statistic='"sum"', expected=60, unit='"km2"'
    )
    assert judged(tmp_path, road, total, places=places())["verdict"] == "holds"
    share = claim(
        "figure", what=one("P_west"), of=ALL, column='"area_km2"', statistic='"share"',
        expected=50, unit='"%"',
    )  # fmt: skip
    found = judged(tmp_path, road, share, places=places())
    assert (found["verdict"], found["observed"]) == ("holds", 50.0)


def test_nothing_is_a_share_of_nothing(tmp_path, road):
    share = claim(
        "figure", what=one("P_west"), of=ALL, column='"area_km2"', statistic='"share"',
        expected=50, unit='"%"',
    )  # fmt: skip
    found = judged(tmp_path, road, share, places=places(P_west=0, P_centre=0, P_east=0))
    assert (found["verdict"], found["observed"]) == ("undecided", None)
    assert "of which nothing is a share" in found["notes"][0]


def test_a_figure_on_the_edge_of_its_tolerance_holds(tmp_path, road):
    text = claim("figure", what=one("P_west"), column='"area_km2"', expected=12.4, unit='"km2"')
    assert judged(tmp_path, road, text, places=places(P_west=12.35))["verdict"] == "holds"


def test_a_missing_figure_leaves_the_claim_undecided_and_is_named(tmp_path, road):
    text = claim(
        "figure", what=ALL, column='"area_km2"', statistic='"sum"', expected=60, unit='"km2"'
    )
    found = judged(tmp_path, road, text, places=places(P_west=None))
    assert (found["verdict"], found["observed"]) == ("undecided", None)
    assert found["notes"] == ["No figure in 'area_km2' for P_west."]
    assert sentence(found) == found["notes"][0]


@pytest.mark.parametrize(
    ("what", "said"), [(ALL, "needs one row .* found 3"), (one("none"), "needs one row .* found 0")]
)
def test_a_value_is_that_of_exactly_one_row(tmp_path, road, what, said):
    text = claim("figure", what=what, column='"area_km2"', expected=1, unit='"km2"')
    with pytest.raises(ClaimError, match=said):
        judged(tmp_path, road, text, places=places())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"statistic": '"share"'}, "a share needs"),
        ({"statistic": '"sum"', "of": ALL}, "a share needs"),
        ({"statistic": '"median"'}, "'value', 'sum' or 'share'"),
        ({"column": "3"}, "found 3"),
    ],
)
def test_a_wrong_figure_claim_is_refused_with_its_line(tmp_path, lines, said):
    given = {"what": ALL, "column": '"area_km2"', "expected": 1, "unit": '"km2"'} | lines
    with pytest.raises(RegionError, match=rf"region.toml line \d+: claims.0.*{said}"):
        make_region(tmp_path, claims=claim("figure", **given))


@pytest.mark.parametrize(
    ("number", "digit"), [(4.3, 0.1), (0.07, 0.01), (3218, 1), (11300, 1), (90, 1)]
)
def test_the_last_digit_is_the_last_that_is_stated(number, digit):
    assert last_digit(number) == pytest.approx(digit)


def test_an_outline_that_is_no_border_is_not_measured(tmp_path, road):
    region = make_region(
        tmp_path,
        claims=claim("area", what=ALL, expected=3, tolerance=0.1, measure='"outline"'),
    )
    frame = tb.read_layer(region, "complexes").reset_index(drop=True)
    square = frame.set_geometry(frame.buffer(500, cap_style="square"))
    square.assign(outline="landuse").to_parquet(tmp_path / "complexes.parquet")
    assert tb.check_claims(region, road).claims[0]["verdict"] == "holds"
    square.assign(outline=["landuse", "disc", "landuse"]).to_parquet(tmp_path / "complexes.parquet")
    with pytest.raises(ClaimError, match="of P_centre no border is known"):
        tb.check_claims(region, road)


# --- what nothing decides ------------------------------------------------------------------------


def test_what_no_layer_can_decide_says_why(tmp_path, road):
    found = judged(tmp_path, road, claim("undecidable", reason='"No layer holds firms."'))
    assert found["verdict"] == "undecided"
    assert found["notes"] == ["No layer holds firms."]
    assert "observed" not in found
    verdicts = tb.check_claims(
        make_region(tmp_path, claims=claim("undecidable", reason='"None."')), road
    )
    assert pd.isna(verdicts.table().loc[0, "observed"])


def test_a_note_of_the_claim_stands_behind_what_was_found(tmp_path, road):
    text = claim("count", what=ALL, expected=3, unit='"x"', note='"By hand."')
    assert judged(tmp_path, road, text)["notes"] == ["By hand."]


# --- proximity -----------------------------------------------------------------------------------


def with_interchanges(tmp_path, *, claims, at=(0, 30_000), y=0, confidence="high", **options):
    """Add interchanges at some metres along the road, `y` north of it; the corridor is route 1."""
    region = make_region(
        tmp_path,
        claims=claims,
        edit=(
            'land = { file = "land.parquet" }',
            'land = { file = "land.parquet" }\ninterchanges = { file = "interchanges.parquet" }',
        ),
        **options,
    )
    rows = [
        {"id": f"I{i}", "name": f"I{i}", "kind": "IC", "line": "l", "route_no": "1", "order": i}
        | {"source": "s", "licence": "l", "confidence": "high"}
        for i in range(len(at))
    ]
    xy = [(CORNER[0] + x, CORNER[1] + y) for x in at]
    gpd.GeoDataFrame(rows, geometry=shapely.points(xy), crs=CRS).to_parquet(
        tmp_path / "interchanges.parquet"
    )
    frame = tb.read_layer(region, "complexes").reset_index(drop=True)
    frame.assign(confidence=confidence).to_parquet(tmp_path / "complexes.parquet")
    return region


@pytest.fixture
def motorway(draw):
    """A street past all places, and 1 km south of it the corridor, with ramps at 0 and 30 km."""
    return with_motorway(draw, south=1_000)


def with_motorway(draw, *, south, island=None, **said):
    nodes = {"a": (-10_000, 0), "p0": (0, 0), "p30": (30_000, 0), "b": (70_000, 0)}
    nodes |= {f"q{at}": (at * 1000, -south) for at in (-5, 0, 30, 35)}
    on = {"class": "motorway", "ref": "1"}
    roads = [("a", "p0"), ("p0", "p30"), ("p30", "b")]
    roads += [("q-5", "q0", on), ("q0", "q30", on), ("q30", "q35", on)]
    roads += [(f"p{at}", f"q{at}", {"class": "motorway_link"}) for at in (0, 30)]
    if island:
        nodes |= {"c": (59_000, island), "d": (61_000, island)}
        roads.append(("c", "d"))
    return draw(nodes, roads, **said)


def near(**lines):
    return claim("proximity", **({"members": ALL, "profile": '"plain"'} | lines))


@pytest.mark.parametrize(
    ("km", "verdict", "observed"),
    # from P_east at 60 km to the interchange at 30 km; the others stand on one
    [
        (30.2, "holds", 100.0),
        (30.05, "undecided", 100.0),
        (29.95, "undecided", 66.7),
        (29.8, "fails", 66.7),
    ],
)
def test_a_distance_decides_only_beyond_the_error_of_positions(
    tmp_path, motorway, km, verdict, observed
):
    region = with_interchanges(tmp_path, claims=near(within_km=km))
    (found,) = tb.check_claims(region, motorway).claims
    assert (found["verdict"], found["observed"]) == (verdict, observed)


def test_a_place_of_low_confidence_may_be_two_kilometres_off(tmp_path, motorway):
    region = with_interchanges(tmp_path, claims=near(within_km=31), confidence="low")
    (found,) = tb.check_claims(region, motorway).claims
    assert found["verdict"] == "undecided"
    assert found["observed_range"] == [66.7, 100.0]


def test_the_places_that_lie_farther_are_named(tmp_path, motorway):
    region = with_interchanges(tmp_path, claims=near(within_km=20))
    (found,) = tb.check_claims(region, motorway).claims
    assert found["counterexamples"] == ["name of P_east: 30.0 km"]
    assert found["notes"][0] == "1 of 3 places lies farther."


def test_a_share_may_be_enough(tmp_path, motorway):
    region = with_interchanges(tmp_path, claims=near(within_km=20, share_min=0.6))
    assert tb.check_claims(region, motorway).claims[0]["verdict"] == "holds"


def test_a_confidence_that_nobody_knows_counts_as_low(tmp_path, motorway):
    region = with_interchanges(tmp_path, claims=near(within_km=31), confidence="guessed")
    (found,) = tb.check_claims(region, motorway).claims
    assert (found["verdict"], found["observed_range"]) == ("undecided", [66.7, 100.0])


@pytest.mark.parametrize(
    ("minutes", "confidence", "verdict"),
    # 30 km of street and 1 km of ramp at 36 km/h are 51.67 minutes; a position of high confidence
    # is worth a sixth of a minute, one of low 3.3
    [
        (51.7, "low", "holds"),
        (51.6, "high", "undecided"),
        (51.4, "high", "fails"),
        (51.4, "low", "undecided"),
        (48.4, "low", "undecided"),
        (48.2, "low", "fails"),
    ],
)
def test_minutes_are_those_of_the_road_to_the_corridor(
    tmp_path, motorway, minutes, confidence, verdict
):
    region = with_interchanges(
        tmp_path, claims=near(within_min=minutes), y=-1_000, confidence=confidence
    )
    (found,) = tb.check_claims(region, motorway).claims
    assert found["verdict"] == verdict
    assert found["unit"] == f"% of places within {minutes:g} min"
    assert found["not_tied"] == []


def test_nobody_parks_on_the_corridor(tmp_path, motorway):
    # a minute from the door to the road counts, an hour from the road to the other door does not
    region = with_interchanges(tmp_path, claims=near(within_min=52.8), y=-1_000)
    text = (tmp_path / "region.toml").read_text(encoding="utf-8")
    for key, seconds in {"access": 60, "parking": 1800, "egress": 1800}.items():
        text = text.replace(f"{key} = {{ value = 0.0, low = 0.0, high = 0.0", f"{key} = {{ value = {seconds}, low = {seconds}, high = {seconds}")  # fmt: skip
    (tmp_path / "region.toml").write_text(text, encoding="utf-8")
    region = tb.load_region(tmp_path)
    assert tb.check_claims(region, motorway).claims[0]["verdict"] == "holds"  # 51.67 and 1
    nearer = region.claims[0].model_copy(update={"within_min": 52.4})
    region = region.model_copy(update={"claims": [nearer]})
    assert tb.check_claims(region, motorway).claims[0]["verdict"] == "fails"


def test_an_interchange_needs_no_street_near(tmp_path, draw):
    deep = with_motorway(draw, south=5_000)  # no street within 2 km of an interchange
    region = with_interchanges(tmp_path, claims=near(within_min=60), y=-5_000)
    (found,) = tb.check_claims(region, deep).claims
    assert (found["verdict"], found["observed"]) == ("holds", 100.0)


def test_a_ramp_that_joins_behind_the_interchange_is_no_detour(tmp_path, draw):
    nodes = {"a": (-10_000, 0), "b": (70_000, 0), "p": (0, 0)}
    nodes |= {f"q{x}": (x, -1_000) for x in (-9_000, -600, 600, 69_000)}
    east = {"class": "motorway", "ref": "1", "oneway": True}
    ramp = {"class": "motorway_link", "oneway": True}
    roads = [("a", "p"), ("p", "b"), ("a", "q-9000", ramp), ("q-9000", "q-600", east)]
    roads += [("q-600", "q600", east), ("q600", "q69000", east), ("q69000", "b", ramp)]
    roads += [("q-600", "p", ramp), ("p", "q600", ramp)]
    claims = near(within_min=2, members=one("P_west"))
    region = with_interchanges(tmp_path, claims=claims, at=(0,), y=-1_000)
    (found,) = tb.check_claims(region, draw(nodes, roads)).claims
    assert found["verdict"] == "holds"  # 1.17 km of ramp; by the exit before it would be 20 km


def test_interchanges_off_the_corridor_are_left_out_and_named(tmp_path, motorway):
    region = with_interchanges(tmp_path, claims=near(within_min=55), at=(0, 30_000, 60_000), y=-900)
    (found,) = tb.check_claims(region, motorway).claims
    assert found["verdict"] == "holds"
    assert "Left out, no corridor within 1500 m: interchanges I2." in found["notes"]
    lost = with_interchanges(tmp_path, claims=near(within_min=55), at=(60_000,))
    with pytest.raises(
        ClaimError, match=r"claim 'c': no interchange lies within 1500 m of the cor"
    ):
        tb.check_claims(lost, motorway)


def test_a_place_without_a_road_is_left_out_and_does_not_count_as_beyond(tmp_path, motorway):
    at_sea = {"P_east": ("complexes", "x", "east", 60_000, -40_000)}
    region = with_interchanges(tmp_path, claims=near(within_min=40), places=PLACES | at_sea)
    (found,) = tb.check_claims(region, motorway).claims
    assert (found["verdict"], found["observed"]) == ("holds", 100.0)
    assert found["not_tied"] == ["P_east"]
    assert found["counterexamples"] == []
    assert "Left out, no road near: P_east." in found["notes"]


def test_places_without_any_road_make_no_claim(tmp_path, motorway):
    at_sea = {key: (*said[:4], -40_000) for key, said in PLACES.items()}
    region = with_interchanges(tmp_path, claims=near(within_min=40), places=at_sea)
    with pytest.raises(ClaimError, match=r"claim 'c': no place has a road near. Correct their"):
        tb.check_claims(region, motorway)


def test_a_place_without_a_way_is_beyond(tmp_path, draw):
    network = with_motorway(draw, south=1_000, island=5_000)
    places = PLACES | {"P_east": ("complexes", "x", "east", 60_000, 5_000)}
    region = with_interchanges(tmp_path, claims=near(within_min=40), places=places)
    (found,) = tb.check_claims(region, network).claims
    assert (found["verdict"], found["not_tied"]) == ("fails", [])
    assert found["counterexamples"] == ["name of P_east: no way"]


def test_the_interchanges_that_were_meant_are_told(tmp_path, draw):
    region = with_interchanges(tmp_path, claims=near(within_km=31))
    for date, said in (("", "of no date"), ("2021-08", "as of 2021-08-31")):
        network = with_motorway(draw, south=1_000, date=date)
        (found,) = tb.check_claims(region, network).claims
        assert found["notes"] == [f"Interchanges of route 1 {said}."]


def test_minutes_within_the_stated_ranges_stay_undecided(tmp_path, motorway):
    region = with_interchanges(tmp_path, claims=near(within_min=52), kph=(30.0, 36.0, 40.0))
    assert tb.check_claims(region, motorway).claims[0]["verdict"] == "undecided"


@pytest.mark.parametrize("lines", [{}, {"within_km": 1, "within_min": 1}])
def test_a_proximity_claim_has_one_limit(tmp_path, lines):
    with pytest.raises(RegionError, match="needs either within_km or within_min"):
        make_region(tmp_path, claims=near(**lines))


def test_a_proximity_claim_without_interchanges_says_so(tmp_path, road):
    with pytest.raises(ClaimError, match="the corridor has no interchange"):
        judged(tmp_path, road, near(within_km=1))


# --- the built-in region -------------------------------------------------------------------------


def test_every_interchange_of_the_highway_is_tied_and_those_of_1999_are_told():
    region = tb.load_region()
    claim = next(claim for claim in region.claims if claim.id == "on-the-highway")
    by_road = claim.model_copy(update={"within_km": None, "within_min": 30.0})
    network = tb.load_network(region).to_crs(region.crs).as_of("1999")
    found = proximity_verdict(region, network, by_road, as_of="1999")
    assert "Interchanges of routes 10, 102, 104 as of 1999-12-31." in found["notes"]
    assert not any("interchanges" in note for note in found["notes"])


def test_the_paper_s_claims_are_judged_by_its_own_tables():
    region = tb.load_region()
    done = tb.check_claims(region, tb.load_network(region))
    verdicts = done.table().set_index("claim")["verdict"]
    assert verdicts["production-share"] == "holds"
    assert verdicts["firms-share"] == "fails"  # it is the share of workers
    assert verdicts[["table-1-firms-add-up", "table-1-output-add-up"]].eq("holds").all()
    assert verdicts["producer-services"] == "holds"
    assert verdicts["aerospace-1990"] == "fails"
    assert verdicts["on-the-highway"] == "fails"
    highway = next(c for c in done.claims if c["id"] == "on-the-highway")
    assert "Interchanges of route 10 as of 2021-08-31." in highway["notes"]
    undecidable = [c.id for c in region.claims if c.kind == "undecidable"]
    assert (verdicts[undecidable] == "undecided").all()
    assert len(region.claims) == 35
