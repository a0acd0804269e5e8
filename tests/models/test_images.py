"""Images of a case come from one folder or as data, are what they say, and stay small."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import CaseError, ToolError
from adjudge.models import images
from adjudge.models.images import resolve_images
from adjudge.models.pixels import image_format, pixels
from adjudge.types import Case, Message


def png(width: int = 3, height: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0"


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def jpeg(width: int = 3, height: int = 2, frame: int = 0xC0, before: bytes = b"") -> bytes:
    app0 = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    sof = bytes([0xFF, frame]) + struct.pack(">HBHH", 11, 8, height, width) + b"\x01\x01\x11\0"
    return b"\xff\xd8" + app0 + before + sof


def webp(kind: bytes, width: int = 3, height: int = 2) -> bytes:
    bodies = {
        b"VP8X": b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
        b"VP8L": b"\x2f" + (((width - 1) | (height - 1) << 14) & 0xFFFFFFFF).to_bytes(4, "little") + b"\0" * 8,
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width & 0xFFFF, height & 0xFFFF) + b"\0" * 4,
    }
    body = bodies[kind]
    return b"RIFF" + struct.pack("<I", len(body) + 12) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


REAL = {
    "png": png(),
    "gif": gif(),
    "jpeg": jpeg(),
    "webp": webp(b"VP8X"),
}


def asking(*urls: str) -> list[Message]:
    blocks: Any = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    return [
        {"role": "system", "content": "Judge."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, *blocks]},
    ]


def resolved(*urls: str, root: Path | None = None, fetch: Any = None) -> list[str]:
    messages = asyncio.run(resolve_images(asking(*urls), root, fetch))
    content: Any = messages[1]["content"]
    assert messages[0]["content"] == "Judge."
    assert content[0] == {"type": "text", "text": "What is this?"}
    assert all(block["image_url"]["detail"] == "low" for block in content[1:])
    return [block["image_url"]["url"] for block in content[1:]]


def as_data(raw: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


@pytest.mark.parametrize("kind", REAL)
def test_a_file_under_the_root_becomes_data(tmp_path: Path, kind: str) -> None:
    (tmp_path / "pictures").mkdir()
    file = tmp_path / "pictures" / "one.bin"  # the ending says nothing
    file.write_bytes(REAL[kind])
    wanted = as_data(REAL[kind], f"image/{kind}")
    assert resolved("pictures/one.bin", str(file), root=tmp_path) == [wanted, wanted]


def test_a_case_keeps_everything_else(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    case = Case(prompt=asking("a.png"), responses=("x", "y"), label="A", metadata={"k": 1})
    found = asyncio.run(resolve_images(case, tmp_path))
    assert (found.id, found.label, found.metadata, found.responses) == (case.id, "A", {"k": 1}, case.responses)
    assert isinstance(found.prompt, list)
    assert asyncio.run(resolve_images(found, None)) == found


def test_a_case_without_images_is_left_as_it_is() -> None:
    for prompt in ("text", [{"role": "user", "content": "text"}]):
        case = Case.model_validate({"prompt": prompt, "responses": ["x"]})
        assert asyncio.run(resolve_images(case, None)) is case


def test_data_is_labelled_by_what_it_is() -> None:
    assert resolved(as_data(jpeg(), "text/html")) == [as_data(jpeg(), "image/jpeg")]


def outside(tmp_path: Path) -> Path:
    """A root with, beside it, a secret that looks like an image."""
    root = tmp_path / "cases"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (tmp_path / "cases-other").mkdir()
    (tmp_path / "cases-other" / "secret.png").write_bytes(png())
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "folder").symlink_to(tmp_path)
    (root / "round").symlink_to(root / "round")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("../secret.png", "must lie under"),
        ("../cases-other/secret.png", "must lie under"),
        ("link.png", "must lie under"),
        ("folder/secret.png", "must lie under"),
        ("/etc/hostname", "must lie under"),
        ("/proc/self/environ", "must lie under"),
        ("round", "cannot be read"),
        ("pipe", "must be a file"),
        (".", "cannot be read|must be a file"),
        ("absent.png", "cannot be read"),
        ("a\0b", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("", "cannot be read|must be a file"),
        ("file:///etc/hostname", "cannot come from a file: address"),
        ("FILE:///etc/hostname", "cannot come from a file: address"),
        ("ftp://host/a.png", "cannot come from a ftp: address"),
        ("gopher://127.0.0.1:6379/x", "cannot come from a gopher: address"),
        ("http://169.254.169.254/latest", "not fetched from the web"),
        ("HTTPS://example.org/a.png", "not fetched from the web"),
    ],
)
def test_nothing_is_read_from_elsewhere(tmp_path: Path, written: str, words: str) -> None:
    with pytest.raises(CaseError, match=words) as caught:
        resolved(written, root=outside(tmp_path))
    assert caught.value.key == "messages.1.content.1"


def test_without_a_root_no_path_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png())
    with pytest.raises(CaseError, match="no folder is set"):
        resolved(str(file))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (as_data(b"%PDF-1.7 and more"), "no image that a model can read"),
        (as_data(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), "no image that a model can read"),
        (as_data(b""), "no image that a model can read"),
        ("data:image/png;base64,@@@@", "cannot be read"),
        ("data:image/png;base64,iVBORw0KGg", "cannot be read"),
        ("data:image/png,%89PNG", "must be in base64"),
        ("data:image/png;base64", "must be in base64"),
        (as_data(png()[:20]), "damaged"),
        (as_data(jpeg()[:24]), "damaged"),
        (as_data(b"\xff\xd8\xff\xe0" + b"\0" * 2_000_000), "damaged"),
        (as_data(png(100_000, 100_000)), "100000 x 100000 pixels"),
        (as_data(png(2**31 - 1, 2**31 - 1)), "pixels"),
        (as_data(webp(b"VP8X", 2**24, 2**24)), "pixels"),
        (as_data(gif(65535, 65535)), "pixels"),
        (as_data(jpeg(65535, 65535, 0xC2)), "pixels"),
        (as_data(png(0, 5)), "pixels"),
    ],
)
def test_data_that_is_no_usable_image_is_refused(url: str, words: str) -> None:
    with pytest.raises(CaseError, match=words):
        resolved(url)


def test_a_large_image_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    large = png() + b"\0" * images.MAX_BYTES
    (tmp_path / "large.png").write_bytes(large)
    for url in (as_data(large), "large.png"):
        with pytest.raises(CaseError, match="more than 10 MiB"):
            resolved(url, root=tmp_path)


def test_many_images_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CaseError, match="more images than 64"):
        resolved(*[as_data(png())] * (images.MAX_IMAGES + 1))
    monkeypatch.setattr(images, "MAX_TOTAL", 100)
    with pytest.raises(CaseError, match="more images than"):
        resolved(*[as_data(png())] * 5)


def test_a_web_address_goes_through_the_function_that_was_handed_in() -> None:
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        return png()

    assert resolved("https://example.org/a.png", fetch=fetch) == [as_data(png())]
    assert asked == ["https://example.org/a.png"]


def test_a_page_in_place_of_an_image_and_a_refusal_are_told() -> None:
    async def page(url: str) -> bytes:
        return b"<html>"

    async def refused(url: str) -> bytes:
        raise ToolError("127.0.0.1 is a loopback address")

    with pytest.raises(CaseError, match="no image that a model can read"):
        resolved("http://example.org/a.png", fetch=page)
    with pytest.raises(CaseError, match="cannot be fetched: 127"):
        resolved("http://127.0.0.1/a.png", fetch=refused)


@pytest.mark.parametrize(
    "raw",
    [
        png(640, 480),
        gif(640, 480),
        jpeg(640, 480),
        jpeg(640, 480, 0xC2),
        jpeg(640, 480, before=b"\xff\xff\xff\xfe\0\x04hi"),
        jpeg(640, 480, before=b"\xff\xc4\0\x04\0\0"),  # a table whose marker looks like a frame's
        jpeg(640, 480, before=b"\xff\xe1\0\x14" + b"\xff\xc0\0\x0b\x08\0\x01\0\x01" + b"\0" * 9),  # a thumbnail
        webp(b"VP8X", 640, 480),
        webp(b"VP8L", 640, 480),
        webp(b"VP8 ", 640, 480),
    ],
)
def test_the_size_stands_in_the_header(raw: bytes) -> None:
    assert pixels(raw, str(image_format(raw))) == (640, 480)


@given(st.sampled_from(sorted(REAL)), st.binary(max_size=200), st.integers(0, 60))
def test_damaged_headers_are_survived(kind: str, noise: bytes, keep: int) -> None:
    pixels(REAL[kind][:keep] + noise, kind)


def test_sizes_agree_with_a_decoder(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    picture = pillow.new("RGB", (37, 21), (200, 10, 10))
    for kind, options in (
        ("png", {}),
        ("gif", {}),
        ("jpeg", {"progressive": True}),
        ("jpeg", {}),
        ("webp", {}),
        ("webp", {"lossless": True}),
    ):
        file = tmp_path / "picture"
        picture.save(file, kind.upper(), **options)
        raw = file.read_bytes()
        assert image_format(raw) == kind
        assert pixels(raw, kind) == (37, 21)
