"""JSON as it stands in scripts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.json_path import follow, parts
from flows.pipeline.capture.json_text import MOST_OBJECTS, read_objects


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1};', [{"a": 1}]),
        ('{"a": "x\ty"}', [{"a": "x\ty"}]),
        ('{"a": 1,}', [{"a": 1}]),
        ('{"a":1}{"b":[2,],}', [{"a": 1}, {"b": [2]}]),
        ('/*<![CDATA[*/ {"a":1} /*]]>*/', [{"a": 1}]),
        ("{&quot;a&quot;:1}", [{"a": 1}]),
        ("var x = {a: 1}; f({b: 2})", [{"a": 1}, {"b": 2}]),
        ('{"a":[1,2', []),
        ("", []),
        ("12", []),
        ('"text"', []),
    ],
)
def test_objects_of_a_script(text: str, objects: list[object]) -> None:
    assert read_objects(text) == objects


def test_hostile_scripts_end() -> None:
    assert read_objects("[" * 50_000) == []
    assert read_objects('{"a":' * 50_000) == []
    assert len(read_objects("{}" * 500 + '{"a":1}' * 500)) <= MOST_OBJECTS
    assert read_objects("{a:" * 400_000) == []


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), min_size=1))
def test_what_is_json_is_read_as_json(value: dict[str, object]) -> None:
    assert read_objects(json.dumps(value)) == [json.loads(json.dumps(value))]


@given(st.text("{}[]\"',:ab1\\/*<!-> \n\x00", max_size=80))
def test_any_text_gives_objects_or_nothing(text: str) -> None:
    assert all(isinstance(value, dict | list) for value in read_objects(text))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a[1].b", 2),
        ("a.1.b", 2),
        ("a.*.b", 2),
        ("a.7.b", None),
        ("a.x", None),
        ("c", "d"),
        ("c.d", None),
    ],
)
def test_paths(path: str, found: object) -> None:
    assert follow({"a": [{"x": 1}, {"b": 2}], "c": "d"}, parts(path)) == found
