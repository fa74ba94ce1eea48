"""mbpoll, Debian's, as a master: reads what dustsim serves on a serial line and on TCP, and writes to it."""
import os
import re
import shutil
import subprocess

import peers
import test_dustsim

SITE = """
buses:
  line: {link: line, baud: 9600}
  net: {transport: tcp}
units:
  meter: {bus: line, unit_id: 1, profile: nova-sds069, turnaround: 2ms, points: {pm10: {constant: 70122}, pm25: {constant: 34}}}
  relay: {bus: line, unit_id: 2, profile: waveshare-relay-8ch, turnaround: 2ms}
  far-meter: {bus: net, unit_id: 1, profile: nova-sds069, turnaround: 2ms, points: {pm10: {constant: 70122}, pm25: {constant: 34}}}
  far-relay: {bus: net, unit_id: 2, profile: waveshare-relay-8ch, turnaround: 2ms}
"""
PM10, PM25 = 0x14, 0x12


class Mbpoll(peers.PeerTest):
    def setUp(self):
        super().setUp()
        self.sim = test_dustsim.Sim(SITE)
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__)
        port = self.sim.places["net"].split(":")[1]
        line = os.path.join(self.sim.dir.name, "line")
        self.places = {"serial line": ["-m", "rtu", "-b", "9600", "-P", "none", line], "TCP": ["-m", "tcp", "-p", port, "127.0.0.1"]}

    def mbpoll(self, place, *how, write=()):
        """What it prints, once, with addresses as on the wire."""
        done = subprocess.run(["mbpoll", "-0", "-1", "-o", "5", *how, *self.places[place], *write], capture_output=True, text=True,
                              timeout=peers.harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def read(self, place, *how):
        return [int(value) for value in re.findall(r"^\[\d+\]:\s+(-?\d+)", self.mbpoll(place, *how), re.M)]

    def test_reads_registers_of_32_bits(self):
        for place in self.places:
            with self.subTest(place):
                self.assertEqual(self.read(place, "-a", "1", "-t", "4:int", "-B", "-r", str(PM10), "-c", "1"), [70122])
                self.assertEqual(self.read(place, "-a", "1", "-t", "4", "-r", str(PM25), "-c", "4"), [0, 34, 70122 >> 16, 70122 & 0xFFFF])

    def test_switches_coils_and_reads_them_back(self):
        coils = ("-a", "2", "-t", "0", "-r", "0", "-c", "8")
        for place in self.places:
            with self.subTest(place):
                self.assertEqual(self.read(place, *coils), [0] * 8)
                self.mbpoll(place, "-a", "2", "-t", "0", "-r", "2", write=["1"])
                self.assertEqual(self.read(place, *coils), [0, 0, 1, 0, 0, 0, 0, 0])
                self.mbpoll(place, "-a", "2", "-t", "0", "-r", "4", write=["1", "1", "0", "1"])
                self.assertEqual(self.read(place, *coils), [0, 0, 1, 0, 1, 1, 0, 1])

    def test_is_told_that_there_are_no_such_registers(self):
        for place in self.places:
            with self.subTest(place):
                done = subprocess.run(["mbpoll", "-0", "-1", "-o", "5", "-a", "1", "-r", "9000", *self.places[place]],
                                      capture_output=True, text=True, timeout=peers.harness.PATIENCE)
                self.assertIn("Illegal data address", done.stdout + done.stderr)


if __name__ == "__main__":
    if not shutil.which("mbpoll"):
        peers.skip("there is no mbpoll (script/bootstrap installs it)")
    peers.main()
