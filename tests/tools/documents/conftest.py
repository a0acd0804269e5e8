"""Small files of each kind, written by hand so that the tests need no writer of them."""

import io
import zipfile
from collections.abc import Callable, Sequence

import pytest

PdfOf = Callable[..., bytes]
DocxOf = Callable[..., bytes]
_SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def write_pdf(pages: Sequence[str], title: str = "", extra: Sequence[bytes] = (), trailer: str = "") -> bytes:
    """A PDF with one page for each content stream; `F` is Helvetica. Objects: 1 catalog, 2 pages, 3 font, 4 info."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({title}) >>".encode(),
    ]
    for number, stream in enumerate(pages):
        facts = "/Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F 3 0 R >> >>"
        objects.append(f"<< {facts} /Contents {6 + 2 * number} 0 R >>".encode())
        raw = stream.encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(raw), raw))
    objects += extra
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    facts = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info 4 0 R {trailer} >>"
    return bytes(out + f"trailer\n{facts}\nstartxref\n{start}\n%%EOF\n".encode())


def text_at(*placed: tuple[float, float, str]) -> str:
    """A content stream that writes each text at its place, in points from the bottom left."""
    return "\n".join(f"BT /F 12 Tf {x} {y} Td ({text}) Tj ET" for x, y, text in placed)


def write_docx(body: str, title: str = "", extra: Sequence[tuple[str, bytes]] = (), head: str = "") -> bytes:
    """A DOCX with that XML in its body; styles `Heading1` and `Heading2` under ids of another language."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="berschrift{level}"><w:name w:val="heading {level}"/></w:style>'
        for level in (1, 2)
    )
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "word/document.xml": f'{head}<w:document xmlns:w="{_SPACE}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": f'<w:styles xmlns:w="{_SPACE}">{styles}</w:styles>',
        "docProps/core.xml": '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
        f'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
        "</cp:coreProperties>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, raw in extra:
            archive.writestr(name, raw)
    return out.getvalue()


@pytest.fixture
def pdf_of() -> PdfOf:
    return write_pdf


@pytest.fixture
def text_pdf() -> Callable[[Sequence[str]], bytes]:
    """A PDF with one line of text a page."""
    return lambda pages: write_pdf([text_at((50, 700, text)) for text in pages])


@pytest.fixture
def placed() -> Callable[..., str]:
    return text_at


@pytest.fixture
def docx_of() -> DocxOf:
    return write_docx
