"""A page of pictures and words in one HTML file, which needs no other: pictures are in it, and nothing is fetched."""
import base64
import html
from typing import NamedTuple

from minicnn.files import write_text

_STYLE = """body { margin: 2rem auto; max-width: 68rem; padding: 0 1rem; font: 1rem/1.5 sans-serif; color: #262626; background: white }
h1, h2 { line-height: 1.25 } h2 { margin-top: 2.5rem } img { max-width: 100%; height: auto }
pre { white-space: pre-wrap; background: #F4F4F4; padding: 0.7rem 1rem; font: 0.9rem/1.4 monospace }
section { break-inside: avoid }"""


class Section(NamedTuple):
    """A part of a page."""

    title: str
    explanation: str        # a sentence or two
    said: str = ""          # lines of figures
    picture: bytes = b""    # a WebP, which takes a sixth of the bytes of a PNG


def write(path, title, sections):
    """Write the page, whole or not at all. All text may hold any characters."""
    parts = [f"<section><h2>{html.escape(one.title)}</h2>\n<p>{html.escape(one.explanation)}</p>\n{_picture(one)}{_said(one)}</section>"
             for one in sections]
    write_text(path, f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_STYLE}</style></head>
<body>
<h1>{html.escape(title)}</h1>
{chr(10).join(parts)}
</body>
</html>
""")


def _picture(section):
    if not section.picture:
        return ""
    data = base64.b64encode(section.picture).decode()
    return f'<img alt="{html.escape(section.title, quote=True)}" src="data:image/webp;base64,{data}">\n'


def _said(section):
    return f"<pre>{html.escape(section.said)}</pre>\n" if section.said else ""
