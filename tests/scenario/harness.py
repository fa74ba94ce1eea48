"""Runs the real programs for the scenario tests: dustsim on ptys, a mosquitto broker, dustd, dustctl, mosquitto_sub.

Python's standard library only. Everything lives in one temporary directory per Site and ends with it. A test waits for
something to be true (`wait_for`), never for a time to pass.
"""
import functools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import sites

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("DUST_BUILD", os.path.join(SOURCE, "build", "dev"))
SHARED = os.path.join(os.path.dirname(SOURCE), "shared")
SEED = int(os.environ.get("DUST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
SANITIZED = os.path.basename(BUILD.rstrip("/")) in ("asan", "tsan")
STORM = os.environ.get("DUST_STORM") == "1"
HANGS = 900  # seconds after which a program that computes, or plays for minutes, is given up; nothing is measured by it
PATIENCE = 60  # seconds of real time before a wait is a failure; machines are slow and noisy
SKIP = 77
SETTINGS = 0x36  # first of the watched registers of nova-sds069


def program(name):
    return os.path.join(BUILD, name)


@functools.cache
def may_be_root():
    """Whether this process is root, or may run a program as root without being asked for a password."""
    if os.geteuid() == 0:
        return True
    return bool(shutil.which("sudo")) and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0


def as_root(command):
    """The command as root runs it; skips the test where nobody here may be root."""
    if not may_be_root():
        raise unittest.SkipTest("needs root, or sudo without a password")
    return command if os.geteuid() == 0 else ["sudo", "-n", *command]


def end_as_root(process):
    """Ends what as_root has started, at once."""
    subprocess.run(as_root(["kill", "-KILL" if os.geteuid() == 0 else "-TERM", str(process.pid)]), check=True)  # sudo hands TERM on
    process.wait()


# In somebody's name, and what people do that are in no test's configuration as the user who runs it.
ROOT_ONLY = {"--as", "alert", "calendar", "event", "inspect", "maintain", "reload", "stage", "warning"}


def dustctl(*args):
    """dustctl's command, as root where only root may."""
    command = [program("dustctl"), *args]
    return as_root(command) if ROOT_ONLY & set(args) else command


def mosquitto():
    """The broker's program, or None."""
    for candidate in (os.environ.get("DUST_MOSQUITTO"), os.path.join(SOURCE, ".tools/usr/sbin/mosquitto"),
                      shutil.which("mosquitto"), "/usr/sbin/mosquitto"):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, patience=PATIENCE):
    """The first true value of condition(), or a failure that says what was waited for."""
    until = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {patience} s for: {what}")
        time.sleep(0.02)


class Process:
    """A program with its output in a file."""

    def __init__(self, args, log, env=None):
        self.args, self.log = args, log
        self.out = open(log, "ab")
        self.popen = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out,
                                      env={**os.environ, **(env or {})})

    def running(self):
        return self.popen.poll() is None

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM, patience=PATIENCE):
        """The exit status; kills what does not end. `sig` None: it ends by itself."""
        if sig and self.running():
            self.popen.send_signal(sig)
        try:
            status = self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            status = None
        self.out.close()
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)


class Broker:
    """mosquitto on a loopback port; stop and start keep port and stored messages."""

    def __init__(self, folder, extra=""):
        self.folder, self.port, self.process = folder, free_port(), None
        self.conf = os.path.join(folder, "mosquitto.conf")
        with open(self.conf, "w") as f:
            f.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                    f"persistence_location {folder}/\nmax_queued_messages 0\nuser root\n{extra}")
        self.start()

    def start(self):
        self.process = Process([mosquitto(), "-c", self.conf], os.path.join(self.folder, "mosquitto.log"))
        wait_for("the broker to listen", self.listens)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, sig=signal.SIGTERM):
        self.process.stop(sig)


CERTIFICATES = """set -e; cd "$1"; exec >/dev/null 2>&1
    key() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes; }
    key -x509 -days 2 -subj '/CN=example CA' -keyout ca.key -out ca.crt
    echo 'subjectAltName=IP:127.0.0.1' >here
    for name in broker gateway; do
        key -subj "/CN=$name" -keyout $name.key -out $name.csr
        openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile here -out $name.crt
        chmod 644 $name.key
    done"""


def make_certificates(folder):
    """ca.crt, and of it broker.crt and gateway.crt with their keys, all for 127.0.0.1; what a broker's TLS needs of them."""
    subprocess.run(["sh", "-c", CERTIFICATES, "sh", folder], check=True, timeout=PATIENCE)
    return f"cafile {folder}/ca.crt\ncertfile {folder}/broker.crt\nkeyfile {folder}/broker.key\n"


def once_each(pairs):
    """A JSON object, if no member comes twice: a reader of ours would refuse it, others would take either."""
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise AssertionError(f"a member twice in a message: {names}")
    return dict(pairs)


class Subscriber:
    """mosquitto_sub, which is not ours: every message with its topic, retained flag and payload, in order."""

    def __init__(self, folder, port, topic="dust/1/#", name="watcher"):
        self.file = os.path.join(folder, f"sub-{name}.txt")
        self.port, self.topic, self.name = port, topic, name
        self.process = None
        self.start()

    def start(self):
        self.process = Process(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-t", self.topic, "-q", "1",
                                "-c", "-i", self.name, "-V", "mqttv311", "-F", "%r %t %p"], self.file)

    def stop(self):
        self.process.stop()

    def messages(self, below=""):
        """(retained, topic, JSON or None) of topics that hold `below`."""
        found = []
        with open(self.file, errors="replace") as f:
            for line in f:
                parts = line.rstrip("\n").split(" ", 2)
                if len(parts) == 3 and line.endswith("\n") and parts[0] in "01" and below in parts[1]:
                    try:
                        body = json.loads(parts[2], object_pairs_hook=once_each) if parts[2] else None
                        found.append((parts[0] == "1", parts[1], body))
                    except ValueError:
                        pass  # mosquitto_sub's own error lines
        return found

    def rows(self):
        """Messages that carry a seq, as (seq, whole message)."""
        return [(m["seq"], m) for _, _, m in self.messages() if isinstance(m, dict) and "seq" in m and "hash" in m]


class Site:
    """A simulated site and its daemon. `sim` and `config` are YAML texts; {dir} in them is the folder, {port} the broker's.
    `broker` may be a function that is given the folder and returns lines of mosquitto.conf."""

    def __init__(self, sim, config, broker=True, rate=60, start=None, continuous=False):
        self.dir = tempfile.mkdtemp(prefix="dust-")
        self.rate, self.start_stamp = rate, start
        # continuous: a dustd that is started again lives on in the same simulated time
        self.since_us = time.monotonic_ns() // 1000 if continuous else None
        self.broker = Broker(self.dir, broker(self.dir) if callable(broker) else "") if broker else None
        self.sim_file = self.write("sim.yaml", sim)
        self.config_file = self.write("dustd.yaml", config)
        os.mkdir(os.path.join(self.dir, "limits"))
        self.write("limits/test-15min.yaml", sites.LIMIT_15MIN)
        self.sim_log = os.path.join(self.dir, "sim.jsonl")
        self.sim = self.dustd = None
        self.wrap = []  # what dustd is started by
        self.simulated = True  # False: as on a site, in real time
        self.watchers = []

    def fill(self, text):
        return text.replace("{dir}", self.dir).replace("{port}", str(self.broker.port if self.broker else 1883))

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(self.fill(text))
        return path

    def watcher(self, topic="dust/1/#", name="watcher"):
        self.watchers.append(Subscriber(self.dir, self.broker.port, topic, name))
        return self.watchers[-1]

    def clock(self):
        return ["--clock-rate", str(self.rate)] + (["--clock-start", self.start_stamp] if self.start_stamp else [])

    def dustd_clock(self):
        return self.clock() + (["--clock-since", str(self.since_us)] if self.since_us else [])

    def start_sim(self, *args):
        self.sim = Process([program("dustsim"), "--seed", str(SEED), "--log", self.sim_log, "--devices",
                            os.path.join(SOURCE, "config", "devices"), *self.clock(), *args,
                            self.sim_file], os.path.join(self.dir, "dustsim.log"))
        wait_for("dustsim to be ready", lambda: "ready" in self.sim.text() or not self.sim.running())

    def start_dustd(self, *args, clock=None):
        self.dustd = Process([*self.wrap, program("dustd"), "-c", self.config_file, "--data", os.path.join(SOURCE, "config"),
                              *(["--simulated", *(clock or self.dustd_clock())] if self.simulated else []), *args],
                             os.path.join(self.dir, "dustd.log"))
        wait_for("dustd to answer", lambda: self.status() or not self.dustd.running())

    def run_dustd(self, *args):
        """A dustd that ends by itself: (exit status, standard output, standard error)."""
        done = subprocess.run([program("dustd"), "-c", self.config_file, "--data", os.path.join(SOURCE, "config"), *args],
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def ctl(self, *args, check=True):
        """dustctl's standard output."""
        done = subprocess.run(dustctl("--socket", os.path.join(self.dir, "control.sock"), *args), capture_output=True,
                              text=True, timeout=PATIENCE)
        if check and done.returncode != 0:
            raise AssertionError(f"dustctl {' '.join(args)}: {done.returncode}: {done.stderr}")
        return done.stdout

    def status(self):
        """The daemon's status, or None while it does not answer."""
        try:
            return json.loads(self.ctl("--json", "status"))
        except (AssertionError, ValueError):
            return None

    def database(self):
        return os.path.join(self.dir, "state", "dust.db")

    def export(self, *args):
        """(rows, samples) of a stopped daemon's database."""
        done = subprocess.run([program("dustctl"), "--db", self.database(), "export", *args], capture_output=True,
                              text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise AssertionError(f"dustctl export: {done.returncode}: {done.stderr}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [l for l in lines if "hash" in l and "body" in l], [l for l in lines if "point" in l]

    def everything_written(self, **printed):
        """Name and content of what the programs printed and, after a stop, of each file of the site but the secret ones."""
        found = {name: repr(text).encode() for name, text in printed.items()}
        self.dustd.stop()
        for folder, _, names in os.walk(self.dir):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not name.endswith(".secret"):
                    with open(path, "rb") as f:
                        found[path] = f.read()
        return found

    def export_live(self, kind):
        """Rows of a kind, from the running daemon."""
        found = []
        for line in self.ctl("export", "--rows").splitlines():
            row = json.loads(line)
            if row.get("kind") == kind and "body" in row:
                found.append(row)
        return found

    def sim_log_tail(self):
        with open(self.sim_log, "rb") as f:
            f.seek(max(0, os.path.getsize(self.sim_log) - 4096))
            return f.read().decode(errors="replace")

    def sim_polls(self):
        """The simulator's log, without polls of a meter's settings: those are read when it comes and then each hour."""
        with open(self.sim_log) as f:
            log = [json.loads(line) for line in f if line.endswith("\n")]
        return [entry for entry in log if entry.get("address") != SETTINGS]

    def sim_polls_at_least(self, wanted):
        with open(self.sim_log, "rb") as f:
            return sum(1 for _ in f) >= wanted

    def close(self):
        for watcher in self.watchers:
            watcher.stop()
        for process in (self.dustd, self.sim, self.broker and self.broker.process):
            if process and process.running():
                process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class ScenarioTest(unittest.TestCase):
    """Closes its sites; shows the programs' output when a test fails."""

    def setUp(self):
        self.sites = []

    def site(self, *args, **named):
        site = Site(*args, **named)
        self.sites.append(site)
        return site

    def tearDown(self):
        failed = self._outcome.result.failures or self._outcome.result.errors
        for site in self.sites:
            if failed:
                for process in (site.dustd, site.sim):
                    if process:
                        print(f"--- {process.args[0]}:\n{process.text()[-4000:]}", file=sys.stderr)
            site.close()


def main():
    if not mosquitto():
        print("skipped: no mosquitto broker (script/bootstrap brings one)")
        sys.exit(SKIP)
    print(f"seed: DUST_SEED={SEED}", flush=True)
    random.seed(SEED)
    unittest.main(module="__main__", verbosity=2)
