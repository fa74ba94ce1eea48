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
import sys
import tempfile
import time

import harness
import independent
import robots
import sites

MEMORY, DISK, PAGES = 0, 1, 2
SHORT = -1
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS, "short": SHORT}
FOREVER = 2**62
LIBRARY = harness.program("tests/libfaultlib.so")
# Where its fields are in struct fault_board.
FIRST, LAST, KIND, FAILED, LEARNING, ALL_THAT_FOLLOW, TARGET, CALLER = 24, 32, 40, 48, 56, 60, 64, 72
PATHS, PATHS_AT, PATH_BYTES = 1 << 15, 80, 32
BOARD_BYTES = PATHS_AT + PATHS * PATH_BYTES
# The storm tries everything; it does so in parts at a time, each a process that takes its share of the calls.
PART, PARTS = (int(n) for n in os.environ.get("DUST_PART", "0/1").split("/"))
OF_LOADER = "end by glibc's loader for a library's thread-local data"
ENDS_WITHIN_S = 30  # promised 5 s for a stop; a busy machine gets six times as much

# One device that breaches from 10:00 on: polls, minutes, verdicts, issues and a retained message each; a broker by TLS
# with a certificate of ours; a Unix user; a person who is told over HTTPS. The address is a number: glibc's resolver crashes by itself.
SIM = sites.BREACH_SIM
CONFIG = sites.BREACH.replace(sites.BROKER, """
mqtt:
  local: {host: 127.0.0.1, port: {tls}, ca_file: {dir}/ca.crt, cert_file: {dir}/gateway.crt, key_file: {dir}/gateway.key}
channels:
  hook: {kind: webhook, url_file: {dir}/hook.secret, ca_file: {dir}/ca.crt}
""").replace("inspector: {title: 检查人员,", "inspector: {title: 检查人员, unix_user: daemon, channels: [hook],")


class Board:
    """What is shared with the library; see struct fault_board."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.truncate(BOARD_BYTES)
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), BOARD_BYTES)

    def get(self, at):
        return struct.unpack_from("q", self.page, at)[0]

    def calls(self, kind):
        return self.get(8 * kind)

    def failed(self):
        return self.get(FAILED)

    def clear(self):
        """For a process to come: nothing fails, counters at 0."""
        self.page[:PATHS_AT] = bytes(PATHS_AT)

    def disarm_path(self):
        """One that has not come does not; one that has goes on failing."""
        struct.pack_into("Q", self.page, TARGET, 0)

    def disarm(self):
        self.disarm_path()
        struct.pack_into("q", self.page, FIRST, 0)

    def learn(self):
        """From now on each path to an allocation is noted."""
        self.page[PATHS_AT:] = bytes(BOARD_BYTES - PATHS_AT)
        struct.pack_into("i", self.page, LEARNING, 1)

    def learned(self):
        """(path, caller) of those noted, in the order of their first calls."""
        struct.pack_into("i", self.page, LEARNING, 0)
        slots = (struct.unpack_from("QQqq", self.page, PATHS_AT + PATH_BYTES * i) for i in range(PATHS))
        return [slot[:2] for slot in sorted((s for s in slots if s[0]), key=lambda s: s[2])]

    def arm_path(self, path, forever):
        """The next allocation on this path fails, alone or with all that follow."""
        struct.pack_into("q", self.page, FIRST, 0)
        struct.pack_into("q", self.page, FAILED, 0)
        struct.pack_into("i", self.page, ALL_THAT_FOLLOW, forever)
        struct.pack_into("Q", self.page, CALLER, path[1])
        struct.pack_into("Q", self.page, TARGET, path[0])

    def arm(self, kind, after, forever, error=errno.ENOMEM):
        """The call number `after` from now on (1: the next one) fails, alone or with all that follow."""
        first = self.calls(kind) + after
        struct.pack_into("q", self.page, FAILED, 0)
        struct.pack_into("q", self.page, LAST, FOREVER if forever else first)
        struct.pack_into("ii", self.page, KIND, kind, error)
        struct.pack_into("q", self.page, FIRST, first)


class Victim(harness.Site):
    """A site whose dustd has the library in it, and a subscriber that remembers every row ever told."""

    def __init__(self, rate):
        super().__init__(SIM, CONFIG, broker=False, rate=rate, start="2026-03-05T09:50:00+08:00", continuous=True)
        tls = harness.make_certificates(self.dir)
        port = harness.free_port()
        self.broker = harness.Broker(self.dir, f"listener {port} 127.0.0.1\nrequire_certificate true\n{tls}")
        self.config = CONFIG.replace("{tls}", str(port))
        self.robot = robots.Robot("webhook", self.dir)
        self.write("hook.secret", self.robot.url() + "\n")
        self.write("dustd.yaml", self.config)
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
        return subprocess.run(harness.dustctl("--socket", os.path.join(self.dir, "control.sock"), *args),
                              capture_output=True, text=True, timeout=harness.PATIENCE)

    def edit(self):
        """Another configuration in the same file, for a reload: another title, and in turn a device more, whose bus goes on,
        or a device less and another bus, which starts anew."""
        self.edits += 1
        extra = "  again: {bus: bus1, profile: nova-sds069, unit_id: 7, period: 60s}\n" if self.edits % 2 else ""
        other = "{transport: rtu, turnaround: 1ms," if self.edits // 2 % 2 else "{transport: rtu,"
        self.write("dustd.yaml", self.config.replace("一号扬尘仪", f"{self.edits}号扬尘仪").replace("limits:", f"{extra}limits:", 1)
                   .replace("{transport: rtu,", other))

    def start_ctl(self, *args):
        return subprocess.Popen(harness.dustctl("--socket", os.path.join(self.dir, "control.sock"), *args),
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
        self.ends, self.look_every = 0, 1  # what was lost at an end is missing after the next one too

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

    def result(self, what, **numbers):
        told = ", ".join(f"{n} {outcome}" for outcome, n in [*numbers.items(), *sorted(self.outcomes.items())])
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
        self.victim.progresses()
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
        of_glibc = self.of_glibc(status)
        if of_glibc:
            self.count(of_glibc)
            v.dustd.out.close()
            return status
        if status == 1 and "pthread_create" in v.said():
            allowed = allowed | {1}  # as where threads are limited
        self.assertIn(status, allowed, f"{where}: ended with {status}\n{v.said()}")
        if status:
            self.assertIn(" error: ", v.said(), f"{where}: ended with {status} and gave no reason")
        self.count(f"exit {status}")
        v.dustd.out.close()
        self.ends += 1
        if self.ends % self.look_every == 0:
            self.whole(where)
        return status

    def of_glibc(self, status):
        """glibc 2.36 itself ends a program when an allocation fails in its name service, or in its loader on the first use of a
        library's thread-local data (by a thread, or at exit): told apart by where that was. None: not glibc."""
        said = self.victim.said()
        aborts = "cannot allocate memory for thread-local data: ABORT" in said
        if (status in (-signal.SIGSEGV, -signal.SIGABRT) or aborts) and re.search(r"libc\.so\.6\((getpwnam|getgrnam|getaddrinfo)", said):
            return "crash of glibc in a look-up of a name"
        if status == 127 and aborts and re.search(r"ld-linux\S*\(__tls_get_addr\S*\n\S*/lib\S*\.so", said):
            return OF_LOADER
        return None

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

    def finish(self, what, **numbers):
        self.look_every = 1
        self.ensure_runs()
        self.stop("the last stop", {0})
        self.result(what, **numbers, rows_whole=self.told_once())


def sample(items, wanted):
    """Of this part's share of them so many, chosen by seed, in their order; all where there are no more. A number or a
    path says by itself whose it is, so that parts that have learned a little different paths leave out none."""
    mine = [i for i in items if (i[0] if isinstance(i, tuple) else i) % PARTS == PART]
    return mine if len(mine) <= wanted else [mine[i] for i in sorted(random.sample(range(len(mine)), wanted))]


def points(small):
    """How many calls to break; in the storm all, unless DUST_FAULTS bounds them."""
    return int(os.environ.get("DUST_FAULTS", 10**9)) if harness.STORM else small


def in_parts():
    """The storm: all parts at the same time, and their numbers together. Gives the status to exit with."""
    parts = int(os.environ.get("DUST_PARTS", "2"))
    with tempfile.TemporaryDirectory() as folder:
        running = [harness.Process([sys.executable, "-B", *sys.argv], os.path.join(folder, str(i)),
                                   {"DUST_PART": f"{i}/{parts}", "DUST_SEED": str(harness.SEED + i)}) for i in range(parts)]
        statuses = [p.popen.wait() for p in running]
        texts = [p.text() for p in running]
    totals = {}
    for line in "\n".join(texts).splitlines():
        _, result, told = line.partition("RESULT ")  # the test's name may stand before it
        if result:
            what, numbers = told.split(": ", 1)
            total = totals.setdefault(what, {})
            for n, outcome in (part.split(" ", 1) for part in numbers.split(", ")):
                together = max if outcome in ("paths", "allocations", "calls") else int.__add__
                total[outcome] = together(total.get(outcome, 0), int(n))
        else:
            print(line)
    for what, total in totals.items():
        print(f"RESULT {what}: {', '.join(f'{n} {outcome}' for outcome, n in total.items())}", flush=True)
    return max(statuses)


def main():
    if harness.STORM and "DUST_PART" not in os.environ:
        sys.exit(in_parts())
    harness.main()
