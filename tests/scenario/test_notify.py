"""What the service manager hears of a running daemon: ready when it serves, fed while every bus moves, stopping."""
import ctypes
import os
import platform
import socket
import time
import unittest

import harness
import sites

PATIENCE_US = 8_000_000  # WATCHDOG_USEC: a feed every 2 s
DUE_S = 10 + 2 * 0.2 + 1  # watch_due_us of the site's bus, its frames at 115200 baud included
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # __WALL: threads too


class Manager:
    """systemd's end of $NOTIFY_SOCKET: an abstract datagram socket that keeps everything with its time."""

    def __init__(self):
        self.name = f"dust-notify-{os.getpid()}-{harness.SEED}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name)
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        while True:
            try:
                self.heard.append((time.monotonic(), self.socket.recv(4096).decode()))
            except BlockingIOError:
                return self.heard

    def count(self, text):
        return sum(message == text for _, message in self.listen())

    def last(self, text):
        return max(at for at, message in self.listen() if message == text)

    def environment(self):
        return {"NOTIFY_SOCKET": "@" + self.name, "WATCHDOG_USEC": str(PATIENCE_US)}


class HeldThread:
    """One thread of a child, held by ptrace while the others run on: what a driver that never returns looks like."""

    def __init__(self, process, name):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long
        self.tid = self.find(process.popen.pid, name)

    @staticmethod
    def find(pid, name):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/comm") as f:
                if f.read().strip() == name:
                    return int(tid)
        raise AssertionError(f"no thread {name} in {pid}")

    def hold(self):
        if self.libc.ptrace(PTRACE_SEIZE, self.tid, None, None) != 0:
            raise unittest.SkipTest(f"ptrace is not allowed here: {os.strerror(ctypes.get_errno())}")
        self.libc.ptrace(PTRACE_INTERRUPT, self.tid, None, None)
        os.waitpid(self.tid, WALL)

    def let_go(self):
        self.libc.ptrace(PTRACE_DETACH, self.tid, None, None)


class Notify(harness.ScenarioTest):
    def start(self, config=sites.BREACH):
        manager = Manager()
        self.addCleanup(manager.socket.close)
        site = self.site(sites.BREACH_SIM, config)
        site.start_sim()
        os.environ.update(manager.environment())
        try:
            site.start_dustd()
        finally:
            for name in manager.environment():
                del os.environ[name]
        return site, manager

    def test_it_is_ready_when_it_serves_and_says_when_it_stops(self):
        site, manager = self.start()
        self.assertIsNotNone(site.status())
        harness.wait_for("READY=1", lambda: manager.count("READY=1"))
        harness.wait_for("a status that counts the devices",
                         lambda: [m for _, m in manager.listen() if m.startswith("STATUS=example: 2 of 2 devices")])
        self.assertEqual(site.dustd.stop(), 0)
        said = [m for _, m in manager.listen() if not m.startswith(("STATUS=", "WATCHDOG="))]
        self.assertEqual(said, ["READY=1", "STOPPING=1"])

    def test_a_start_that_fails_is_never_ready(self):
        site, manager = self.start(sites.BREACH.replace("{dir}/control.sock", "{dir}/no/such/control.sock"))
        self.assertNotEqual(site.dustd.stop(), 0)
        self.assertEqual(manager.count("READY=1"), 0)

    @unittest.skipUnless(platform.system() == "Linux", "ptrace as Linux has it")
    def test_a_bus_thread_that_stands_still_ends_the_feeding_and_one_that_moves_again_resumes_it(self):
        site, manager = self.start()
        harness.wait_for("two feeds", lambda: manager.count("WATCHDOG=1") >= 2)
        thread = HeldThread(site.dustd, "bus1")
        thread.hold()
        held = time.monotonic()
        harness.wait_for("dustd to say it", lambda: "bus bus1: its thread has not moved" in site.dustd.text())
        said = time.monotonic()
        self.assertLess(manager.last("WATCHDOG=1"), held + 3 * DUE_S)
        fed = manager.count("WATCHDOG=1")
        self.assertIsNotNone(site.status(), "main itself goes on")
        harness.wait_for("the manager's patience to end", lambda: time.monotonic() > said + PATIENCE_US / 1e6)
        self.assertEqual(manager.count("WATCHDOG=1"), fed)
        thread.let_go()
        harness.wait_for("feeding again", lambda: manager.count("WATCHDOG=1") > fed)
        self.assertEqual(site.dustd.text().count("its thread has not moved"), 1)
        print(f"RESULT the feed stopped {said - held:.1f} s after the bus thread did")


if __name__ == "__main__":
    harness.main()
