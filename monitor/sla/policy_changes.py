"""What differs between two policies, line by line, in words for people."""

from typing import Final, NamedTuple

_RULE: Final = "- "


class PolicyChange(NamedTuple):
    """That a partition has taken another policy."""

    number: int
    """Counted from 1, for each partition."""
    at: int
    """The partition's clock: by then all was told under the former policy."""
    before: str
    """The former policy's file, as `dump_policy` writes it."""
    after: str


def policy_changes(before: str, after: str) -> list[str]:
    """Return a line for each thing that differs between two files as `dump_policy` writes them."""
    old, new = _entries(before), _entries(after)
    changes = []
    for name in [*old, *(name for name in new if name not in old)]:
        was, now = old.get(name), new.get(name)
        if was != now:
            changes.append(_change(name, was, now))
    return changes


def _change(name: str, was: str | None, now: str | None) -> str:
    if was is None:
        return f"{name}: new, {now}" if now else f"new {name}"
    if now is None:
        return f"{name}: removed, was {was}" if was else f"removed {name}"
    return f"{name}: {was} -> {now}"


def _entries(text: str) -> dict[str, str]:
    """Return what a file says, by name: a channel, a calendar, a rule, or a key of its own."""
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        content = line.strip()
        if content.startswith(_RULE):
            found[f"rule {content.removeprefix(_RULE)}"] = ""
            continue
        name, _, value = content.partition(": ")
        if line.startswith(" "):
            found[name if section == "channels" else f"{section} {name}"] = value
        elif value:
            found[name] = value
        else:
            section = content.rstrip(":")
    return found
