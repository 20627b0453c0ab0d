"""The Python packages this runs on, held against the versions it is made for."""

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from monitor.streaming.doctor.findings import Check

_OURSELVES = "sla-monitor"
_SHOWN = ("aiokafka", "faust-streaming")


def check_packages() -> Check:
    """Look at what is installed."""
    try:
        wanted = [Requirement(each) for each in requires(_OURSELVES) or ()]
    except PackageNotFoundError:
        return Check(
            "packages",
            "warn",
            "sla-monitor is not installed as a package, so its versions are not known",
            "install it: make install, or pip install .",
        )
    ours = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return judge_packages(ours, {each.name: _version(each.name) for each in ours})


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def judge_packages(wanted: Iterable[Requirement], installed: Mapping[str, str]) -> Check:
    """Say whether each package is there in a version that is wanted; empty stands for missing."""
    name, mend = "packages", "pip install --upgrade sla-monitor, in an environment of its own"
    for each in wanted:
        there = installed[each.name]
        if not there:
            return Check(name, "fail", f"{each.name} is not installed", mend)
        if not each.specifier.contains(there, prereleases=True):
            found = f"{each.name} {there} is installed, made for is {each.specifier}"
            return Check(name, "fail", found, mend)
    shown = ", ".join(f"{each} {installed[each]}" for each in _SHOWN if installed.get(each))
    return Check(name, "ok", f"Python {platform.python_version()}, {shown}")
