"""Other people's Modbus programs beside ours: how they are started, wired up and compared with."""
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import tty
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "scenario"))
import harness  # noqa: E402
import sites  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))
NODE_MODULES = os.path.join(harness.SOURCE, ".tools", "peer", "node_modules")
EACH = 10  # of each table are read

# What every unit holds at first (pymodbus_unit.py).
HELD = {"coil": lambda a: int(a % 3 == 0), "discrete": lambda a: a % 2, "holding": lambda a: 1000 + a, "input": lambda a: 2000 + a}

# Orders to write, as master_fixture takes them, and what is then written; each cell gets another value than it had.
ORDERS = {"5:20=65280": {("coil", 20): 1}, "5:21=0": {("coil", 21): 0}, "6:22=54321": {("holding", 22): 54321},
          "15:30=0,1,1,0,1,1,0,1,1": {("coil", 30 + i): v for i, v in enumerate([0, 1, 1, 0, 1, 1, 0, 1, 1])},
          "16:40=7,65535,0": {("holding", 40): 7, ("holding", 41): 65535, ("holding", 42): 0}}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(harness.SKIP)


class Cable:
    """A serial port for us behind `path`, joined to the far end: a serial port for somebody else, `far_path`, or a connection
    to a TCP port."""

    def __init__(self, folder, to_port=None):
        self.path, self.far_path = os.path.join(folder, "near"), os.path.join(folder, "far")
        self.near, self.held = self.terminal(self.path)
        self.far = self.far_held = None
        if to_port:
            self.far = socket.create_connection(("127.0.0.1", to_port)).detach()
        else:
            self.far, self.far_held = self.terminal(self.far_path)
        self.ending, self.end = os.pipe()
        self.thread = threading.Thread(target=self.pump)
        self.thread.start()

    @staticmethod
    def terminal(link):
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.symlink(os.ttyname(slave), link)
        return master, slave

    def pump(self):
        other = {self.near: self.far, self.far: self.near}
        while True:
            for fd in select.select([self.ending, *other], [], [])[0]:
                data = b"" if fd == self.ending else os.read(fd, 512)
                if not data:
                    return
                os.write(other[fd], data)

    def close(self):
        os.write(self.end, b"x")
        self.thread.join()
        for fd in (self.near, self.held, self.far, self.far_held, self.ending, self.end):
            if fd is not None:
                os.close(fd)


class PeerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="dust-peer-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, name, args, env=None):
        """A peer that says when it is ready."""
        peer = harness.Process(args, os.path.join(self.folder, f"{name}.log"), env)
        self.addCleanup(peer.stop)
        harness.wait_for(f"{name} to be ready: {peer.text()}", lambda: "ready\n" in peer.text() or not peer.running())
        self.assertTrue(peer.running(), peer.text())
        return peer

    def cable(self, to_port=None):
        cable = Cable(self.folder, to_port)
        self.addCleanup(cable.close)
        return cable

    @staticmethod
    def written(peer):
        """What the peer says was written to it, the last of each."""
        found = re.findall(r"^(coil|holding) (\d+) (\d+)$", peer.text(), re.M)
        return {(table, int(address)): int(value) for table, address, value in found}

    def drives(self, peer, transport, where):
        """Our driver reads all four tables and writes with all four functions, and the peer says so too."""
        done = subprocess.run([harness.program("tests/master_fixture"), transport, str(where), *ORDERS], capture_output=True,
                              text=True, timeout=harness.PATIENCE)
        said = done.stdout.splitlines()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(line for line in said if not line.startswith("order")),
                         sorted(f"{table} {a} {held(a)}" for table, held in HELD.items() for a in range(EACH)))
        self.assertEqual([line for line in said if line.startswith("order")],
                         [f"order {order.split('=')[0]} ok" for order in ORDERS])
        wanted = {cell: value for cells in ORDERS.values() for cell, value in cells.items()}
        harness.wait_for("the peer to say what was written", lambda: self.written(peer).items() >= wanted.items())

    def dustd_reads(self, bus):
        """The whole daemon reads the peer once, through a profile of every type that fits."""
        site = harness.Site("", sites.HEAD + f"buses:\n  peer: {{{bus}, timeout: 2s}}\n" + DEVICE, broker=False, rate=1)
        self.addCleanup(site.close)
        os.makedirs(os.path.join(site.dir, "devices"))
        site.write("devices/peer.yaml", PROFILE)
        code, out, err = site.run_dustd("--simulated", "--once")
        self.assertEqual(code, 0, out + err)
        for point, value in VALUES.items():
            self.assertRegex(out, rf"(?m)^.*\b{point}\b.*\s{re.escape(value)}(\s|$)", out)


DEVICE = """
devices:
  unit: {title: {zh: 别家的设备, en: Somebody else's unit}, bus: peer, profile: peer, unit_id: 1, period: 1s}
"""

PROFILE = """
title: {zh: 别家的设备, en: "Somebody else's unit"}
vendor: tests/peer
source: "tests/peer/pymodbus_unit.py"
points:
  first: {title: {zh: 甲, en: First}, address: 0, type: u16}
  tenths: {title: {zh: 乙, en: Tenths}, address: 7, type: i16, scale: 0.1, decimals: 1}
  long: {title: {zh: 丙, en: Long}, address: 10, type: u32}
  swapped: {title: {zh: 丁, en: Swapped}, address: 12, type: u32, order: cdab}
  measured: {title: {zh: 戊, en: Measured}, table: input, address: 3, type: u16}
  switch: {title: {zh: 己, en: Switch}, table: coil, address: 3, type: bit}
  contact: {title: {zh: 庚, en: Contact}, table: discrete, address: 2, type: bit}
"""

# Of the registers 1010 and 1011, and 1012 and 1013 with the low word first.
VALUES = {"first": "1000", "tenths": "100.7", "long": str(1010 << 16 | 1011), "swapped": str(1013 << 16 | 1012), "measured": "2003",
          "switch": "1", "contact": "0"}


def main():
    print(f"seed: DUST_SEED={harness.SEED}", flush=True)
    unittest.main(module="__main__", verbosity=2)
