"""From a recorder's sequences to the row of a rollout."""

from __future__ import annotations

import pytest

from adjudge.run import Sequence
from adjudge.training.rollouts.rows import Segment, row_of

FIRST = Sequence((1, 2, 3, 4), (0, 0, 1, 1), (0.0, 0.0, -1.0, -2.0))
LAST = Sequence((5, 6, 7), (0, 1, 0), (0.0, -3.0, 0.0))


@pytest.mark.parametrize(
    ("segment", "prompt", "completion", "mask", "own"),
    [
        ("first", (1, 2), (3, 4), (1, 1), (-1.0, -2.0)),
        ("last", (5,), (6, 7), (1, 0), (-3.0,)),
        ("longest", (1, 2), (3, 4), (1, 1), (-1.0, -2.0)),
    ],
)
def test_a_segment_begins_where_the_model_first_speaks(
    segment: Segment,
    prompt: tuple[int, ...],
    completion: tuple[int, ...],
    mask: tuple[int, ...],
    own: tuple[float, ...],
) -> None:
    row = row_of([FIRST, LAST], segment, 9)
    assert (row.prompt_ids, row.completion_ids, row.mask, row.own) == (prompt, completion, mask, own)


def test_a_rollout_in_which_nothing_was_sampled_is_a_row_that_trains_nothing() -> None:
    assert row_of([], "last", 9) == ((9,), (9,), (0.0,), (0,))
