"""What a daemon wrote, judged anew by dustd --replay from its own export, and held against what it said itself."""
import gzip
import json
import os
import subprocess

import harness

DUSTD = harness.program("dustd")
SHIPPED = os.path.join(harness.SOURCE, "config")
# What a back-test cannot say or has no use for: the machine and its lines, who was told, what was put in (it is taken from
# there), the minutes themselves. docs/interface.md says so under "Back-test".
NOT_SAID_ANEW = {"boot", "clock", "device", "gap", "head", "key", "line", "minute", "settings", "stop", "alert", "alerted",
                 "alive", "background", "calendar", "camera", "inspection", "maintenance", "passage", "stage", "warning"}
KINDS = ("verdict", "running", "quality", "hour", "day", "issue", "requirement")


def replay(config, files, *more):
    """The completed process; its lines are for people unless --json is among `more`."""
    return subprocess.run([DUSTD, "-c", config, "--data", SHIPPED, *more, "--replay", *files], capture_output=True, text=True,
                          timeout=harness.HANGS, check=False)


def words(rows, kinds=KINDS):
    """What rows say, without numbers of rows and people's clocks."""
    out = []
    for r in rows:
        if r["kind"] not in kinds:
            continue
        body = {k: v for k, v in r.items() if k not in ("seq", "simulated", "late", "again", "corrects")}
        if body["kind"] == "issue":
            body = {k: body.get(k) for k in ("kind", "subject", "step", "title")}
        out.append(json.dumps(body, sort_keys=True, ensure_ascii=False))
    return out


def said(lines, kinds=KINDS):
    """The words of an export's rows."""
    rows = [json.loads(line) for line in lines]
    return words([json.loads(r["body"]) for r in rows if r.get("kind") in kinds], kinds)


def anew(site, lines, kinds=KINDS):
    """The words of a back-test of these lines of an export."""
    path = os.path.join(site.dir, "export.jsonl.gz")
    with gzip.open(path, "wt") as out:
        out.write("\n".join(lines) + "\n")
    result = replay(site.config_file, [path], "--json")
    if result.returncode or result.stderr:
        raise AssertionError(f"dustd --replay: {result.returncode}: {result.stderr}")
    return words(map(json.loads, result.stdout.splitlines()), kinds)
