"""Pictures of accounts, for apps that show them in what they post: a plain square, one colour each."""

from __future__ import annotations

import colorsys
import hashlib
import struct
import zlib

from bot.rehearsal.state import Json

SIZES = (24, 32, 48, 72, 192, 512)  # those that Slack lists in a profile
PIXELS = 72


def addresses(origin: str, account: str) -> Json:
    """The `image_…` fields of a profile: one address for every size."""
    return {f"image_{size}": f"{origin}/avatars/{account}.png" for size in SIZES}


def png(account: str) -> bytes:
    """The picture of an account, the same in every run."""
    hue = hashlib.sha256(account.encode()).digest()[0] / 256
    colour = bytes(round(part * 255) for part in colorsys.hls_to_rgb(hue, 0.4, 0.45))
    rows = (b"\0" + colour * PIXELS) * PIXELS
    header = struct.pack(">IIBBBBB", PIXELS, PIXELS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
