"""The event page: read politely, its text line by line, and what differs between two readings in words.

Nothing here decides or stores anything: `bot.announcements.pages` does.
"""

from __future__ import annotations

import asyncio
import difflib
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from bot.programme.importing.entries import one_line
from bot.programme.importing.merging import fold
from bot.programme.model import Programme, Segment

LARGEST = 1_000_000  # bytes of a page, unpacked
WITHIN = 20.0  # wall seconds for all of it
REDIRECTS = 3
LINES, LINE = 2_000, 500  # of a page; what is longer is cut
COMPARED = 2_500  # pairs of lines that are looked at for rewording: a tenth of a millisecond each
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
USER_AGENT = "workshop-bot (event-page watch)"
_ERRORS = re.compile(
    r"^(?:error\b.*|(?:http )?(?:status )?[45]\d\d\b.*|(?:page )?not found.*|access denied.*|forbidden.*|"
    r"just a moment.*|service unavailable.*|(?:temporarily |site )?(?:unavailable|under maintenance).*|"
    r"maintenance|bad gateway.*|internal server error.*)$",
    re.IGNORECASE,
)


class Trouble(Exception):
    """The page was not read; `code` says why: status-503, timeout, unreachable, large, type, redirect,
    address, empty, error-page. `wait`: how many seconds the server asked to be left alone."""

    def __init__(self, code: str, *, wait: int = 0) -> None:
        self.code = code
        self.wait = wait
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Reading:
    """The page as it was read; `lines` None: unchanged since the reading that gave the validators."""

    lines: list[str] | None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a page says now and did not, no longer says, and says in other words; in the page's order."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    reworded: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.reworded)


class _Resolver(AbstractResolver):
    """Names to public addresses only, checked where the connection is made, so that a name cannot change
    between the check and the call."""

    def __init__(self, loopback: bool) -> None:
        self._asked = ThreadedResolver()
        self._loopback = loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._asked.resolve(host, port, family)
        if not found or not all(allowed(one["host"], loopback=self._loopback) for one in found):
            raise Trouble("address")
        return found

    async def close(self) -> None:
        await self._asked.close()


def allowed(address: str, *, loopback: bool = False) -> bool:
    """Whether an address is one that may be called: public, or (only if so said) this machine's own."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):  # an IPv4 address may be meant by it
        low = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        parsed = parsed.ipv4_mapped or parsed.sixtofour or (low if parsed in _NAT64 else parsed)
    if parsed.is_loopback:
        return loopback
    return parsed.is_global and not parsed.is_multicast


def local(url: str) -> bool:
    """Whether an address is on this machine, written so that it cannot be anywhere else."""
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")


async def read(
    url: str, *, etag: str | None = None, last_modified: str | None = None, loopback: bool = False
) -> Reading:
    """Read the page of that address, if it changed since those validators. Raises Trouble.

    Only its own host is called, whatever it redirects to; cookies, proxies and passwords are not used.
    Reference: RFC 9110 §13 (conditional requests).
    """
    headers = {"User-Agent": USER_AGENT, "Accept": "text/html, application/xhtml+xml"}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    connector = aiohttp.TCPConnector(resolver=_Resolver(loopback), force_close=True)
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=WITHIN),
            headers=headers,
        ) as session:
            return await _followed(session, url, loopback)
    except TimeoutError:
        raise Trouble("timeout") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        trouble = error.__cause__ if isinstance(error.__cause__, Trouble) else Trouble("unreachable")
        raise trouble from None


async def _followed(session: aiohttp.ClientSession, url: str, loopback: bool) -> Reading:
    home, at = urlsplit(url), url
    for _ in range(REDIRECTS + 1):
        parts = urlsplit(at)
        same = parts.hostname == home.hostname and (parts.scheme, parts.port) in (
            (home.scheme, home.port),
            ("https", None),
        )
        if not same or parts.scheme not in ("http", "https") or parts.username is not None:
            raise Trouble("redirect")
        if _is_address(parts.hostname) and not allowed(parts.hostname or "", loopback=loopback):
            raise Trouble("address")
        async with session.get(at, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308):
                at = urljoin(at, answer.headers.get("Location", ""))
                continue
            return await _taken(answer)
    raise Trouble("redirect")


async def _taken(answer: aiohttp.ClientResponse) -> Reading:
    etag, last_modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    if answer.status == 304:
        return Reading(None, etag, last_modified)
    if answer.status != 200:
        wait = answer.headers.get("Retry-After", "")
        raise Trouble(f"status-{answer.status}", wait=min(int(wait[:6]), 86_400) if wait.isdecimal() else 0)
    if answer.content_type not in ("text/html", "application/xhtml+xml", "text/plain"):
        raise Trouble("type")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > LARGEST:
            raise Trouble("large")
    try:
        text = bytes(body).decode(answer.charset or "utf-8", errors="replace")
    except LookupError:
        text = bytes(body).decode("utf-8", errors="replace")
    # libxml2 takes many seconds for a tag with a hundred thousand attributes; it lets go of the interpreter.
    lines = await asyncio.to_thread(lines_of, text)
    if not lines:
        raise Trouble("empty")
    if any(_ERRORS.match(line) for line in lines[:2]):
        raise Trouble("error-page")
    return Reading(lines, _header(etag), _header(last_modified))


def lines_of(html: str) -> list[str]:
    """What the page says, a line for each paragraph, heading, list entry or table row."""
    import html_text  # with lxml; only where a page is watched

    try:
        text = html_text.extract_text(html.replace("\x00", ""))
    except (ValueError, RecursionError):
        return []
    lines = (one_line(line)[:LINE] for line in text.splitlines())
    return [line for line in lines if line][:LINES]


def difference(old: Sequence[str], new: Sequence[str]) -> Difference:
    """What differs, in words. A line that only stands elsewhere is no difference."""
    before, after = set(old), set(new)
    removed = [line for line in old if line not in after]
    added = [line for line in new if line not in before]
    reworded = []
    for line in list(removed) if len(removed) * len(added) <= COMPARED else ():
        near = difflib.get_close_matches(line, added, n=1, cutoff=0.6)
        if near:
            reworded.append((line, near[0]))
            removed.remove(line)
            added.remove(near[0])
    return Difference(added, removed, reworded)


def vanished(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether most of the page is gone: a mishap of the page sooner than news."""
    kept = set(new)
    gone = sum(line not in kept for line in old)
    return len(old) >= 4 and gone > len(old) / 2 and len(new) < len(old)


_TIME = r"(\d{1,2})[:.h](\d{2})"
_ENTRY = re.compile(
    rf"{_TIME}\s*(?:(?:-|–|—|to|until)\s*{_TIME})?\s*(?:h|hrs|CET|CEST)?\s*[|:–—-]?\s+(\S.{{2,}})",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"\b(?:UTC|GMT|EST|EDT|PST|PDT|BST|JST|IST|[ap]\.?m\.?)\b", re.IGNORECASE)


def programme_of(lines: Sequence[str], base: Programme, tz: ZoneInfo) -> Programme | None:
    """The programme with the times the page gives, in the workshop's zone; None where none can be read.

    Only lines such as "14:00–14:20 Welcome" are read; one in another zone makes all of them doubtful. What
    the page does not name stays as it is: nothing is cancelled by being absent.
    """
    entries = [(line, match) for line in lines if (match := _ENTRY.fullmatch(line))]
    if not entries or len(entries) > 100 or any(_ELSEWHERE.search(line) for line, _ in entries):
        return None
    day, segments = base.starts.astimezone(tz).date(), list(base.segments)
    for _, match in entries:
        starts, ends = _at(day, match[1], match[2], tz), _at(day, match[3], match[4], tz)
        if starts is None or (match[3] and (ends is None or ends <= starts)):
            return None
        title = match[5].strip()[:300]
        known = next((n for n, one in enumerate(segments) if fold(one.title) == fold(title)), None)
        if known is not None:
            segments[known] = segments[known].model_copy(update={"starts": starts, "ends": ends})
        else:
            segments.append(Segment(id=_id(title, segments), title=title, starts=starts, ends=ends))
    made = base.model_copy(update={"segments": tuple(segments)})
    return made if made.segments != base.segments else None


def _at(day: date, hour: str | None, minute: str | None, tz: ZoneInfo) -> datetime | None:
    if hour is None or minute is None or not (int(hour) < 24 and int(minute) < 60):
        return None
    return datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=tz).astimezone(UTC)


def _id(title: str, segments: Sequence[Segment]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "segment"
    taken, number, made = {segment.id for segment in segments}, 2, slug
    while made in taken:
        made, number = f"{slug}-{number}", number + 1
    return made


def _header(value: str | None) -> str | None:
    """A validator worth sending back."""
    return value if value and len(value) <= 500 and value.isprintable() else None


def _is_address(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True
