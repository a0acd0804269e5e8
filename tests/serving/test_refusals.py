"""What a client is told, and what it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import CaseError, ConfigError, JournalError
from adjudge.serving.refusals import Refused, refusal, without_places


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the file /srv/judges/secret.yaml is gone", "the file <path> is gone"),
        ("nothing answers at http://10.0.0.5:8000/v1 (refused)", "nothing answers at <address> (refused)"),
        ("see ~/runs/a/journal.sqlite", "see <path>"),
        (r"C:\Users\me\model.gguf is no file", "<path> is no file"),
        ("journal '/var/lib/x/j.sqlite': locked", "journal '<path>': locked"),
        ("3/4 of the calls, 10 tokens/s, and/or", "3/4 of the calls, 10 tokens/s, and/or"),
        ("a score from 1 to 10", "a score from 1 to 10"),
        (r"found b'\x00\x00\x01'", r"found b'\x00\x00\x01'"),
    ],
)
def test_places_of_the_machine_are_taken_out(text: str, shown: str) -> None:
    assert without_places(text) == shown


@given(st.lists(st.from_regex(r"[a-z0-9._-]{1,8}", fullmatch=True), min_size=2, max_size=6), st.text(max_size=20))
def test_no_path_survives(parts: list[str], before: str) -> None:
    path = "/" + "/".join(parts)
    assert path not in without_places(f"{before} {path} is gone")


def test_every_error_becomes_a_reply() -> None:
    for error, status, code in (
        (CaseError("wrong", key="prompt"), 422, "invalid"),
        (ConfigError("wrong", file="/srv/x/y.yaml"), 422, "invalid"),
        (JournalError("journal /srv/x/y.sqlite: locked"), 503, "outage"),
        (ValueError("secret in /srv/x/y"), 500, "internal"),
        (ExceptionGroup("several", [ExceptionGroup("inner", [CaseError("wrong")])]), 422, "invalid"),
        (Refused(503, "busy", "full", retry_after=3), 503, "busy"),
    ):
        told = refusal(error)
        assert (told.status, told.error.code) == (status, code)
        assert "/srv" not in str(told.body())
        assert "secret" not in str(told.body())
