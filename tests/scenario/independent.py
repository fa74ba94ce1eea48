"""What dustd claims, computed again by another program from what it exports. Shares no code with it."""
import hashlib
import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def chain_is_whole(rows):
    """Walks hash = SHA-256(previous hash, seq as 8 bytes big-endian, SHA-256(body)) from the first row."""
    head, expected = bytes(32), 1
    for row in rows:
        body = row["body"].encode()
        digest = hashlib.sha256(body).digest()
        head = hashlib.sha256(head + row["seq"].to_bytes(8, "big") + digest).digest()
        told = json.loads(body)
        columns = (told["ts"], told["kind"], told["subject"]) == (row["at"], row["kind"], row["subject"])
        if row["seq"] != expected or row["sha256"] != digest.hex() or row["hash"] != head.hex() or not columns:
            return False
        expected += 1
    return True


def rounded(value, decimals=4):
    return float(Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN))


def stamp_ms(text):
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def stamp(ms, zone_min=480):
    return datetime.fromtimestamp(ms / 1000, timezone(timedelta(minutes=zone_min))).isoformat(timespec="milliseconds")


def minute_means(samples):
    """{(point, minute): (mean, n)} of the valid samples."""
    groups = defaultdict(list)
    for s in samples:
        if s["q"] == "N":
            groups[s["point"], s["at"] // MINUTE_MS * MINUTE_MS].append(s["v"])
    return {key: (sum(values) / len(values), len(values)) for key, values in groups.items()}


def windows(rows, point, length_ms, zone_min=480):
    """{start: (mean, valid minutes)} of a longer window, from the minute rows whose quality is N."""
    groups = defaultdict(list)
    for row in rows:
        if row["kind"] != "minute":
            continue
        value = json.loads(row["body"])["points"].get(point)
        local = row["at"] + zone_min * MINUTE_MS
        if value and value["q"] == "N":
            groups[local // length_ms * length_ms - zone_min * MINUTE_MS].append(value["mean"])
    return {start: (sum(v) / len(v), len(v)) for start, v in groups.items()}


def breaches(rows, point, length_ms, limit, zone_min=480):
    """Starts of the windows whose mean of at least 75 % valid minutes reaches the limit."""
    need = -(-length_ms // MINUTE_MS * 3 // 4)
    return sorted(start for start, (mean, n) in windows(rows, point, length_ms, zone_min).items()
                  if n >= need and round(mean, 4) >= limit)


def told_breaches(rows, limit_id):
    """Starts of the windows that dustd's own verdict rows call a breach."""
    return sorted(row["at"] for row in rows if row["kind"] == "verdict" and row["subject"] == limit_id
                  and json.loads(row["body"])["verdict"] == "breach")
