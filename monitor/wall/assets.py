"""The page's files, read once from the package, so that a zipped install serves them too."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

CONTENT_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    content_type: str
    etag: str


def load_assets() -> Mapping[str, Asset]:
    """Return every file of `static/` by its name."""
    folder = files("monitor.wall") / "static"
    return {
        file.name: _asset(file.name, file.read_bytes())
        for file in folder.iterdir()
        if PurePosixPath(file.name).suffix in CONTENT_TYPES
    }


def _asset(name: str, body: bytes) -> Asset:
    content_type = CONTENT_TYPES[PurePosixPath(name).suffix]
    return Asset(body=body, content_type=content_type, etag=sha256(body).hexdigest()[:20])
