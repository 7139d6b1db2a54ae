"""The page on which a person tries the service: three files, from this server alone."""

from importlib.resources import files

from sbrcli.serve.answers import Answer

PAGE_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}
"""The file behind each path, and its type."""

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def read_page_file(path: str) -> Answer:
    """Return the file behind one of `PAGE_FILES`."""
    name, kind = PAGE_FILES[path]
    body = files("sbrcli.serve.page_files").joinpath(name).read_bytes()
    return Answer(200, body, _HEADERS | {"content-type": kind})
