"""The table of columns: names, in their order, and the constants that kernels write by."""

from __future__ import annotations

from townlet.observation import columns as table


def names(columns: tuple[table.Column, ...]) -> list[str]:
    return [column.name for column in columns]


def test_a_constant_is_the_place_of_the_column_of_its_name() -> None:
    for columns in (table.ALWAYS, table.STATUS):
        for place, column in enumerate(columns):
            assert getattr(table, column.name.upper()) == place, column.name


def test_targets_are_the_way_to_four_types() -> None:
    found = names(table.target_columns())
    assert found[:4] == ["fridge_dx", "fridge_dy", "fridge_dist", "stove_dx"]
    assert found[-1] == "shower_dist" and len(found) == 12


def test_a_slot_of_the_snippet_is_identity_then_three_ties() -> None:
    columns = table.social_columns(friends=1, rivals=1, embed_dim=2)
    assert names(columns) == [f"social_slot{slot}_d{d}" for slot in (0, 1) for d in range(5)]
    assert [column.meaning.split(";")[0] for column in columns[1:7]] == [
        "hashed identity of friend 1", "trust toward friend 1", "familiarity toward friend 1",
        "rivalry toward friend 1", "hashed identity of rival 1", "hashed identity of rival 1",
    ]  # fmt: skip
    assert [column.unit for column in columns[2:5]] == ["-1..1", "-1..1", "0..1"]


def test_near_has_a_column_for_each_stock_that_the_type_keeps() -> None:
    assert names(table.near_columns("lamp", [])) == [
        f"near_lamp_{part}" for part in ("step_x", "step_y", "distance", "free")
    ]
    with_stock = names(table.near_columns("stove", [1]))
    assert with_stock[3:] == ["near_stove_raw_ingredients", "near_stove_free"]


def test_affordances_have_a_column_each() -> None:
    assert names(table.doing_columns(["wash", "eat"])) == ["doing_wash", "doing_eat"]


def test_counts_have_the_names_of_the_ratios() -> None:
    """Whether they are normalised changes their unit, and not what they are called."""
    assert names(table.NEARBY) == names(table.NEARBY_COUNTS)
    assert all(one.unit != other.unit for one, other in zip(table.NEARBY, table.NEARBY_COUNTS, strict=True))
