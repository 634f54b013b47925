"""The datasets' pages for search engines: robots.txt and sitemaps.

Sources: https://www.rfc-editor.org/rfc/rfc9309, https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

LARGEST: Final = 50_000
"""Addresses that one sitemap may hold."""
_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def robots(address: str) -> str:
    """Allow everything but queries, which cost much and are no pages; name the sitemap below ``address``."""
    return f"User-agent: *\nDisallow: /sparql?\nDisallow: /graphs?\nAllow: /\n\nSitemap: {address}sitemap.xml\n"


def urlset(pages: Iterable[tuple[str, str]]) -> bytes:
    """Give the sitemap of pages, each an address and the day of its last change or the empty text."""
    lines = (
        f"<url><loc>{escape(page)}</loc>{f'<lastmod>{escape(day)}</lastmod>' if day else ''}</url>\n"
        for page, day in pages
    )
    return f'{_HEAD}<urlset xmlns="{_NAMESPACE}">\n{"".join(lines)}</urlset>\n'.encode()


def index(parts: Iterable[str]) -> bytes:
    """Give the index of sitemaps."""
    lines = (f"<sitemap><loc>{escape(part)}</loc></sitemap>\n" for part in parts)
    return f'{_HEAD}<sitemapindex xmlns="{_NAMESPACE}">\n{"".join(lines)}</sitemapindex>\n'.encode()
