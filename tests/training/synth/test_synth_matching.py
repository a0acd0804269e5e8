import random

from adjudge.training.synth import Document, Pair
from adjudge.training.synth.levelling import FEWEST, level
from adjudge.training.synth.matching import Traits, match, overlap
from adjudge.training.synth.report.style import Told, style_accuracy


def traits(text: str) -> Traits:
    return Traits(len(text) / 100, len(text), len(text) / 100, len(text), 0.0)


def test_the_longer_side_is_drawn_by_a_coin() -> None:
    good, bad = ["a", "aaaaa"], ["bb", "bbbb"]
    drawn = [match(good, bad, traits, random.Random(seed)) for seed in range(400)]
    longer = sum(len(one) > len(two) for one, two in drawn) / 400
    assert 0.3 < longer < 0.7


def test_two_sides_are_never_the_same() -> None:
    assert match(["same", "one"], ["same"], traits, random.Random(0)) == ("one", "same")


def test_overlap_counts_words_with_a_meaning() -> None:
    assert overlap("The mill was very old", {"mill"}) == 0.5
    assert overlap("the of and", {"mill"}) == 0.0


def pairs(count: int, wordy: float) -> list[Pair]:
    """Pairs whose bad response ends in a mark with a probability."""
    chance = random.Random(0)
    made = []
    for number in range(count):
        marks = ["!", "?"] if chance.random() < wordy else ["?", "!"]
        good, bad = (f"Answer {chance.randint(0, 99)}{mark}" for mark in marks)
        document = Document(f"d{number}", "", "Text.")
        made.append(Pair(str(number), document, "q", good, bad, "date", traits=(traits("x"), traits("x"))))
    return made


def test_levelling_takes_away_what_style_tells() -> None:
    given = pairs(900, wordy=0.8)
    kept = level(given, {pair.document.id: pair.document.id for pair in given})
    told = [Told(pair.good, pair.bad, pair.document.id) for pair in kept]
    before = [Told(pair.good, pair.bad, pair.document.id) for pair in given]
    assert all(share.value > 0.7 for share in style_accuracy(before).values())
    assert all(share.value < 0.6 for share in style_accuracy(told).values())
    assert len(kept) > 200


def test_too_few_pairs_are_left_alone() -> None:
    given = pairs(FEWEST - 1, wordy=0.8)
    assert level(given, {pair.document.id: pair.document.id for pair in given}) == given
