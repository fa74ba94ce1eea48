"""Steers tests/fixture/faultlib.c: the n-th allocation, write, fsync or truncation of a running dustd fails."""
import contextlib
import errno
import json
import mmap
import os
import random
import re
import signal
import struct
import subprocess
import time

import harness
import independent
import sites

MEMORY, DISK = 0, 1
SHORT = -1
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS, "short": SHORT}
FOREVER = 2**62
LIBRARY = harness.program("tests/libfaultlib.so")
BOARD_BYTES = 56
ENDS_WITHIN_S = 30  # promised 5 s for a stop; a busy machine gets six times as much

# One device that breaches from 10:00 on: polls, minutes, verdicts, issues and a retained message each. Numeric
# addresses only, and no Unix users: name look-ups of glibc 2.36 crash by themselves when an allocation fails.
SIM = sites.BREACH_SIM
CONFIG = sites.BREACH


class Board:
    """The page shared with the library; see struct fault_board."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(4096))
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 4096)

    def get(self, at):
        return struct.unpack_from("q", self.page, at)[0]

    def calls(self, kind):
        return self.get(8 * kind)

    def failed(self):
        return self.get(40)

    def clear(self):
        """For a process to come: nothing fails, counters at 0."""
        self.page[:BOARD_BYTES] = bytes(BOARD_BYTES)

    def disarm(self):
        struct.pack_into("q", self.page, 16, 0)

    def arm(self, kind, after, forever, error=errno.ENOMEM):
        """The call number `after` from now on (1: the next one) fails, alone or with all that follow."""
        first = self.calls(kind) + after
        struct.pack_into("q", self.page, 40, 0)
        struct.pack_into("q", self.page, 24, FOREVER if forever else first)
        struct.pack_into("ii", self.page, 32, kind, error)
        struct.pack_into("q", self.page, 16, first)


class Victim(harness.Site):
    """A site whose dustd has the library in it, and a subscriber that remembers every row ever told."""

    def __init__(self, rate):
        super().__init__(SIM, CONFIG, rate=rate, start="2026-03-05T09:50:00+08:00", continuous=True)
        self.board = Board(os.path.join(self.dir, "board"))
        self.seen = self.watcher()
        self.rows, self.order, self.read = {}, [], 0
        self.edits = 0
        self.logged = 0
        self.start_sim()

    def preload(self):
        return {"LD_PRELOAD": LIBRARY, "FAULT_BOARD": self.board.path,
                "FAULT_DIR": os.path.realpath(os.path.join(self.dir, "state")),
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}

    def launch(self):
        """dustd, not waited for."""
        self.logged = os.path.getsize(os.path.join(self.dir, "dustd.log")) if self.dustd else 0
        self.dustd = harness.Process([harness.program("dustd"), "-c", self.config_file, "--data",
                                      os.path.join(harness.SOURCE, "config"), "--simulated", *self.dustd_clock()],
                                     os.path.join(self.dir, "dustd.log"), self.preload())

    def told(self):
        """Every row the subscriber ever saw, by seq; fails when one was told with two contents."""
        with open(self.seen.file, errors="replace") as f:
            f.seek(self.read)
            text = f.read()
        whole = text[:text.rfind("\n") + 1]
        self.read += len(whole.encode())
        for line in whole.splitlines():
            message = json.loads(line.split(" ", 2)[2]) if '"seq":' in line and '"hash":' in line else None
            if message and self.rows.setdefault(message["seq"], message) != message:
                raise AssertionError(f"seq {message['seq']} was told with two contents")
            if message and (not self.order or message["seq"] > self.order[-1]):
                self.order.append(message["seq"])
        return self.rows

    def said(self):
        """The log of this run."""
        with open(os.path.join(self.dir, "dustd.log"), "rb") as f:
            f.seek(self.logged)
            return f.read().decode(errors="replace")

    def live(self):
        """The status, or None once it has ended or when it does not answer in time."""
        return self.status() if self.dustd.running() else None

    def try_ctl(self, *args):
        """dustctl's outcome, whatever it is."""
        return subprocess.run([harness.program("dustctl"), "--socket", os.path.join(self.dir, "control.sock"), *args],
                              capture_output=True, text=True, timeout=harness.PATIENCE)

    def edit(self):
        """Another configuration in the same file, for a reload: a device more, a device less, another title."""
        self.edits += 1
        extra = "  again: {bus: bus1, profile: nova-sds069, unit_id: 7, period: 60s}\n" if self.edits % 2 else ""
        self.write("dustd.yaml", CONFIG.replace("一号扬尘仪", f"{self.edits}号扬尘仪").replace("limits:", f"{extra}limits:", 1))

    def start_ctl(self, *args):
        return subprocess.Popen([harness.program("dustctl"), "--socket", os.path.join(self.dir, "control.sock"), *args],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def progresses(self):
        """Waits until rows are committed that were not (True), or it has ended (False)."""
        before = harness.wait_for("an answer or the end", lambda: self.live() or not self.dustd.running())
        if before is True:
            return False
        harness.wait_for("rows or the end", lambda: not self.dustd.running() or
                         (self.live() or before)["committed"] > before["committed"] + 1)
        return self.dustd.running()


class FaultTest(harness.ScenarioTest):
    """Starts a victim, breaks it at chosen calls, and says after each run whether all is as it must be."""

    rate = 300  # a minute is 200 ms, and a busy machine still reads a meter every 33 ms

    def setUp(self):
        super().setUp()
        if not os.path.exists(LIBRARY):
            self.skipTest("no libfaultlib.so beside the tests")
        self.victim = Victim(self.rate)
        self.sites.append(self.victim)
        self.journal = None
        self.outcomes = {}

    @contextlib.contextmanager
    def point(self, where):
        """One call that fails; what goes wrong is told at once, and the next one is tried."""
        with self.subTest(where):
            try:
                yield
            except AssertionError as why:
                print(f"FAILED {why}", flush=True)
                raise

    def count(self, outcome):
        if not self.victim.board.failed() and outcome != "exit 0":
            outcome = "did not come to that call"
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def result(self, what):
        told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(self.outcomes.items()))
        print(f"RESULT {what}: {told}", flush=True)

    def ensure_runs(self):
        if self.victim.dustd is None or not self.victim.dustd.running():
            self.victim.board.clear()
            self.victim.launch()
            self.assertTrue(self.victim.progresses(), self.victim.said())

    def calls_of_a_start(self, kind):
        """How many calls a start makes that has something to restore; a stopped daemon is left."""
        self.ensure_runs()
        self.stop("first stop", {0})
        self.victim.board.clear()
        self.victim.launch()
        harness.wait_for("the second start", self.victim.live)
        calls = self.victim.board.calls(kind)
        self.stop("second stop", {0})
        return calls

    def ended(self, where, allowed):
        """The exit status of a process that has ended or must end now; its files are looked at."""
        v = self.victim
        try:
            status = v.dustd.popen.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.hangs(where)
        self.assertIn(status, allowed, f"{where}: ended with {status}\n{v.said()}")
        if status:
            self.assertIn(" error: ", v.said(), f"{where}: ended with {status} and gave no reason")
        self.count(f"exit {status}")
        v.dustd.out.close()
        self.whole(where)
        return status

    def hangs(self, where):
        v = self.victim
        done = subprocess.run(["gdb", "-p", str(v.dustd.popen.pid), "-batch", "-ex", "thread apply all bt"],
                              capture_output=True, text=True) if harness.shutil.which("gdb") else None
        v.dustd.kill()
        self.fail(f"{where}: hangs\n{v.said()}\n{done.stdout if done else ''}")

    def stop(self, where, allowed, sig=signal.SIGTERM):
        if self.victim.dustd.running():
            self.victim.dustd.popen.send_signal(sig)
        return self.ended(where, allowed)

    def whole(self, where):
        """The chain is whole, it is the same database, and no row is missing that the subscriber saw."""
        v = self.victim
        if not os.path.exists(v.database()):
            return
        aside = [name for name in os.listdir(os.path.dirname(v.database())) if re.search("damaged|condemned", name)]
        self.assertEqual(aside, [], f"{where}: taken for damaged\n{v.said()}")
        heads, rows = os.path.join(v.dir, "heads.jsonl"), v.told()
        with open(heads, "w") as f:
            f.writelines(json.dumps({k: m[k] for k in ("journal", "seq", "hash")}) + "\n" for m in rows.values())
        done = subprocess.run([harness.program("dustctl"), "--db", v.database(), "verify"] +
                              (["--heads", heads] if rows else []), capture_output=True, text=True)
        empty = done.returncode == 1 and not rows  # it may have ended before the first row
        self.assertTrue(empty or done.returncode == (0 if rows else 3),
                        f"{where}: {done.stdout}{done.stderr}\n{v.said()}")
        journals = {m["journal"] for m in rows.values()}
        self.assertLessEqual(len(journals), 1, f"{where}: a new journal began")

    def told_once(self):
        """At the very end: what the subscriber saw has no gap. Gives the number of rows."""
        self.victim.told()
        order = self.victim.order
        self.assertEqual(order, list(range(1, len(order) + 1)), "a gap")
        rows, _ = self.victim.export("--rows")
        self.assertTrue(independent.chain_is_whole(rows))
        return len(rows)

    def finish(self, what):
        self.ensure_runs()
        self.stop("the last stop", {0})
        self.result(f"{what}: {self.told_once()} rows whole")


def sample(most, wanted):
    """Seeded numbers of 1..most: all of them when there are no more than wanted."""
    return list(range(1, most + 1)) if most <= wanted else sorted(random.sample(range(1, most + 1), wanted))


def points(small, storm):
    """How many calls to break; DUST_FAULTS bounds the storm's."""
    return min(storm, int(os.environ.get("DUST_FAULTS", storm))) if harness.STORM else small
