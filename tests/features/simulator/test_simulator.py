"""A simulated world has the shares it was asked for, by doctrine, and keeps its truth apart."""

import dataclasses

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_of
from minerisk.features.simulator.land import (
    describe_land,
    displace_front,
    distance_to_points,
    fractal_terrain,
    made_up_land,
)
from minerisk.features.simulator.laying import LINE_ZONE_M, PHASES, simulate_laying
from minerisk.features.simulator.survey import simulate_survey, systematic_sample

BANDS = [band for phase in PHASES for band in phase.bands]


@pytest.fixture(scope="module")
def land():
    return made_up_land((160, 200), rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def laying(land):
    return simulate_laying(land, rng=np.random.default_rng(2), prevalence=0.03, away_share=0.4)


@pytest.fixture(scope="module")
def survey(laying):
    return simulate_survey(
        laying,
        rng=np.random.default_rng(3),
        surveyed_share=0.4,
        detection=0.8,
        false_suspicion=0.5,
    )


def cells_of(frame, land):
    points = shapely.get_coordinates(frame.geometry.values)
    return cell_of(land.geobox, points[:, 0], points[:, 1])


class TestLand:
    def test_fractal_terrain_spans_its_relief(self):
        height = fractal_terrain((64, 50), rng=np.random.default_rng(0), relief_m=800.0)
        assert height.shape == (64, 50)
        assert height.min() == 0.0
        assert height.max() == pytest.approx(800.0)

    def test_fractal_terrain_is_smooth_over_one_cell(self):
        height = fractal_terrain((128, 128), rng=np.random.default_rng(0))
        step = np.abs(np.diff(height, axis=0)).mean()
        assert step < 0.1 * height.std()

    def test_held_land_has_negative_distance_west_of_the_line(self, land):
        assert (land.front_m[:, :40] < 0).all()
        assert (land.front_m[:, -40:] > 0).all()

    def test_distance_is_measured_from_cell_centres(self, land):
        west, north = land.geobox.transform.c, land.geobox.transform.f
        point = np.array([[west + 125.0, north - 125.0]])
        distance = distance_to_points(land.geobox, point)
        assert distance[0, 0] == 0.0
        assert distance[3, 4] == pytest.approx(1_250.0)
        assert distance[-1, -1] == 30_000.0

    def test_no_points_are_at_the_cap(self, land):
        assert (distance_to_points(land.geobox, np.empty((0, 2)), cap_m=5_000.0) == 5_000.0).all()

    def test_front_moves_by_the_stated_median(self, land):
        moved = displace_front(land, rng=np.random.default_rng(4), median_m=2_000.0)
        shift = np.abs(moved.front_m - land.front_m)[np.abs(land.front_m) < 3_000.0]
        assert np.median(shift) == pytest.approx(2_000.0, rel=0.35)

    def test_no_error_leaves_the_front_where_it_is(self, land):
        assert displace_front(land, rng=np.random.default_rng(4), median_m=0.0) is land

    def test_vectors_in_other_crs_give_the_same_land(self, land):
        crs = str(land.geobox.crs)
        box = land.geobox.boundingbox
        middle = (box.left + box.right) / 2
        line = shapely.LineString([(middle, box.bottom), (middle, box.top)])
        vectors = {
            "front_line": gpd.GeoDataFrame(geometry=[line], crs=crs),
            "held_area": gpd.GeoDataFrame(
                geometry=[shapely.box(box.left, box.bottom, middle, box.top)], crs=crs
            ),
            "settlements": gpd.GeoDataFrame(
                geometry=gpd.points_from_xy(*land.settlements.T), crs=crs
            ),
        }
        made = describe_land(land.geobox, land.inside, land.elevation_m, vectors=vectors)
        # 200 columns of 250 m, the line at 25 km: cell centres are 125 m, 375 m, ... from it.
        np.testing.assert_allclose(made.front_m[80, 98:102], [-375, -125, 125, 375], atol=4)
        degrees = {name: frame.to_crs("EPSG:4326") for name, frame in vectors.items()}
        again = describe_land(land.geobox, land.inside, land.elevation_m, vectors=degrees)
        np.testing.assert_allclose(again.settlement_m, made.settlement_m, atol=0.01)

    def test_missing_layer_is_named(self, land):
        with pytest.raises(InputError, match="held_area"):
            describe_land(land.geobox, land.inside, land.elevation_m, vectors={})

    def test_cells_without_elevation_are_outside(self, land):
        frame = gpd.GeoDataFrame(
            geometry=gpd.points_from_xy(*land.settlements.T), crs=str(land.geobox.crs)
        )
        line = gpd.GeoDataFrame(
            geometry=[shapely.LineString(land.settlements[:2])], crs=str(land.geobox.crs)
        )
        area = gpd.GeoDataFrame(geometry=line.buffer(100.0), crs=str(land.geobox.crs))
        elevation = land.elevation_m.copy()
        elevation[:5] = np.nan
        vectors = {"front_line": line, "held_area": area, "settlements": frame}
        made = describe_land(land.geobox, land.inside, elevation, vectors=vectors)
        assert not made.inside[:5].any()
        assert np.isfinite(made.slope_deg).all()


class TestLaying:
    def test_prevalence_is_met_to_one_cell(self, laying):
        assert laying.contaminated.sum() == round(0.03 * 160 * 200)

    def test_away_share_is_met_to_one_cell(self, laying):
        far = np.abs(laying.land.front_m[laying.contaminated]) > LINE_ZONE_M
        assert far.sum() == round(0.4 * laying.contaminated.sum())

    def test_counts_add_up_to_the_mines(self, laying):
        assert laying.counts.sum() == laying.mines["count"].sum()
        assert set(laying.mines["cell"]) == set(np.flatnonzero(laying.contaminated))

    def test_classes_are_laid_about_as_they_are_found(self, laying):
        # 30,753 AP, 18,531 AT, 60,268 UXO were found to 2023-11: 28, 17 and 55 %.
        share = laying.counts.sum(axis=(1, 2)) / laying.counts.sum()
        np.testing.assert_allclose(share, [0.28, 0.17, 0.55], atol=0.15)

    def test_belts_lie_in_the_stated_depths_in_front_of_their_position(self, laying):
        belts = laying.mines[laying.mines["kind"] == "belt"]
        post = laying.positions.iloc[belts["position"].to_numpy(dtype=int)].reset_index(drop=True)
        ahead = (belts["easting"].to_numpy() - post["easting"]) * post["facing_easting"] + (
            belts["northing"].to_numpy() - post["northing"]
        ) * post["facing_northing"]
        np.testing.assert_allclose(ahead, belts["depth_m"], atol=1e-6)
        in_band = [(ahead >= low - 1e-6) & (ahead <= high + 1e-6) for low, high, _ in BANDS]
        assert np.any(in_band, axis=0).all()

    def test_positions_face_the_opposing_side(self, laying):
        facing = laying.positions["facing_easting"]
        assert np.hypot(facing, laying.positions["facing_northing"]).to_numpy() == pytest.approx(1)
        # The held land lies west.
        assert (facing > 0).mean() > 0.9

    def test_deeper_belts_lie_nearer_the_opposing_side_than_their_position(self, laying):
        belts = laying.mines[(laying.mines["kind"] == "belt") & (laying.mines["depth_m"] > 300)]
        post = laying.positions.iloc[belts["position"].to_numpy(dtype=int)]
        land = laying.land
        behind = land.front_m[
            cell_of(land.geobox, post["easting"].to_numpy(), post["northing"].to_numpy())
        ]
        before = laying.land.front_m.ravel()[belts["cell"].to_numpy(dtype=int)]
        assert (before > behind).mean() > 0.97

    def test_positions_stand_on_higher_ground_at_the_setback_of_their_phase(self, laying):
        land = laying.land
        for phase in PHASES:
            own = laying.positions[laying.positions["phase"] == phase.name]
            points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(own.easting, own.northing))
            row, column = cells_of(points, land)
            low, high = phase.setback_m
            behind = -land.front_m
            assert ((behind[row, column] >= low) & (behind[row, column] <= high)).all()
            zone = (behind >= low) & (behind <= high)
            assert land.relative_m[row, column].mean() > land.relative_m[zone].mean()

    def test_positions_of_a_phase_keep_their_distance(self, laying):
        for _, own in laying.positions.groupby("phase"):
            points = own[["easting", "northing"]].to_numpy()
            gap = np.linalg.norm(points[:, None] - points[None], axis=2)
            assert gap[~np.eye(len(points), dtype=bool)].min() >= 900.0

    def test_ways_carry_mostly_anti_tank_mines(self, laying):
        ways = laying.mines[laying.mines["kind"] == "way"]
        assert (ways["hazard"] == "at").mean() > 0.6

    def test_same_seed_same_world_other_seed_other_world(self, land, laying):
        same = simulate_laying(land, rng=np.random.default_rng(2), prevalence=0.03, away_share=0.4)
        assert same.mines.equals(laying.mines)
        np.testing.assert_array_equal(same.counts, laying.counts)
        other = simulate_laying(land, rng=np.random.default_rng(5), prevalence=0.03, away_share=0.4)
        assert not np.array_equal(other.contaminated, laying.contaminated)

    def test_land_given_is_not_changed(self):
        land = made_up_land((60, 80), rng=np.random.default_rng(1), resolution_m=500.0)
        before = {
            field.name: np.copy(getattr(land, field.name))
            for field in dataclasses.fields(land)
            if field.name != "geobox"
        }
        simulate_laying(land, rng=np.random.default_rng(0), line_error_m=1_000.0)
        for name, value in before.items():
            np.testing.assert_array_equal(getattr(land, name), value)

    def test_more_than_fits_is_refused(self, land):
        with pytest.raises(InputError, match="contaminated cells"):
            simulate_laying(land, rng=np.random.default_rng(0), prevalence=0.9, away_share=0.0)

    @settings(max_examples=8, deadline=None)
    @given(st.floats(0.005, 0.06), st.floats(0.05, 0.9), st.integers(0, 2**31), st.floats(0, 3_000))
    def test_shares_are_met_whatever_is_asked(self, prevalence, away, seed, error):
        land = made_up_land((60, 80), rng=np.random.default_rng(1), resolution_m=500.0)
        made = simulate_laying(
            land,
            rng=np.random.default_rng(seed),
            prevalence=prevalence,
            away_share=away,
            line_error_m=error,
        )
        total = round(prevalence * 60 * 80)
        assert made.contaminated.sum() == total
        far = np.abs(made.land.front_m[made.contaminated]) > LINE_ZONE_M
        assert far.sum() == round(away * total)


class TestSystematicSample:
    def test_number_drawn_is_the_sum_of_the_chances_to_one(self):
        chance = np.random.default_rng(0).uniform(0, 1, 101)
        for seed in range(50):
            drawn = systematic_sample(chance, rng=np.random.default_rng(seed)).sum()
            assert abs(drawn - chance.sum()) < 1

    def test_each_unit_is_drawn_with_its_chance(self):
        chance = np.array([0.1, 0.25, 0.5, 0.9, 0.05, 0.7])
        rng = np.random.default_rng(0)
        share = np.mean([systematic_sample(chance, rng=rng) for _ in range(4_000)], axis=0)
        np.testing.assert_allclose(share, chance, atol=4 * np.sqrt(0.25 / 4_000))


class TestSurvey:
    def test_surveyed_share_is_met_on_average_exactly_and_each_time_nearly(self, survey):
        assert survey.surveyed.mean() == pytest.approx(0.4, abs=0.04)
        assert np.nanmean(survey.propensity) == pytest.approx(0.4, abs=1e-6)

    def test_finds_lie_in_surveyed_land_that_holds_something(self, survey, laying):
        row, column = cells_of(survey.finds, laying.land)
        assert survey.surveyed[row, column].all()
        assert laying.contaminated[row, column].all()

    def test_detection_is_the_share_of_cells_found(self, survey, laying):
        row, column = cells_of(survey.finds, laying.land)
        found = len(set(zip(row, column, strict=True)))
        there = int((laying.contaminated & survey.surveyed).sum())
        assert found / there == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / there))

    def test_finds_name_what_lies_there_and_no_more_than_that(self, survey, laying):
        row, column = cells_of(survey.finds, laying.land)
        code = survey.finds["hazard"].map({"ap": 0, "at": 1, "uxo": 2}).to_numpy()
        assert (survey.finds["number"] <= laying.counts[code, row, column]).all()

    def test_accidents_happen_where_something_lies(self, survey, laying):
        row, column = cells_of(survey.accidents, laying.land)
        assert laying.contaminated[row, column].all()

    def test_accidents_happen_nearer_to_places_than_contamination_lies(self, survey, laying):
        row, column = cells_of(survey.accidents, laying.land)
        there = laying.land.settlement_m[laying.contaminated]
        assert laying.land.settlement_m[row, column].mean() < there.mean()

    def test_land_near_places_is_surveyed_first(self, survey, land):
        near = land.settlement_m < 1_500.0
        assert survey.propensity[near].mean() > survey.propensity[~near].mean() + 0.1

    def test_surveyed_areas_are_the_surveyed_cells(self, survey, land):
        assert survey.surveyed_areas.is_valid.all()
        area = survey.surveyed_areas.area.sum()
        assert area == pytest.approx(survey.surveyed.sum() * 250.0**2)

    def test_one_suspect_area_in_three_holds_nothing_at_a_false_share_of_one_half(
        self, survey, laying
    ):
        mines = shapely.points(laying.mines[["easting", "northing"]].to_numpy())
        areas = [*survey.suspect_areas.geometry, *survey.cleared.geometry]
        hit = {int(i) for i in shapely.STRtree(areas).query(mines, predicate="intersects")[1]}
        true = len(hit)
        assert len(areas) - true == round(0.5 * true)
        assert all(i in hit for i in range(len(survey.suspect_areas), len(areas)))

    def test_no_false_suspicion_when_none_is_asked(self, laying):
        made = simulate_survey(laying, rng=np.random.default_rng(3), false_suspicion=0.0)
        mines = shapely.points(laying.mines[["easting", "northing"]].to_numpy())
        areas = made.suspect_areas.geometry.to_numpy()
        hit = set(shapely.STRtree(areas).query(mines, predicate="intersects")[1])
        assert len(hit) == len(areas)

    def test_nothing_written_by_the_survey_tells_the_truth(self, survey):
        allowed = {"hazard", "date", "evidence", "number", "method", "geometry"}
        for frame in (
            survey.finds,
            survey.accidents,
            survey.suspect_areas,
            survey.cleared,
            survey.surveyed_areas,
        ):
            assert set(frame.columns) <= allowed
            assert frame["date"].between("2020-12-01", "2025-01-01").all()

    def test_full_detection_finds_every_surveyed_cell(self, laying):
        made = simulate_survey(laying, rng=np.random.default_rng(3), detection=1.0)
        row, column = cells_of(made.finds, laying.land)
        found = np.zeros_like(made.surveyed)
        found[row, column] = True
        np.testing.assert_array_equal(found, laying.contaminated & made.surveyed)

    def test_same_seed_same_survey_other_seed_other(self, laying, survey):
        again = simulate_survey(
            laying,
            rng=np.random.default_rng(3),
            surveyed_share=0.4,
            detection=0.8,
            false_suspicion=0.5,
        )
        assert again.finds.equals(survey.finds)
        assert again.suspect_areas.equals(survey.suspect_areas)
        other = simulate_survey(laying, rng=np.random.default_rng(9), surveyed_share=0.4)
        assert not np.array_equal(other.surveyed, survey.surveyed)

    def test_a_survey_without_finds_is_refused(self, laying):
        empty = dataclasses.replace(laying, contaminated=np.zeros_like(laying.contaminated))
        with pytest.raises(InputError, match="found nothing"):
            simulate_survey(empty, rng=np.random.default_rng(0))
