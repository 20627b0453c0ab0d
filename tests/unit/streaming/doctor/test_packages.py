"""Installed packages are held against the versions that are asked for."""

import pytest
from packaging.requirements import Requirement

from monitor.streaming.doctor.packages import check_packages, judge_packages

WANTED = [Requirement("aiokafka[lz4]>=0.12,<0.15"), Requirement("faust-streaming>=0.15.3,<0.16")]


@pytest.mark.parametrize(
    ("aiokafka", "state", "found"),
    [
        ("0.14.0", "ok", "aiokafka 0.14.0, faust-streaming 0.15.3"),
        ("0.11.0", "fail", "aiokafka 0.11.0 is installed, made for is <0.15,>=0.12"),
        ("0.15.0", "fail", "aiokafka 0.15.0 is installed"),
        ("", "fail", "aiokafka is not installed"),
    ],
)
def test_a_version_out_of_range_is_said(aiokafka, state, found):
    told = judge_packages(WANTED, {"aiokafka": aiokafka, "faust-streaming": "0.15.3"})
    assert told.state == state
    assert found in told.found
    assert bool(told.mend) == (state == "fail")


def test_what_the_tests_run_on_is_what_is_asked_for():
    assert check_packages().state == "ok"
