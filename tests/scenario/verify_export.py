"""Verifies an export of dustctl without any code of dustd: Python's standard library and the openssl command.

    python3 verify_export.py EXPORT FINGERPRINT[,FINGERPRINT…] [HEADS]

HEADS: JSON lines that somebody kept of the topic `head`. Prints what was found; exit 0 when all is well."""
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile

ED25519 = bytes.fromhex("302a300506032b6570032100")  # before the 32 bytes of a public key, in DER


class Damaged(Exception):
    """What is wrong, and in which row."""


@functools.lru_cache(maxsize=None)
def signature_is_good(key, signed, signature):
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("key", "signed", "signature")]
        for name, content in zip(names, (ED25519 + key, signed, signature)):
            with open(name, "wb") as out:
                out.write(content)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0], "-rawin",
                               "-in", names[1], "-sigfile", names[2]], capture_output=True, check=False)
    return done.returncode == 0


def fingerprint(key):
    digits = hashlib.sha256(key).hexdigest()
    return "-".join(digits[i:i + 4] for i in range(0, 64, 4))


def signed_bytes(journal, told):
    return (b"dustd head 1" + bytes([told.get("simulated", False)]) + bytes.fromhex(journal)
            + told["head_seq"].to_bytes(8, "big") + bytes.fromhex(told["head_hash"]) + told["ts"].to_bytes(8, "big"))


class Walk:
    """Row after row; `covered` is the last row that a good signature stands for."""

    def __init__(self, journal, fingerprints, kept=()):
        self.journal, self.fingerprints, self.kept = journal, fingerprints, dict(kept)
        self.seq, self.hash, self.covered, self.heads = 0, bytes(32), 0, 0

    def row(self, line):
        try:
            self.check(json.loads(line))
        except Damaged:
            raise
        except Exception as error:  # whatever a damaged line makes of the reader
            raise Damaged(f"row {self.seq + 1}: {error!r}") from None

    def check(self, row):
        number = self.seq + 1
        if row["seq"] != number:
            raise Damaged(f"row {number} is missing")
        body = row.get("body")
        digest = bytes.fromhex(row["sha256"])
        if row["sha256"] != digest.hex() or (body is not None and hashlib.sha256(body.encode()).digest() != digest):
            raise Damaged(f"row {number}: the body does not have this SHA-256")
        head = hashlib.sha256(self.hash + number.to_bytes(8, "big") + digest).digest()
        if row["hash"] != head.hex():
            raise Damaged(f"row {number}: the hash does not follow")
        told = json.loads(body) if body is not None else None
        if told and [told["ts"], told["kind"], told["subject"]] != [row["at"], row["kind"], row["subject"]]:
            raise Damaged(f"row {number}: columns and body differ")
        if set(row) - {"seq", "at", "kind", "subject", "sha256", "hash", "body"} or (told is None and row["kind"] != "minute"):
            raise Damaged(f"row {number}: no such row is written")
        if told and told["kind"] == "head":
            self.signed(told)
        self.seq, self.hash = number, head
        if number in self.kept and self.kept[number] != head.hex():
            raise Damaged(f"row {number}: somebody kept another hash")

    def signed(self, told):
        key = bytes.fromhex(told["key"])
        if told["head_seq"] != self.seq or told["head_hash"] != self.hash.hex():
            raise Damaged(f"row {self.seq + 1}: signs for another row")
        if not signature_is_good(key, signed_bytes(self.journal, told), bytes.fromhex(told["sig"])):
            raise Damaged(f"row {self.seq + 1}: a false signature")
        if fingerprint(key) not in self.fingerprints:
            raise Damaged(f"row {self.seq + 1}: signed with the key {fingerprint(key)}")
        self.covered, self.heads = self.seq, self.heads + 1

    def end(self):
        for number in self.kept:
            if number > self.seq:
                raise Damaged(f"rows {self.seq + 1} to {number} are missing: somebody kept the hash of that")
        if not self.heads:
            raise Damaged("no head is signed")


def verify(lines, fingerprints, kept=()):
    """The finished Walk, or Damaged."""
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    walk = Walk(first["journal"], fingerprints, kept)
    for line in lines[1:-1]:
        if '"point"' not in line[:60]:
            walk.row(line)
    walk.end()
    if not last.get("end") or last["rows"] != walk.seq:
        raise Damaged("the export is not whole")
    return walk


def main():
    with open(sys.argv[1], encoding="utf-8") as export:
        lines = export.read().splitlines()
    kept = []
    for name in sys.argv[3:4]:
        with open(name, encoding="utf-8") as heads:
            messages = [json.loads(line) for line in heads if line.strip()]
        kept = [(m["head_seq"], m["head_hash"]) for m in messages if m["journal"] == json.loads(lines[0])["journal"]]
    try:
        walk = verify(lines, sys.argv[2].split(","), kept)
    except Damaged as damage:
        print(f"DAMAGED: {damage}")
        return 1
    print(f"{walk.seq} rows, {walk.heads} signed heads, signed up to row {walk.covered}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
