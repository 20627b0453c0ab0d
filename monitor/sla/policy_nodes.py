"""YAML text as places: values that know their line and their way, and collect what is wrong there.

The file is read as nodes, not as Python values: nodes have lines, and `no`, `1:30` or `007` stay
what was written instead of becoming false, 90 and 7.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final, TypeVar

import yaml

from monitor.sla.durations import quoted

T = TypeVar("T")
Problems = list[tuple[int, str]]
"""(line, sentence) of each mistake."""

_MOST_CHARACTERS: Final = 100_000
_DEEPEST: Final = 20
_LONGEST_STEP: Final = 64
_LONGEST_NAME: Final = 64
_LONGEST_COMPLAINT: Final = 200
_TAG: Final = "tag:yaml.org,2002:"

_WAYS_OUT: Final = (
    (r"'\t'", "write spaces: YAML takes no tabs here"),
    ("'%'", "write a percentage as 80%"),
    ("mapping values are not allowed", "indent with the lines above, one key: value on a line"),
    ("could not find expected ':'", "write key: value, with a colon and a space"),
    ("found another document", "keep one, with no line --- before another"),
    ("expected ',' or", "close each { with } and each [ with ], with commas between the parts"),
    ("end of stream", "close the quotes"),
    ("<block end>", "indent the keys of one mapping alike, and close no bracket twice"),
    ("alias", "write the values out instead of *name"),
    ("", "look at the indentation, the colons, the brackets and the quotes"),
)
"""A piece of PyYAML's complaint, and what to write instead; the first that fits."""


@dataclass(frozen=True, slots=True)
class Place:
    """One value of the file: its node, the keys that lead to it, and the line of the last."""

    node: yaml.Node
    path: str
    line: int
    problems: Problems

    def refuse(self, reason: str) -> None:
        """Note what is wrong here, and what to write instead."""
        self.problems.append(
            (self.line, f"{self.path}: {reason}" if self.path else f"the file {reason}")
        )

    def below(self, key: str, node: yaml.Node, line: int) -> "Place":
        """Return the place of a part of this one."""
        plain = key and key.isprintable() and key == key.strip() and len(key) <= _LONGEST_STEP
        step = key if plain else quoted(key)
        return Place(node, f"{self.path}.{step}" if self.path else step, line, self.problems)

    def with_value_of(self, key: str) -> "Place":
        """Return this place, with the 2m of a key `limit:2m` that was to be key and value."""
        _, colon, value = key.partition(":")
        return replace(self, node=yaml.ScalarNode(f"{_TAG}str", value)) if colon else self

    def scalar(self, read: Callable[[str], T], example: str) -> T | None:
        """Return what `read` makes of the text here; its ValueError is what is wrong."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.refuse(f"is {_kind(self.node)}; write {example}")
        elif self.node.tag == f"{_TAG}null":
            self.refuse(f"is empty; write {example}")
        else:
            try:
                return read(self.node.value)
            except ValueError as error:
                self.refuse(str(error))
        return None

    def parts(self, example: str) -> list["Place"]:
        """Return the parts of the list here, or the place itself where a single value stands."""
        return self.items(example) if isinstance(self.node, yaml.SequenceNode) else [self]

    def items(self, example: str) -> list["Place"]:
        """Return the parts of the list that should be here."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.refuse(f"is {_kind(self.node)}; write {example}")
            return []
        return [
            Place(node, f"{self.path}[{index}]", _line(node), self.problems)
            for index, node in enumerate(self.node.value)
        ]

    def entries(self, example: str) -> dict[str, "Place"] | None:
        """Return the parts of the mapping that should be here, by key, or None if it is none."""
        if not isinstance(self.node, yaml.MappingNode):
            self.refuse(f"is {_kind(self.node)}; write {example}")
            return None
        found: dict[str, Place] = {}
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.below("?", value, _line(key)).refuse(
                    f"{_kind(key)} cannot be a key; write {example}"
                )
                continue
            here = self.below(key.value, value, _line(key))
            if key.tag == f"{_TAG}merge":
                here.refuse("merge keys are not taken; write the keys out")
            elif key.value in found:
                first = found[key.value].line
                here.refuse(f"is given twice, first on line {first}; keep one of them")
            else:
                found[key.value] = here
        return found

    def fields(self, keys: Sequence[str], example: str) -> dict[str, "Place"] | None:
        """Return the entries, all of known keys; a misspelt one is refused, then taken as meant."""
        entries = self.entries(example)
        if entries is None:
            return None
        fields = {key: place for key, place in entries.items() if key in keys}
        for key, place in entries.items():
            if key not in keys:
                meant = get_close_matches(key.split(":")[0].lower(), keys, n=1)
                place.refuse(_unknown(key, meant, keys))
                if meant:
                    fields.setdefault(meant[0], place.with_value_of(key))
        return fields


def read_yaml(text: str, problems: Problems) -> Place | None:
    """Return the place of the whole file, or note among the problems why there is none."""
    if len(text) > _MOST_CHARACTERS:
        problems.append((1, f"the file has {len(text):,} characters; a policy has a few lines"))
        return None
    try:
        root = _compose(text)
    except yaml.reader.ReaderError as error:
        code = f"U+{error.character:04X}"
        line = text.count("\n", 0, error.position) + 1
        problems.append((line, f"the character {code} may not stand in YAML; take it out"))
    except yaml.MarkedYAMLError as error:
        problems.append(_explained(error, text))
    else:
        if root is not None:
            return Place(root, "", min(_line(root), _last_line(text)), problems)
        problems.append((1, "the file is empty; write channels: and a line for each channel"))
    return None


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):  # from int() and chr() in PyYAML's scanner
        raise yaml.MarkedYAMLError(
            problem="a number is out of range", problem_mark=loader.get_mark()
        ) from None


class _Loader(yaml.SafeLoader):
    """Composes nodes without aliases, a few levels deep: no file can grow when it is read."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="an alias may not stand here", problem_mark=mark)
        if self._depth == _DEEPEST:
            raise yaml.MarkedYAMLError(problem="it is nested too deep", problem_mark=mark)
        self.anchors.clear()  # no alias will ask for them, so a name may come twice
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _explained(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    """Return the line and the sentence: where something was left open, or where it went wrong."""
    problem = " ".join(str(error.problem).split())
    mark, opened = error.problem_mark, error.context_mark
    if opened is not None and problem.endswith(("<stream end>'", "end of stream", "':'")):
        mark = opened
    row, column = (mark.line, mark.column) if mark else (0, 0)
    line = min(row + 1, _last_line(text))
    way_out = next(way_out for piece, way_out in _WAYS_OUT if piece in problem)
    problem = problem.removeprefix("but ")[:_LONGEST_COMPLAINT]
    return line, f"YAML at column {column + 1}: {problem}; {way_out}"


def _unknown(key: str, meant: list[str], keys: Sequence[str]) -> str:
    if not meant:
        return f"is no key here; the keys are {', '.join(keys)}"
    if key.startswith(f"{meant[0]}:"):
        return f"a space is missing after the colon; write {meant[0]}: and its value"
    return f"is no key here; did you mean {meant[0]}?"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _last_line(text: str) -> int:
    return max(1, len(text.splitlines()))


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if node.tag == f"{_TAG}null":
        return "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def plain_name(text: str) -> str:
    """Return a name that makes a good label, to be read, typed and told from others."""
    if not text.strip():
        raise ValueError("a name is empty; write one, such as chat or billing")
    if len(text) > _LONGEST_NAME:
        raise ValueError(
            f"the name has {len(text)} characters; write one of at most {_LONGEST_NAME}"
        )
    for character in text:
        if character not in " -_./" and unicodedata.category(character)[0] not in "LMN":
            raise ValueError(
                f"the name has the character {quoted(character)}; "
                "write letters, digits, spaces and - _ . / only"
            )
    if text != text.strip():
        raise ValueError("the name begins or ends with a space; write it without")
    return text
