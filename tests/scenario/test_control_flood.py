"""Hostile clients of the control socket of a running daemon: floods, drips, readers that do not read. Measuring goes
on, memory and processor stay bounded, and whoever asks as he should is answered.

DUST_STORM=1 floods for a minute each.
"""
import errno
import json
import os
import shutil
import socket
import threading
import time
import unittest

import harness
import sites

SPAN_S = 60 if harness.STORM else 4
AS_ROOT = os.geteuid() == 0

CONFIG = sites.HEAD + sites.BUS + sites.DEVICES + sites.LIMITS


class Flood(harness.ScenarioTest):
    def setUp(self):
        super().setUp()
        self.here = self.site(sites.BREACH_SIM, CONFIG, broker=False, rate=10)
        os.chmod(self.here.dir, 0o755)
        self.here.start_sim()
        self.here.start_dustd()
        self.path = os.path.join(self.here.dir, "control.sock")
        self.counts = {"sent": 0, "answers": 0, "busy": 0, "refused": 0, "connects": 0, "turned away": 0}
        self.over = threading.Event()

    def dial(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(1)
        client.connect(self.path)
        return client

    def flood(self, *jobs):
        """Runs the jobs side by side for the time of a flood; what the daemon was in the meantime."""
        threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        before, began = self.usage(), time.monotonic()
        for thread in threads:
            thread.start()
        slowest = 0
        while time.monotonic() < began + SPAN_S:
            asked = time.monotonic()
            harness.wait_for("a status", self.here.status)  # the same user: it may be told busy too
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.1)
        self.over.set()
        for thread in threads:
            thread.join(harness.PATIENCE)
        after, span = self.usage(), time.monotonic() - began
        return {"cpu": (after[0] - before[0]) / span, "rss_mb": after[1], "fds": after[2], "slowest_s": slowest,
                "span_s": span}

    def usage(self):
        """Seconds of processor, MB of memory, descriptors."""
        pid = self.here.dustd.popen.pid
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return (ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6,
                len(os.listdir(f"/proc/{pid}/fd")))

    def polls_go_on(self):
        """Hardly a slot was missed (in the storm one of each read; elsewhere the machine itself is busy), and readings come."""
        buses = harness.wait_for("a status", self.here.status)["buses"]
        answers = buses[0]["answers"]
        self.assertLessEqual(sum(b["late_slots"] for b in buses), 4 if harness.STORM else max(4, answers / 2))
        harness.wait_for("further readings",
                         lambda: (self.here.status() or {"buses": [{"answers": 0}]})["buses"][0]["answers"] > answers)

    def report(self, what, found):
        print(f"RESULT control flood {what}: cpu {found['cpu']:.2f} rss {found['rss_mb']:.0f} MB fds {found['fds']} "
              f"slowest status {found['slowest_s'] * 1000:.0f} ms " + " ".join(f"{k} {v}" for k, v in self.counts.items() if v),
              flush=True)

    def ask_without_end(self, line):
        """As fast as it can, many at a time, on one connection."""
        try:
            client = self.dial()
            while not self.over.is_set():
                client.sendall(line * 50)
                self.counts["sent"] += 50
                heard = b""
                while heard.count(b"\n") < 50 and not self.over.is_set():
                    try:
                        heard += client.recv(65536)
                    except TimeoutError:
                        continue
                self.counts["busy"] += heard.count(b'"busy')
                self.counts["refused"] += heard.count(b"is not")
                self.counts["answers"] += heard.count(b'"ok":true')
            client.close()
        except OSError:
            pass

    def connect_without_end(self):
        while not self.over.is_set():
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            try:
                client.connect(self.path)
                self.counts["connects"] += 1
            except OSError as error:
                self.counts["turned away"] += error.errno == errno.EAGAIN
                time.sleep(0.001)
            client.close()

    def read_nothing(self):
        """Asks for pages and takes none of them."""
        try:
            client = self.dial()
            client.setblocking(False)
            while not self.over.is_set():
                try:
                    client.send(b'{"do":"rows","limit":1000}\n{"do":"samples"}\n')
                except BlockingIOError:
                    time.sleep(0.01)
            client.close()
        except OSError:
            pass

    def test_garbage_without_end(self):
        found = self.flood(*[lambda: self.ask_without_end(b"garbage\n")] * 8)
        self.report("garbage", found)
        self.assertLess(self.counts["refused"], (20 + 5) * 8 * (found["span_s"] + 2))  # each costs its sender 50 ms
        self.polls_go_on()

    def test_requests_without_end_are_told_busy(self):
        found = self.flood(*[lambda: self.ask_without_end(b'{"do":"status"}\n')] * 8)
        self.report("requests", found)
        self.assertGreater(self.counts["busy"], 0)
        self.assertLess(self.counts["answers"], 100 + 50 * (found["span_s"] + 2))  # one user's, whatever his clients
        self.polls_go_on()

    def test_connects_without_end_wait_at_the_door(self):
        found = self.flood(*[self.connect_without_end] * 4)
        self.report("connects", found)
        self.assertLess(found["fds"], 100)
        self.polls_go_on()

    def test_readers_that_do_not_read_and_half_open_clients(self):
        before = self.usage()
        halves = [self.dial() for _ in range(4)]
        for client in halves:
            client.sendall(b'{"do":')
        found = self.flood(*[self.read_nothing] * 4)
        self.report("no reading", found)
        if not harness.SANITIZED:  # a sanitizer keeps what was freed
            self.assertLess(found["rss_mb"] - before[1], 4 * 8 + 16)
        harness.wait_for("half a line to be dropped", lambda: self.is_dropped(halves[0]))
        for client in halves:
            client.close()
        self.polls_go_on()

    @staticmethod
    def is_dropped(client):
        client.setblocking(False)
        try:
            return client.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    @unittest.skipUnless(AS_ROOT and shutil.which("setpriv"), "only root can be another user")
    def test_a_user_who_takes_all_places_keeps_nobody_else_out(self):
        os.chmod(self.path, 0o666)
        places = [self.dial() for _ in range(16)]
        said = harness.wait_for("the thirteenth to be turned away", lambda: self.is_dropped_after_words(places[12]))
        self.assertIn(b"too many clients of your user", said)
        done = harness.subprocess.run(["setpriv", "--reuid", "4711", "--regid", "4711", "--clear-groups", "--",
                                       harness.program("dustctl"), "--socket", self.path, "--json", "status"],
                                      capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["site"]["name"], "example")
        for client in places:
            client.close()

    @staticmethod
    def is_dropped_after_words(client):
        try:
            return client.recv(4096)
        except OSError:
            return None


if __name__ == "__main__":
    print(f"seed: DUST_SEED={harness.SEED}", flush=True)
    unittest.main(verbosity=2)
