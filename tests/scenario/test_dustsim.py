"""dustsim as a program, asked over its pseudo terminal by a small master of our own: the time its answers take,
every fault, the replay, the spray, TCP, and how it ends."""
import gzip
import json
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unittest

BUILD = os.environ.get("DUST_BUILD", "build/dev")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOUVRE, NOVA, RELAY = "louvre-pm-weather", "nova-sds069", "waveshare-relay-8ch"
PROFILES = os.path.join(ROOT, "config", "devices")


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def read_request(unit, function, address, count):
    frame = struct.pack(">BBHH", unit, function, address, count)
    return frame + crc(frame)


class Master:
    """Asks over a serial port and keeps the silence of 3.5 characters."""

    def __init__(self, path, baud=115200):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        speed = getattr(termios, "B%d" % baud)
        attributes = termios.tcgetattr(self.fd)
        attributes[0] = attributes[1] = attributes[3] = 0
        attributes[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)
        self.silence = max(3.5 * 11 / baud, 0.00175) + 0.0005

    def listen(self, seconds, length=10**6, rest=0.02):
        """Bytes that come until `length`, or until `rest` without more, or nothing within `seconds`."""
        data, wait = b"", seconds
        while len(data) < length and select.select([self.fd], [], [], wait)[0]:
            data += os.read(self.fd, 512)
            wait = rest
        return data

    def ask(self, frame, seconds=1.0, length=10**6, rest=0.02, silence=True):
        if silence:
            time.sleep(self.silence)
        start = time.monotonic()
        os.write(self.fd, frame)
        data = self.listen(seconds, length, rest)
        self.took = time.monotonic() - start
        return data

    def read(self, unit, function, address, count, **how):
        """Registers, or (function | 0x80, code), or None for what is no answer."""
        bits = function in (1, 2)
        length = 5 + ((count + 7) // 8 if bits else 2 * count)
        data = self.ask(read_request(unit, function, address, count), length=length, **how)
        if len(data) < 5 or crc(data[:-2]) != data[-2:] or data[0] != unit:
            return None
        if data[1] & 0x80:
            return data[1], data[2]
        if bits:
            return [data[3 + i // 8] >> i % 8 & 1 for i in range(count)]
        return list(struct.unpack(">%dH" % count, data[3:-2]))

    def close(self):
        os.close(self.fd)


class Sim:
    """A running dustsim in a directory of its own."""

    def __init__(self, site, *options):
        self.dir = tempfile.TemporaryDirectory(prefix="dustsim-")
        self.site = self.path("site.yaml")
        with open(self.site, "w", encoding="utf-8") as file:
            file.write(site)
        self.options = [os.path.join(BUILD, "dustsim"), "--devices", PROFILES, "--links", self.dir.name,
                        "--log", self.path("log"), *options, self.site]
        self.process, self.places, self.errors = None, {}, ""

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def __enter__(self):
        self.process = subprocess.Popen(self.options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line == "ready\n":
                return self
            name, place = line[len("bus "):].strip().split(": ", 1)
            self.places[name] = place
        raise AssertionError("dustsim did not start: " + self.process.stderr.read())

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.errors += self.process.communicate(timeout=20)[1]
        return self.process.returncode

    def __exit__(self, *_):
        self.stop()
        self.dir.cleanup()

    def log(self, event="poll"):
        with open(self.path("log"), encoding="utf-8") as file:
            return [entry for entry in map(json.loads, file) if entry["event"] == event]

    def summary(self, bus):
        """The counts that were printed last for the bus."""
        line = [text for text in self.errors.splitlines() if "summary: bus %s: " % bus in text][-1]
        pairs = line.split("bus %s: " % bus)[1].split(", ")
        return {pair.split()[0]: int(pair.split()[1]) for pair in pairs}


def one_bus(units, baud=115200, more=""):
    return "buses:\n  a: {link: a, baud: %d}\nunits:\n%s\n%s" % (baud, units, more)


WEATHER = "  w: {bus: a, unit_id: 2, profile: %s, turnaround: 5ms, points: {pm10: {constant: 81}}}" % LOUVRE


def faulty(*faults):
    return one_bus(WEATHER, more="faults:\n" + "\n".join("  - {unit: w, clock: polls, %s}" % f for f in faults))


class Timing(unittest.TestCase):
    def test_a_hundred_polls_at_9600_take_the_time_their_frames_need(self):
        with Sim(one_bus(WEATHER, baud=9600)) as sim:
            master = Master(sim.path("a"), 9600)
            least = (8 + 25) * 10 / 9600 + 0.005
            took = []
            for _ in range(100):
                self.assertIsInstance(master.read(2, 3, 500, 10), list)
                took.append(master.took)
            self.assertGreaterEqual(min(took), least)
            self.assertLess(sum(took), 100 * least * 1.5 + 20)  # a busy machine's, not a poll's
            print("mean poll %.2f ms, the wire's own %.2f ms" % (sum(took) * 10, least * 1000))
            master.close()
            sim.stop()
            self.assertEqual(sim.summary("a")["hasty"], 0)

    def test_eleven_bit_characters_take_longer(self):
        site = one_bus(WEATHER).replace("baud: 115200", "baud: 1200, format: 8E1")
        with Sim(site) as sim:
            master = Master(sim.path("a"), 1200)
            self.assertEqual(master.read(2, 3, 508, 1), [81])
            self.assertGreaterEqual(master.took, (8 + 7) * 11 / 1200 + 0.005)

    def test_requests_inside_the_silence_are_counted_and_said(self):
        with Sim(one_bus(WEATHER, baud=300)) as sim:  # a silence of 117 ms: no machine is too slow to break it
            master = Master(sim.path("a"), 300)
            for number in range(10):
                self.assertIsInstance(master.read(2, 3, 508, 1, silence=number % 2 == 0), list)
            sim.stop()
            self.assertEqual(sim.summary("a")["hasty"], 5)
            hasty = sim.log("hasty")
            self.assertEqual(len(hasty), 5)
            self.assertTrue(all(0 <= entry["gap_us"] < entry["silence_us"] for entry in hasty))
            self.assertEqual(sim.errors.count("before 3.5 characters"), 1)

    def test_a_request_into_an_answer_breaks_both(self):
        with Sim(one_bus(WEATHER, baud=1200)) as sim:
            master = Master(sim.path("a"), 1200)
            os.write(master.fd, read_request(2, 3, 500, 10))
            time.sleep(8 * 10 / 1200 + 0.005 + 0.06)  # the answer needs 0.2 s
            data = master.ask(read_request(2, 3, 500, 10), length=50, rest=0.5, silence=False)
            self.assertEqual(len(data), 25)
            self.assertNotEqual(crc(data[:-2]), data[-2:])
            sim.stop()
            self.assertTrue(sim.log("hasty")[0]["into_answer"])

    def test_a_master_at_another_speed_is_not_heard(self):
        with Sim(one_bus(WEATHER, baud=9600)) as sim:
            master = Master(sim.path("a"), 4800)
            self.assertIsNone(master.read(2, 3, 508, 1, seconds=0.3))
            sim.stop()
            self.assertIn("not set to 9600 baud", sim.errors)


class Protocol(unittest.TestCase):
    def test_tables_functions_and_exceptions(self):
        units = WEATHER + "\n  r: {bus: a, unit_id: 7, profile: %s}" % RELAY
        with Sim(one_bus(units)) as sim:
            master = Master(sim.path("a"))
            self.assertEqual(master.read(7, 1, 0, 8), [0] * 8)
            self.assertEqual(master.read(7, 2, 0, 3), [0] * 3)
            for wrong, code in [((7, 3, 0, 1), 1), ((2, 4, 500, 1), 1), ((7, 1, 5, 9), 2), ((2, 3, 499, 2), 2),
                                ((2, 3, 500, 126), 3), ((7, 1, 0, 0), 3)]:
                self.assertEqual(master.read(*wrong), (wrong[1] | 0x80, code), wrong)
            write = struct.pack(">BBHH", 7, 5, 2, 0xFF00)
            self.assertEqual(master.ask(write + crc(write), length=8), write + crc(write))
            self.assertEqual(master.read(7, 1, 0, 8), [0, 0, 1, 0, 0, 0, 0, 0])
            many = struct.pack(">BBHHBB", 7, 15, 0, 8, 1, 0b10000001)
            echo = struct.pack(">BBHH", 7, 15, 0, 8)
            self.assertEqual(master.ask(many + crc(many), length=8), echo + crc(echo))
            self.assertEqual(master.read(7, 1, 0, 8), [1, 0, 0, 0, 0, 0, 0, 1])
            refused = struct.pack(">BBHH", 2, 6, 500, 1)
            self.assertEqual(master.ask(refused + crc(refused), length=5)[1:3], bytes([0x86, 1]))
            strange = bytes([7, 0x2B, 1, 2])
            self.assertEqual(master.ask(strange + crc(strange), length=5)[1:3], bytes([0xAB, 1]))

    def test_broadcasts_are_obeyed_and_not_answered(self):
        with Sim(one_bus("  r: {bus: a, unit_id: 7, profile: %s}" % RELAY)) as sim:
            master = Master(sim.path("a"))
            write = struct.pack(">BBHH", 0, 5, 1, 0xFF00)
            self.assertEqual(master.ask(write + crc(write), seconds=0.2), b"")
            self.assertEqual(master.read(7, 1, 0, 3), [0, 1, 0])

    def test_foreign_units_and_broken_requests_get_silence(self):
        with Sim(one_bus(WEATHER)) as sim:
            master = Master(sim.path("a"))
            self.assertIsNone(master.read(3, 3, 500, 1, seconds=0.2))
            broken = read_request(2, 3, 508, 1)[:-1] + b"\0"
            self.assertEqual(master.ask(broken, seconds=0.2), b"")
            self.assertEqual(master.ask(b"\x02\x03\x01", seconds=0.2), b"")
            self.assertEqual(master.read(2, 3, 508, 1), [81])
            sim.stop()
            counts = sim.summary("a")
            self.assertEqual((counts["foreign"], counts["garbled"], counts["answers"]), (1, 2, 1))

    def test_modbus_tcp_answers_by_transaction(self):
        site = "buses:\n  a: {transport: tcp}\nunits:\n" + WEATHER
        with Sim(site) as sim:
            host, port = sim.places["a"].split(":")
            with socket.create_connection((host, int(port)), 5) as line:
                for transaction in (1, 0xBEEF):
                    line.sendall(struct.pack(">HHHBBHH", transaction, 0, 6, 2, 3, 508, 1))
                    self.assertEqual(line.recv(64), struct.pack(">HHHBBBH", transaction, 0, 5, 2, 3, 2, 81))
                line.sendall(struct.pack(">HHHBBHH", 3, 0, 6, 9, 3, 508, 1))
                self.assertEqual(line.recv(64), struct.pack(">HHHBBB", 3, 0, 3, 9, 0x83, 11))
                line.sendall(b"GET / HTTP/1.0\r\n\r\n")
                self.assertEqual(line.recv(64), b"")

    def test_rtu_over_tcp_takes_the_lines_time(self):
        site = "buses:\n  a: {transport: rtu_over_tcp, baud: 9600}\nunits:\n" + WEATHER
        with Sim(site) as sim:
            host, port = sim.places["a"].split(":")
            with socket.create_connection((host, int(port)), 5) as line:
                start = time.monotonic()
                line.sendall(read_request(2, 3, 508, 1))
                self.assertEqual(line.recv(64)[3:5], b"\0Q")
                self.assertGreaterEqual(time.monotonic() - start, (8 + 7) * 10 / 9600 + 0.005)


class Faults(unittest.TestCase):
    def ask(self, sim, **how):
        return self.master.ask(read_request(2, 3, 508, 1), **how)

    def start(self, sim):
        self.master = Master(sim.path("a"))
        self.good = b"\x02\x03\x02\x00\x51"
        self.good += crc(self.good)

    def test_each_fault_is_seen_once_and_the_next_answer_is_good(self):
        kinds = ["silent", "crc", "exception", "truncated", "wrong_unit", "garbage"]
        faults = ["kind: %s, from: %d, to: %d" % (kind, 2 * i + 1, 2 * i + 1) for i, kind in enumerate(kinds)]
        with Sim(faulty(*faults)) as sim:
            self.start(sim)
            seen = {}
            for kind in kinds:
                seen[kind] = self.ask(sim, seconds=0.3)
                self.assertEqual(self.ask(sim, length=7), self.good, "after " + kind)
            self.assertEqual(seen["silent"], b"")
            self.assertEqual(seen["crc"][:-1], self.good[:-1])
            self.assertNotEqual(seen["crc"][-1], self.good[-1])
            self.assertEqual(seen["exception"][1:3], b"\x83\x04")
            self.assertEqual(seen["truncated"], self.good[:3])
            self.assertEqual(seen["wrong_unit"][0], 3)
            self.assertEqual(crc(seen["wrong_unit"][:-2]), seen["wrong_unit"][-2:])
            self.assertNotEqual(crc(seen["garbage"][:-2]), seen["garbage"][-2:])
            sim.stop()
            self.assertEqual([entry["faults"] for entry in sim.log()[::2]], [[kind] for kind in kinds])
            self.assertTrue(all(entry["faults"] == [] for entry in sim.log()[1::2]))
            counts = sim.summary("a")
            self.assertEqual((counts["polls"], counts["faults"], counts["silent"], counts["spoilt"]), (12, 6, 1, 4))

    def test_a_late_answer_comes_late_and_before_that_to_the_next_question(self):
        with Sim(faulty("kind: late, by: 300ms, from: 1, to: 1")) as sim:
            self.start(sim)
            self.assertEqual(self.ask(sim, seconds=0.1), b"")
            data = self.master.ask(read_request(2, 3, 508, 2), seconds=1, length=16, rest=0.3)
            self.assertGreater(self.master.took, 0.1)
            self.assertEqual(data[:7], self.good)  # what a trusting master takes for the second answer
            self.assertEqual(data[7:12], b"\x02\x03\x04\x00\x51")

    def test_a_dripping_answer_takes_its_time_for_each_byte(self):
        with Sim(faulty("kind: drip, by: 30ms, from: 1, to: 1")) as sim:
            self.start(sim)
            self.assertEqual(self.ask(sim, length=7, rest=1), self.good)
            self.assertGreaterEqual(self.master.took, 6 * 0.03)

    def test_a_stuck_unit_repeats_itself_and_an_invalid_one_says_so(self):
        site = """buses:
  a: {link: a, baud: 115200}
units:
  d: {bus: a, unit_id: 1, profile: %s, points: {pm10: {constant: 1000, noise: 100}, pm1: {constant: 7}}}
faults:
  - {unit: d, kind: stuck, point: pm10, clock: polls, from: 4, to: 6}
  - {unit: d, kind: invalid, point: pm10, clock: polls, from: 8, to: 8}
""" % NOVA
        with Sim(site, "--clock-rate", "3600", "--clock-start", "2026-05-01T08:00+08:00") as sim:
            master, values = Master(sim.path("a")), []
            for _ in range(9):
                regs = master.read(1, 3, 0x10, 6)
                values.append(regs[4] << 16 | regs[5])
                self.assertEqual(regs[:2], [0, 7])
            self.assertEqual(values[3:6], [values[2]] * 3)
            self.assertGreater(len(set(values[:3] + values[6:7])), 2)
            self.assertEqual(values[7], 0)

    def test_an_unplugged_line_goes_away_and_comes_back_under_the_same_link(self):
        with Sim(one_bus(WEATHER, more="faults:\n  - {bus: a, kind: unplug, clock: wire, from: 3s, to: 5s}")) as sim:
            self.start(sim)
            self.assertEqual(self.ask(sim, length=7), self.good)
            deadline = time.monotonic() + 60
            while os.path.lexists(sim.path("a")) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertFalse(os.path.lexists(sim.path("a")))
            with self.assertRaises(OSError):
                os.write(self.master.fd, b"x")
            self.master.close()
            while not os.path.lexists(sim.path("a")) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.start(sim)
            self.assertEqual(self.ask(sim, length=7), self.good)
            sim.stop()
            self.assertEqual(len(sim.log("unplugged")), 1)
            self.assertEqual(len(sim.log("plugged")), 1)


class Data(unittest.TestCase):
    def replay(self, sim, lines, name="r.csv.gz"):
        with gzip.open(sim.path(name), "wt") as file:
            file.write("\n".join(lines) + "\n")

    def test_each_poll_takes_the_next_line_and_is_logged_with_it(self):
        site = one_bus("""  d:
    bus: a
    unit_id: 1
    profile: %s
    replay:
      file: r.csv.gz
      hold: 2
      columns: [{point: pm10, column: dust}, {point: pm25, column: fine}]
""" % NOVA)
        sim = Sim(site)
        self.replay(sim, ["time,fine,dust", "t,30,81", "t,31,82,9", "t,,83"])
        with sim:
            master, seen = Master(sim.path("a")), []
            for _ in range(7):
                seen.append(master.read(1, 3, 0x10, 8, seconds=0.3))
            sim.stop()
            self.assertEqual(seen[0], [0, 0, 0, 30, 0, 81, 0, 0])
            self.assertEqual(seen[1], seen[0])
            self.assertEqual(seen[2:4], [None, None])  # one field too many: a broken CRC
            self.assertEqual(seen[4:6], [[0, 0, 0, 0, 0, 83, 0, 0]] * 2)  # 0 is the profile's invalid value
            self.assertIsNone(seen[6])
            log = sim.log()
            self.assertEqual([entry["line"] for entry in log], [2, 2, 3, 3, 4, 4, 0])
            self.assertEqual([entry["damaged"] for entry in log], [False, False, True, True, False, False, False])
            self.assertEqual([log[i]["registers"] for i in (0, 4)], [seen[0], seen[4]])
            self.assertEqual(len(sim.log("replay_ended")), 1)

    def test_the_spray_lowers_the_dust_and_the_same_seed_gives_the_same_day(self):
        site = one_bus("""  d: {bus: a, unit_id: 1, profile: %s,
      points: {pm10: {constant: 200, noise: 3, with: mist, lowers: 0.5}}}
  r: {bus: a, unit_id: 2, profile: %s}
""" % (NOVA, RELAY), more="switches:\n  mist: {unit: r, point: relay1, time_constant: 30s}")
        with Sim(site, "--clock-rate", "3600") as sim:
            master = Master(sim.path("a"))
            self.assertAlmostEqual(master.read(1, 3, 0x14, 2)[1], 200, delta=20)
            write = struct.pack(">BBHH", 2, 5, 0, 0xFF00)
            master.ask(write + crc(write), length=8)
            time.sleep(0.2)  # 12 minutes on the site
            self.assertAlmostEqual(master.read(1, 3, 0x14, 2)[1], 100, delta=20)


    def test_the_shipped_site_is_over_its_limit_for_the_hour_it_says(self):
        with open(os.path.join(ROOT, "config", "sim", "demo-site.yaml"), encoding="utf-8") as file:
            site = file.read()
        with Sim(site, "--clock-rate", "3600", "--clock-start", "2026-05-01T08:30+08:00") as sim:
            master = Master(sim.path("dustsim-meters"), 9600)
            end = time.monotonic() + 2.2
            while time.monotonic() < end:
                self.assertIsInstance(master.read(2, 3, 0x14, 2), list)
            sim.stop()
            hours = {}
            for entry in sim.log():
                hours.setdefault(entry["site"][11:13], []).append(entry["registers"][1])
            means = {hour: sum(values) / len(values) for hour, values in hours.items()}
            self.assertGreaterEqual(len(hours["09"]), 3)
            self.assertGreater(means["09"], 300)
            self.assertLess(max(means["08"], means["10"]), 250)


class Program(unittest.TestCase):
    def test_it_ends_cleanly_on_both_signals_and_takes_its_link_away(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Sim(one_bus(WEATHER)) as sim:
                self.assertTrue(os.path.islink(sim.path("a")))
                self.assertEqual(sim.stop(number), 0)
                self.assertFalse(os.path.lexists(sim.path("a")))
                self.assertEqual(sim.summary("a")["polls"], 0)

    def test_usr1_writes_the_summary_and_it_goes_on(self):
        with Sim(one_bus(WEATHER)) as sim:
            master = Master(sim.path("a"))
            master.read(2, 3, 508, 1)
            time.sleep(0.05)  # an answer is counted after it is sent
            sim.process.send_signal(signal.SIGUSR1)
            line = sim.process.stderr.readline()
            self.assertIn("summary: bus a: polls 1, answers 1", line)
            self.assertEqual(master.read(2, 3, 508, 1), [81])
            sim.stop()
            self.assertEqual([(entry["bus"], entry["polls"], entry["answers"]) for entry in sim.log("summary")],
                             [("a", 1, 1), ("a", 2, 2)])

    def test_it_never_replaces_what_is_not_a_link(self):
        sim = Sim(one_bus(WEATHER))
        with open(sim.path("a"), "w", encoding="utf-8") as file:
            file.write("mine")
        done = subprocess.run(sim.options, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("File exists", done.stderr)
        self.assertTrue(os.path.isfile(sim.path("a")))
        sim.dir.cleanup()

    def test_a_bad_site_file_is_refused_with_its_place(self):
        cases = {
            WEATHER.replace("unit_id: 2", "unit_id: 256"): "site.yaml:4:",
            WEATHER.replace("pm10", "pm11"): 'found no point "pm11"',
            WEATHER + "\n" + WEATHER.replace(" w:", " v:"): "found unit_id 2 twice on bus a",
            WEATHER.replace(LOUVRE, "nothing"): 'found no profile "nothing"',
            WEATHER + "\nfaults: [{kind: crc}]": "neither unit nor bus",
            WEATHER + "\nfaults: [{kind: late, unit: w}]": "found no by",
            WEATHER + "\nfaults: [{kind: crc, unit: w, from: 30s, to: 10s}]": "the end after the begin",
        }
        for units, message in cases.items():
            sim = Sim(one_bus(units))
            done = subprocess.run([*sim.options, "--check"], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 78, message)
            self.assertIn(message, done.stderr)
            sim.dir.cleanup()

    def test_the_shipped_site_is_good_and_help_names_every_option(self):
        shipped = os.path.join(ROOT, "config", "sim", "demo-site.yaml")
        program = os.path.join(BUILD, "dustsim")
        self.assertEqual(subprocess.run([program, "--check", shipped], stdout=subprocess.PIPE, timeout=20,
                                        check=False).returncode, 0)
        text = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
        for option in ("check", "devices", "links", "log", "clock-rate", "seed", "clock-start", "clock-since", "help", "version"):
            self.assertIn("--" + option, text)
        for wrong in (["--clock-rate", "0"], ["--clock-since", "5"], ["--clock-start", "2026-05-01T08:00Z", "--clock-since", "x"]):
            self.assertEqual(subprocess.run([program, *wrong, shipped], capture_output=True, timeout=20,
                                            check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
