"""The pages in docs/ as data: links, tables, and blocks of code."""

import re
from pathlib import Path

from tests.support.program import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "grafana/README.md")),
    *sorted(DOCS.rglob("*.md")),
]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(page):
    return page.read_text(encoding="utf-8")


def links(page):
    """Return the targets of a page's links and pictures that are in the tree."""
    return [link for link in _LINK.findall(text(page)) if "://" not in link]


def anchors(page):
    """Return the names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page, language):
    """Return the blocks of code in a language."""
    return [code for kind, code in _BLOCK.findall(text(page)) if kind == language]


def rows(page: Path, columns):
    """Return the rows of a page's tables that have so many columns; heads are among them."""
    lines = [line for line in text(page).splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    return [row for row in found if len(row) == columns and set(row[0]) != {"-"}]
