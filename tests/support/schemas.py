"""The published JSON Schemas: a validator for each, and values drawn from one."""

import json
import re
from functools import cache

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource

from tests.support.program import ROOT

FOLDER = ROOT / "docs" / "schemas"
SUFFIX = ".schema.json"
SCHEMAS = {
    path.name.removesuffix(SUFFIX): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob(f"*{SUFFIX}"))
}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
"""Any JSON value."""


def _ecma(pattern):
    """Read a pattern as JSON Schema means it: in Python `$` also matches before a last newline."""
    return re.compile(pattern.replace("$", r"\Z"))


def _pattern(_validator, pattern, instance, _schema):
    if isinstance(instance, str) and not _ecma(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})
_REGISTRY = Registry().with_resources(
    (f"{name}{SUFFIX}", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)


@cache
def validator(name):
    """Return the validator of a schema."""
    return _Validator(SCHEMAS[name], registry=_REGISTRY)


def unnamed(name, value):
    """Return the fields of an object, and of objects in it, that its schema does not name."""
    return sorted(_unnamed(SCHEMAS[name], value))


def _unnamed(schema, value, path=""):
    if not isinstance(value, dict):
        return
    named, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    for key, inner in value.items():
        if key in named or more:
            yield from _unnamed(named.get(key, more), inner, f"{path}.{key}")
        else:
            yield f"{path}.{key}"


def instances(schema):
    """Draw objects that a schema of an event allows, from the schema itself.

    It knows the keywords that those schemas use, and fails on any other. Published generators
    stop at draft 7.
    """
    known = {"$schema", "title", "description", "type", "required", "properties"}
    assert schema.keys() <= known, schema.keys() - known
    properties = {name: _values(inner) for name, inner in schema["properties"].items()}
    required = {name: properties.pop(name) for name in schema["required"]}
    others = st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in schema["properties"]),
        anything,
        max_size=2,
    )
    return st.builds(
        lambda fields, more: more | fields,
        st.fixed_dictionaries(required, optional=properties),
        others,
    )


def _values(schema):
    known = {"description", "examples", "default", "format", "type", "minLength", "pattern"}
    known |= {"minimum", "maximum"}
    assert schema.keys() <= known, schema.keys() - known
    if "type" not in schema:
        return anything
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    text = st.text(min_size=schema.get("minLength", 0), max_size=8)
    if "pattern" in schema:
        text = st.from_regex(_ecma(schema["pattern"]))
    of_type = {
        "string": text,
        "integer": st.integers(),
        "number": st.integers(schema.get("minimum"), schema.get("maximum"))
        | st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return st.one_of([of_type[each] for each in types])
