import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.cli.screen import Screen, excerpt, one_line, printable

texts = st.text(st.characters(exclude_categories=()), max_size=60)


@given(texts)
def test_printable_text_holds_no_command_and_no_hidden_character(text: str) -> None:
    shown = printable(text)

    assert all(character in "\n\t" or ord(character) >= 32 for character in shown)
    assert not any(0x7F <= ord(character) < 0xA0 or 0x202A <= ord(character) <= 0x202E for character in shown)
    shown.encode("utf-8")  # no lone surrogates


@given(texts)
def test_printable_leaves_ordinary_text_as_it_is(text: str) -> None:
    plain = "".join(character for character in text if character.isalnum() or character in " \n<>[]")

    assert printable(plain) == plain


@given(texts, st.integers(2, 40))
def test_an_excerpt_is_one_line_of_limited_width(text: str, width: int) -> None:
    short = excerpt(text, width)

    assert len(short) <= width
    assert "\n" not in short
    assert one_line(text) == short or short.endswith("…") or len(text) > 4 * width


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "put",
    [
        lambda screen, text: screen.line(text),
        lambda screen, text: screen.block(text, indent=2),
        lambda screen, text: screen.table(("a", "b"), [(text, "x")]),
        lambda screen, text: screen.note(text),
        lambda screen, text: screen.error(text),
        lambda screen, text: screen.warning(text),
        lambda screen, text: screen.data({"text": text}),
    ],
)
def test_no_way_onto_the_screen_lets_a_command_through(
    put: Callable[[Screen, str], None],
    terminal: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    assert screen.out.is_terminal is terminal

    put(screen, "begin \x1b]0;title\x07 \x1b[2J \x9b31m \u202e [blink]end[/blink] \x08\x0c")

    output = "".join(capsys.readouterr())
    assert "[blink]end[/blink]" in output
    for command in ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\x07", "\x08", "\x0c"):
        assert command not in output


def test_a_stream_that_lacks_a_character_does_not_end_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from adjudge.cli import main

    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr("sys.argv", ["adjudge", "--help"])
    with pytest.raises(SystemExit) as end:
        main()

    Screen().line("naïve 漢字")
    stdout.flush()

    assert end.value.code == 0
    assert b"na\\xefve" in stdout.buffer.getvalue()
