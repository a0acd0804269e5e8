from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.cases import FORMATS, read_cases
from adjudge.errors import CaseError, ConfigError
from adjudge.types import Case


def read(content: str | bytes, fmt: str | None) -> tuple[list[Case], list[CaseError]]:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    errors: list[CaseError] = []
    return list(read_cases(stream, on_error=errors.append, fmt=fmt)), errors


def only_error(content: str | bytes, fmt: str) -> CaseError:
    cases, errors = read(content, fmt)
    assert [case.id for case in cases] == ["good"], errors
    assert len(errors) == 1
    return errors[0]


# --- what is read

ROWS: list[dict[str, Any]] = [
    {"id": "1", "prompt": "Who?", "responses": ["a", "b"], "reference": "a", "label": "A", "metadata": {"k": "v"}},
    {"id": "2", "prompt": 'Où ?\n"two", lines', "responses": ["", "é"], "culture": "fr", "rubric": "short"},
]
YAML = """\
- id: 1
  prompt: Who?
  responses: [a, b]
  reference: a
  label: A
  metadata: {k: v}
- id: "2"
  prompt: "Où ?\\n\\"two\\", lines"
  responses: ["", é]
  culture: fr
  rubric: short
"""
CSV = """\
id,prompt,response_a,response_b,reference,label,culture,rubric,metadata.k
1,Who?,a,b,a,A,,,v
2,"Où ?
""two"", lines",,é,,,fr,short,
"""
CONTENTS = {
    "jsonl": "\n".join(json.dumps(row) for row in ROWS),
    "ndjson": "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n",
    "json": json.dumps(ROWS, indent=2),
    "yaml": YAML,
    "yml": "cases:\n" + YAML,
    "csv": CSV,
}


def test_the_table_of_formats_is_complete() -> None:
    assert set(CONTENTS) == set(FORMATS)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_every_format_gives_the_same_cases_from_file_and_stream(fmt: str, start: str, tmp_path: Path) -> None:
    expected = [Case.model_validate(row) for row in ROWS]
    path = tmp_path / f"cases.{fmt}"
    path.write_bytes((start + CONTENTS[fmt]).encode())
    assert list(read_cases(path)) == expected
    assert list(read_cases(str(path), fmt=fmt)) == expected
    with path.open("rb") as binary:
        assert list(read_cases(binary, fmt=fmt)) == expected
    assert list(read_cases(io.StringIO(start + CONTENTS[fmt]), fmt=fmt)) == expected


def test_a_json_mapping_with_the_key_cases_is_read() -> None:
    cases, errors = read(json.dumps({"cases": ROWS}), "json")
    assert (len(cases), errors) == (2, [])


def test_the_format_can_be_said_for_a_file_with_another_suffix(tmp_path: Path) -> None:
    path = tmp_path / "cases.txt"
    path.write_text(CONTENTS["csv"])
    assert len(list(read_cases(path, fmt="csv"))) == 2


@pytest.mark.parametrize(
    "content",
    [
        CONTENTS["jsonl"],
        "\n\n" + CONTENTS["ndjson"],
        CONTENTS["json"],
        json.dumps(ROWS),
        json.dumps({"cases": ROWS}),
        json.dumps({"cases": ROWS}, indent=1),
        CONTENTS["yaml"],
        CONTENTS["yml"],
        "# comment\n" + CONTENTS["yml"],
    ],
)
def test_standard_input_without_a_format_is_told_by_its_first_line(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert [case.id for case in read_cases("-")] == ["1", "2"]


def test_standard_input_of_json_lines_with_a_broken_first_row_loses_only_that_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"prompt": "cut\n{"prompt": "x", "id": "good"}\n'))
    errors: list[CaseError] = []
    assert [case.id for case in read_cases("-", on_error=errors.append)] == ["good"]
    assert (errors[0].file, errors[0].line) == ("<stdin>", 1)


def test_a_stream_that_was_handed_in_stays_open() -> None:
    stream = io.BytesIO(b'{"prompt": "x"}\n')
    assert len(list(read_cases(stream))) == 1
    assert not stream.closed


def test_numbers_as_ids_become_text() -> None:
    cases, errors = read('{"id": 7, "prompt": "x"}\n{"id": 0, "prompt": "y"}\n', "jsonl")
    assert ([case.id for case in cases], errors) == (["7", "0"], [])


def test_rows_are_data_and_variables_in_them_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_X", "secret")
    cases, _ = read("- prompt: '${ADJUDGE_X}'\n", "yaml")
    assert cases[0].prompt == "${ADJUDGE_X}"


def test_messages_rubrics_documents_and_trajectories_are_read() -> None:
    row = {
        "prompt": [{"role": "user", "content": "hi"}],
        "responses": [{"text": "a", "model": "m"}],
        "rubric": ["correct", {"name": "short", "weight": 2}],
        "documents": [{"id": "d", "text": "t"}],
        "trajectory": {"steps": [{"thought": "t", "tool": "search", "arguments": {"q": [1]}}]},
        "candidates": ["next"],
        "label": {"any": ["json"]},
    }
    cases, errors = read(json.dumps(row), "jsonl")
    assert errors == []
    assert cases[0] == Case.model_validate(row)


def test_a_csv_field_of_a_megabyte_is_read() -> None:
    long = "x" * 2**20
    cases, errors = read(f"id,prompt\ngood,{long}\n", "csv")
    assert (cases[0].prompt, errors) == (long, [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_line_ends_of_all_systems_are_read(end: str) -> None:
    cases, errors = read(f'id,prompt{end}a,"two{end}lines"{end}{end}b,x,y{end}', "csv")
    assert cases[0].prompt == f"two{end}lines"
    assert [error.line for error in errors] == [5]


@pytest.mark.parametrize(
    ("header", "row", "responses"),
    [
        ("prompt,response", "p,x", ["x"]),
        ("prompt,response", "p,", []),
        ("response_b,prompt,response_a", "second,p,first", ["first", "second"]),
        ("prompt,response_a,response_b,response_c", "p,,x,", ["", "x"]),  # only empty cells at the end are left out
        ("prompt," + ",".join(f"response_{n}" for n in range(1, 12)), "p," + ",".join("abcdefghijk"), [*"abcdefghijk"]),
        ("prompt,responses", 'p,"[""x"", """"]"', ["x", ""]),
        ("prompt,responses", "p,", []),
        ("prompt", "p", []),
    ],
)
def test_csv_columns_of_responses(header: str, row: str, responses: list[str]) -> None:
    cases, errors = read(f"{header}\n{row}\n", "csv")
    assert errors == []
    assert [response.text for response in cases[0].responses] == responses


@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_memory_stays_constant_for_rows_in_lines(fmt: str) -> None:
    text = "x" * 10_000
    row = {"jsonl": json.dumps({"prompt": text, "id": "%d"}), "csv": f"%d,{text}"}[fmt]

    def lines() -> Iterator[bytes]:  # 20 MB that exist only line by line
        if fmt == "csv":
            yield b"id,prompt\n"
        for number in range(2000):
            yield (row % number + "\n").encode()

    tracemalloc.start()
    try:
        assert sum(1 for _ in read_cases(lines(), fmt=fmt)) == 2000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000  # bytes
    finally:
        tracemalloc.stop()


def test_cases_come_before_the_rest_is_read() -> None:
    def endless() -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            yield json.dumps({"id": number, "prompt": "x"}).encode() + b"\n"

    cases = read_cases(endless())
    assert [next(cases).id for _ in range(3)] == ["1", "2", "3"]


# --- what is wrong with one row

GOOD = '{"id": "good", "prompt": "x"}'


@pytest.mark.parametrize(
    ("row", "key", "words"),
    [
        ('{"prompt": "cut', None, "not JSON.*one object a line"),
        ("[1, 2]", None, "a case should be a mapping"),
        ("5", None, "a case should be a mapping.*found 5"),
        ("null", None, "a case should be a mapping"),
        ("{}", "prompt", "key is missing"),
        ('{"prompt": 5}', "prompt", "should be text or a list; found 5"),
        (
            '{"question": "x"}',
            "question",
            "unknown key; .*allowed: id, prompt,.*did you mean 'prompt'.*prompt: this key",
        ),
        ('{"prompt": "x", "winner": 1}', "winner", "did you mean 'label'"),
        ('{"prompt": "x", "answer": "y"}', "answer", "did you mean 'responses'"),
        ('{"prompt": "x", "response": "y"}', "response", "did you mean 'responses'"),
        ('{"prompt": "x", "refrence": "y"}', "refrence", "did you mean 'reference'"),
        ('{"prompt": "x", "responses": "y"}', "responses", "responses is a list; write .text."),
        ('{"prompt": "x", "responses": ["a", {"txt": 1}]}', "responses.1.txt", "unknown key.*did you mean 'text'"),
        ('{"prompt": "x", "rubric": [{"name": "a", "weight": 0}]}', "rubric.0.weight", "greater than 0; found 0"),
        ('{"prompt": [{"role": "usr", "content": "x"}]}', "prompt.0.role", "unknown value; found 'usr'; .*'user'"),
        ('{"prompt": "x", "id": true}', "id", "should be text; found True"),
        ('{"prompt": "x", "prompt": "y"}', None, "the key 'prompt' stands twice"),
        ('{"prompt": "x", "metadata": {"a": [{"b": 1, "b": 2}]}}', None, "the key 'b' stands twice"),
        ('{"prompt": "x", "label": NaN}', None, "NaN is not JSON; write null"),
        ('{"prompt": "x\\ud800"}', "prompt", "half of a surrogate pair"),
        ('{"prompt": "x", "label": [{"a": "\\udfff"}]}', "label.0.a", "half of a surrogate pair"),
        ('{"prompt": "x", "metadata": {"\\udfff": 1}}', "metadata", "half of a surrogate pair"),
        ('{"id": "good", "prompt": "y"}', "id", "this id stands in line 1 already; found 'good'"),
        ('{"prompt": "x", "documents": [{"id": "d"}]}', "documents.0", "a document has either text or path"),
        ('{"prompt": "x", "label": ' + "[" * 5000 + "]" * 5000 + "}", None, "nested too deeply"),
        ('{"prompt": "x", "label": ' + "9" * 5000 + "}", None, "not JSON"),
    ],
)
def test_a_wrong_row_costs_only_itself(row: str, key: str | None, words: str) -> None:
    error = only_error(f"{GOOD}\n{row}\n", "jsonl")
    assert (error.file, error.line, error.key) == ("<stream>", 2, key)
    with pytest.raises(CaseError, match=words):
        raise error
    after, _ = read(f"{row}\n{GOOD}\n", "jsonl")
    assert after[-1].id == "good"


def test_without_on_error_the_first_wrong_row_is_raised_after_the_cases_before_it() -> None:
    cases = read_cases(io.BytesIO(f"{GOOD}\n{{}}\n".encode()), fmt="jsonl")
    assert next(cases).id == "good"
    with pytest.raises(CaseError, match="<stream>:2: prompt"):
        next(cases)


def test_every_mistake_of_a_row_is_told_in_its_one_error() -> None:
    error = only_error(f'{GOOD}\n{{"promt": "x", "reference": 1, "culture": 2}}\n', "jsonl")
    assert error.key == "promt"
    for words in (
        "did you mean 'prompt'",
        "also prompt: this key is missing",
        "also reference: should be text",
        "culture",
    ):
        assert words in str(error)


def test_deeply_nested_arguments_cost_only_their_row() -> None:
    deep: dict[str, Any] = {}
    for _ in range(600):
        deep = {"a": deep}
    step = {"thought": "t", "tool": "x", "arguments": deep}
    row = json.dumps({"prompt": "x", "trajectory": {"steps": [step]}})
    cases, errors = read(f"{row}\n{GOOD}\n", "jsonl")
    assert cases[-1].id == "good"
    assert len(cases) + len(errors) == 2


def test_the_same_case_twice_without_ids_is_told() -> None:
    cases, errors = read('{"prompt": "x"}\n{"prompt": "x"}\n{"prompt": "y"}\n', "jsonl")
    assert len(cases) == 2
    assert (errors[0].line, errors[0].problem) == (2, "the same case stands in line 1")


def test_a_wrong_byte_in_a_json_line_loses_only_that_row() -> None:
    error = only_error(b'{"prompt": "\xff"}\n' + GOOD.encode(), "jsonl")
    assert error.line == 1
    assert "byte 0xff at position 12 of the row is not UTF-8" in str(error)


def test_a_file_that_ends_in_the_middle_of_a_row_says_so() -> None:
    error = only_error(f'{GOOD}\n{{"prompt": "a', "jsonl")
    assert error.line == 2
    assert "ends in the middle of this row" in str(error)


def test_control_characters_inside_a_json_line_do_not_split_it() -> None:
    cases, errors = read('{"prompt": "a\u2028b\x85c"}\n', "jsonl")
    assert (cases[0].prompt, errors) == ("a\u2028b\x85c", [])


@pytest.mark.parametrize(
    ("rows", "line", "key", "words"),
    [
        ("x,5,6", 2, None, "3 cells, the header has 2"),
        ("x", 2, None, "1 cells, the header has 2"),
        ("x,", 2, "prompt", "key is missing"),
        ('x,"a"b', 2, None, "not CSV"),
        ('"two\nlines",', 2, "prompt", "missing"),
    ],
)
def test_a_wrong_csv_row_costs_only_itself(rows: str, line: int, key: str | None, words: str) -> None:
    error = only_error(f"id,prompt\n{rows}\ngood,x\n", "csv")
    assert (error.line, error.key) == (line, key)
    with pytest.raises(CaseError, match=words):
        raise error


def test_the_line_after_a_field_of_several_lines_is_right() -> None:
    error = only_error('id,prompt\n\ngood,"a\nb\nc"\nbad,\n', "csv")
    assert error.line == 6


def test_a_wrong_byte_in_a_csv_row_loses_only_that_row() -> None:
    error = only_error(b"id,prompt\nbad,caf\xe9\ngood,x\n", "csv")
    assert (error.line, error.key) == (2, "prompt")
    assert "not UTF-8" in str(error)


def test_a_quote_that_is_never_closed_is_told_where_it_opens() -> None:
    error = only_error('id,prompt\ngood,x\nbad,"never\nclosed\n', "csv")
    assert error.line == 3
    assert "never closed" in str(error)


def test_a_list_of_responses_that_is_no_json_is_told() -> None:
    error = only_error('id,prompt,responses\nbad,x,"[a"\ngood,x,\n', "csv")
    assert (error.line, error.key, error.found) == (2, "responses", "[a")


@pytest.mark.parametrize(
    ("item", "line", "key", "words"),
    [
        ("- promt: x", 3, "promt", "did you mean 'prompt'"),
        ("- prompt: x\n  responses:\n  - a\n  - txt: b", 6, "responses.1.txt", "unknown key"),
        ("- prompt: x\n  prompt: y", 4, "prompt", "stands twice"),
        ("- just text", 3, None, "should be a mapping.*found 'just text'"),
        ("- prompt: !x y", 3, "prompt", "tag"),
        ("- prompt: &a [*a]", 3, "prompt.0", "contains itself"),
    ],
)
def test_a_wrong_yaml_item_costs_only_itself_and_has_its_own_line(
    item: str, line: int, key: str | None, words: str
) -> None:
    error = only_error(f"- id: good\n  prompt: x\n{item}\n", "yaml")
    assert (error.line, error.key) == (line, key)
    with pytest.raises(CaseError, match=words):
        raise error


def test_a_wrong_item_of_a_json_list_has_its_own_line() -> None:
    content = f'[\n  {{\n  "promt": "x"\n  }},\n  {GOOD}\n]\n'
    assert only_error(content, "json").line == 2


def test_a_wrong_byte_in_a_json_list_loses_only_that_item() -> None:
    assert only_error(b'[{"prompt": "\xff"},\n' + GOOD.encode() + b"]", "json").line == 1


@pytest.mark.parametrize(
    ("rest", "line", "words"),
    [
        (",\n{", 2, "not JSON.*items after it"),
        (",\n]", 2, "not JSON"),
        ("", 1, "a comma or ] is missing"),
        ("\n{}]", 1, "a comma or ] is missing"),
        ("]\n[]", 2, "more text"),
    ],
)
def test_a_json_list_that_breaks_off_keeps_the_items_before(rest: str, line: int, words: str) -> None:
    error = only_error(f"[{GOOD}{rest}", "json")
    assert error.line == line
    with pytest.raises(CaseError, match=words):
        raise error


@pytest.mark.parametrize("rest", ["]", ']} {"a": 1}', '], "other": 1}'])
def test_a_json_mapping_holds_nothing_but_cases(rest: str) -> None:
    only_error(f'{{"cases": [{GOOD}{rest}', "json")


# --- what is wrong with a whole file


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file_is_a_config_error(fmt: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / f"cases.{fmt}"
    path.write_bytes(content.encode())
    with pytest.raises(ConfigError, match="no cases in this file") as caught:
        list(read_cases(path, on_error=lambda error: pytest.fail(str(error))))
    assert caught.value.file == str(path)


@pytest.mark.parametrize(
    ("content", "fmt", "words"),
    [
        ("[]", "json", "no cases"),
        ('{"cases": []}', "json", "no cases"),
        ("cases: []", "yaml", "no cases"),
        ("id,prompt\n", "csv", "no cases"),
        ("a: [", "yaml", "not YAML"),
        ("prompt: x", "yaml", "should be a list, or a mapping with the one key cases; found 'prompt'"),
        ("cases: x", "yaml", "cases should be a list"),
        ("cases: []\nother: 1", "yaml", "the one key cases; found 'other'"),
        ("text", "yaml", "should be a list"),
        ('{"prompt": "x"}', "json", "found 'prompt'.*jsonl"),
        ('{"cases": {}}', "json", "should be a list"),
        ("5", "json", "should be a list"),
        ("id,question\n1,x\n", "csv", "no column 'question'; .*allowed: id, prompt, .*did you mean 'prompt'"),
        ("prompt,x,y\n1,2,3\n", "csv", "no column 'x', 'y'"),
        ("id;prompt\n1;x\n", "csv", "separated by commas"),
        ("id,label\n1,x\n", "csv", "the column prompt is missing"),
        ("prompt,prompt\n1,x\n", "csv", "stands twice"),
        ("prompt,response_a,response_c\n1,x,y\n", "csv", "without gaps"),
        ("prompt,response_a,response_2\n1,x,y\n", "csv", "one kind"),
        ("prompt,response,responses\n1,x,y\n", "csv", "one kind"),
        ("prompt,response_0\n1,x\n", "csv", "no column 'response_0'"),
        ("prompt,metadata.\n1,x\n", "csv", "no column 'metadata.'"),
        ('"prompt\n', "csv", "header is not CSV"),
        ("prompt,\udcff\n", "csv", "no column"),
        ("\ufeff".encode("utf-16").decode("latin-1"), "jsonl", "UTF-16"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_is_a_config_error(content: str, fmt: str, words: str) -> None:
    encoding = "latin-1" if "UTF-16" in words else "utf-8"
    with pytest.raises(ConfigError, match=words) as caught:
        read(content.encode(encoding, "surrogateescape"), fmt)
    assert not isinstance(caught.value, CaseError)
    str(caught.value).encode()  # can be printed


def test_what_can_be_checked_is_checked_before_the_first_case_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_cases(tmp_path / "absent.jsonl")
    with pytest.raises(ConfigError, match="folder"):
        read_cases(tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        read_cases("a\0b.jsonl")
    unknown = tmp_path / "cases.josn"
    unknown.write_text("[]")
    with pytest.raises(ConfigError, match=r"found '\.josn'; allowed: \.yaml, .*did you mean '\.json'"):
        read_cases(unknown)
    with pytest.raises(ConfigError, match="found 'parquet'; allowed: yaml"):
        read_cases(unknown, fmt="parquet")


def test_a_stream_told_wrongly_says_how_it_was_read() -> None:
    with pytest.raises(ConfigError, match=r"read as yaml.*fmt=") as caught:
        list(read_cases(io.BytesIO(b"id,prompt\n1,x\n")))
    assert not isinstance(caught.value, CaseError)


def test_a_stream_that_fails_while_read_is_a_config_error() -> None:
    stream = io.BytesIO(b"x")
    stream.close()
    with pytest.raises(ConfigError, match="reading failed"):
        list(read_cases(stream, fmt="jsonl"))
    with pytest.raises(ConfigError, match="reading failed"):
        list(read_cases(io.TextIOWrapper(io.BytesIO(b"\xff\xff"), encoding="utf-8"), fmt="jsonl"))


def test_the_limit_on_csv_fields_is_never_lowered() -> None:
    before = csv.field_size_limit(2**30)
    try:
        read("prompt\nx\n", "csv")
        assert csv.field_size_limit() == 2**30
    finally:
        csv.field_size_limit(before)


# --- anything at all

PIECES = (
    *(
        b'{"prompt": "x"}',
        b'{"prompt',
        b"- prompt: x",
        b"cases:",
        b'{"cases": [',
        b"id,prompt",
        b"a,b",
        b"5",
        b"&a",
        b"*a",
    ),
    *(b"\n", b"\r", b"[", b"]", b"{", b"}", b",", b'"', b":", b" ", b"\xff", b"\xef\xbb\xbf", b"\x00", b"\\ud800"),
)
fragments = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@pytest.mark.parametrize("fmt", ["jsonl", "json", "csv", "yaml", None])
@given(content=st.binary() | fragments)
def test_any_bytes_give_cases_or_config_and_case_errors(fmt: str | None, content: bytes) -> None:
    try:
        cases, errors = read(content, fmt)
    except ConfigError as error:
        str(error).encode()
        return
    assert cases or errors
    assert all(wrong.file == "<stream>" and wrong.line for wrong in errors)
    for wrong in errors:
        str(wrong).encode()  # can be printed
    for case in cases:
        case.model_dump_json().encode()


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.tuples(texts, st.lists(texts, max_size=3)), min_size=1, max_size=5))
def test_what_was_written_as_json_lines_comes_back(rows: list[tuple[str, list[str]]]) -> None:
    written = [{"id": n, "prompt": prompt, "responses": answers} for n, (prompt, answers) in enumerate(rows)]
    for ascii_only in (True, False):
        content = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in written)
        cases, errors = read(content, "jsonl")
        assert errors == []
        assert [(c.prompt, [r.text for r in c.responses]) for c in cases] == rows


@given(st.lists(st.tuples(texts.filter(str.strip), texts), min_size=1, max_size=5))
def test_what_was_written_as_csv_comes_back(rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "prompt", "response"])
    writer.writerows([str(number), *row] for number, row in enumerate(rows))
    cases, errors = read(buffer.getvalue(), "csv")
    assert errors == []
    assert [(c.prompt, c.responses[0].text if c.responses else "") for c in cases] == rows
