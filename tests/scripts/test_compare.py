"""The arithmetic of bench/compare.py: medians, spreads and verdicts of rounds."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import compare  # noqa: E402
from rows import Limit, Row  # noqa: E402


def rounds_of(*values, fdatasync_ms=0.5):
    return [{"fdatasync_ms": fdatasync_ms, "x": {"local": figures(value), "nchan": figures(10)}} for value in values]


def figures(value):
    return {"value": value, "lost": 0, "repeated": 0, "disordered": 0, "refused": 0, "unserved": 0, "failure": ""}


def row_with(limit):
    return Row("x", "x", [], ("local", "nchan"), [("value", lambda seen: seen["value"])], [limit])


def verdict(limit, rounds):
    return compare.judge(limit, rounds, row_with(limit), "local").rpartition(", ")[2]


def at_most(bound):
    return Limit("", bound, lambda round_, server: round_[server]["value"])


@pytest.mark.parametrize("values, bound, expected", [
    ([4, 4, 4, 4], 4, "met"),
    ([5, 5, 5, 5], 4, "**missed**"),
    ([3, 4, 5, 6, 7], 4.5, "met within the spread"),
])
def test_a_limit_is_met_within_the_spread_of_the_rounds(values, bound, expected):
    assert verdict(at_most(bound), rounds_of(*values)) == expected


def test_a_ratio_is_taken_within_each_round():
    limit = Limit("", 2, lambda round_, server: round_[server]["value"] / round_["nchan"]["value"], least=True)
    assert verdict(limit, rounds_of(20, 21, 22, 20)) == "met"
    assert verdict(limit, rounds_of(10, 11, 12, 10)) == "**missed**"


def test_a_bound_may_depend_on_the_round():
    limit = Limit("", lambda round_: 2 * round_["fdatasync_ms"], lambda round_, server: round_[server]["value"])
    assert verdict(limit, rounds_of(1, 1, fdatasync_ms=0.5)) == "met"
    assert verdict(limit, rounds_of(1, 1, fdatasync_ms=0.4)) == "**missed**"


def test_rounds_that_lack_a_server_are_left_out():
    rounds = rounds_of(4, 4)
    del rounds[0]["x"]["local"]
    assert verdict(at_most(4), rounds) == "met"
    assert compare.faults(rounds, row_with(at_most(4)), "local") == ["not measured"]


def test_what_was_lost_is_told():
    rounds = rounds_of(4)
    rounds[0]["x"]["local"]["lost"] = 1
    assert "lost" in compare.cell(rounds, row_with(at_most(4)), "local")


@pytest.mark.parametrize("value, text", [(None, "–"), (0.5, "0.50"), (42.25, "42.2"), (1234, "1,234"),
                                         (56789, "57 k"), (1234567, "1.23 M")])
def test_numbers_are_short(value, text):
    assert compare.number(value) == text
