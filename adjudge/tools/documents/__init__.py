"""Read the documents of a case: PDF, DOCX, HTML, PNG, JPEG, CSV and text; by page, by question, or by looking.

    tools = [read_document(root="documents"), view_page(root="documents")]
    pages = await extract_pdf_pages(data)              # for code: the text of a PDF by page

Every file is parsed in a child process with limits on time, memory and output (`adjudge/tools/child.py`). A judgement
parses a document once. Evidence cites the page, and for text read off a picture the region. Files are found by id
among the case's documents, and only under the one folder that the settings name.
"""

from adjudge.tools.documents.extracting import extract_pdf_pages
from adjudge.tools.documents.tools import (
    ReadDocumentSettings,
    ViewPageSettings,
    build_read_document,
    build_view_page,
    read_document,
    view_page,
)

__all__ = [
    "ReadDocumentSettings",
    "ViewPageSettings",
    "build_read_document",
    "build_view_page",
    "extract_pdf_pages",
    "read_document",
    "view_page",
]
