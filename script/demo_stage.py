"""What the demo runs: broker, simulator, daemon and subscriber in a temporary directory; and the subscriber's mail."""
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
RATE = 60
SITE = "demo"
# Site time at the start: five minutes before an hour, so that a whole clock hour ends 65 s later. The site file says
# that there is earthwork from 09:00 to 10:00.
CLOCK_START = "2026-03-05T08:55:00+08:00"

CONFIG = """\
language: zh
site:
  name: demo
  title: {zh: 示例工地, en: Example Site}
  community: 示例社区
  contractor: 示例施工单位
store:
  dir: {dir}/state
  commit_every: 10s
control_socket: {dir}/control.sock
live_every: 10s
buses:
  meters: {path: {meters}, baud: 9600, timeout: 100ms}
  water: {path: {water}, baud: 9600, timeout: 100ms}
devices:
  dust-gate:
    {bus: meters, profile: nova-sds069, unit_id: 1, period: 10s, title: {zh: 大门扬尘仪, en: Dust meter at the gate}}
  dust-east:
    {bus: meters, profile: nova-sds069, unit_id: 2, period: 10s, title: {zh: 东侧扬尘仪, en: Dust meter in the east}}
  weather: {bus: meters, profile: louvre-pm-weather, unit_id: 3, period: 30s, title: {zh: 气象站, en: Weather station}}
  spray-relay: {bus: water, profile: waveshare-relay-8ch, unit_id: 1, period: 10s, title: {zh: 喷淋继电器, en: Spray relay}}
  spray-flow: {bus: water, profile: tuf-2000m-flow, unit_id: 2, period: 10s, title: {zh: 喷淋流量计, en: Spray flow meter}}
people:
  site-manager: {title: 项目经理, roles: [site]}
limits:
  shanxi-taiyuan: {person: site-manager, answer_within: 1h, rectify_within: 24h}
mqtt:
  office: {host: 127.0.0.1, port: {port}}
"""


class Failed(Exception):
    """Something the demo promises did not happen."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, should this script be killed outright


class Theatre:
    """The programs and the directory they live in. close() leaves nothing behind."""

    def __init__(self, build):
        self.build, self.running = build, {}
        self.dir = tempfile.mkdtemp(prefix="dustd-demo-")
        self.port = free_port()
        self.socket = os.path.join(self.dir, "control.sock")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def start(self, name, *args):
        """A program in a session of its own: Ctrl-C reaches only us, and we end it in order."""
        with open(self.path(name + ".out"), "ab") as out, open(self.path(name + ".log"), "ab") as log:
            self.running[name] = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                                                  start_new_session=True, preexec_fn=die_with_parent)

    def stop(self, name, patience=10):
        """The exit status, None when it had to be killed."""
        process = self.running.pop(name, None)
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def check(self):
        for name, process in self.running.items():
            if process.poll() is not None:
                raise Failed(f"{name}: {process.returncode}\n{self.log(name)}")

    def output(self, name):
        with open(self.path(name + ".out"), errors="replace") as f:
            return f.read()

    def log(self, name):
        with open(self.path(name + ".log"), errors="replace") as f:
            return "".join(f.readlines()[-15:])

    def start_broker(self):
        candidates = (os.environ.get("DUST_MOSQUITTO"), os.path.join(SOURCE, ".tools/usr/sbin/mosquitto"),
                      shutil.which("mosquitto"), "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
        program = next((c for c in candidates if c and os.access(c, os.X_OK)), None)
        if not program:
            raise Failed("no mosquitto broker: run script/bootstrap --demo")
        user = "user root\n" if os.geteuid() == 0 else ""
        conf = self.write("mosquitto.conf", f"listener {self.port} 127.0.0.1\nallow_anonymous true\n{user}"
                          f"persistence true\npersistence_location {self.dir}/\nmax_queued_messages 0\n")
        self.start("mosquitto", program, "-c", conf)
        self.wait("mosquitto", lambda: self.listens())

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def wait(self, what, condition, patience=20):
        until = time.monotonic() + patience
        while not condition():
            self.check()
            if time.monotonic() > until:
                raise Failed(f"waited {patience} s for {what}")
            time.sleep(0.05)

    def start_subscriber(self):
        """mosquitto_sub with a session that outlives the broker's restart: everything, in order, once or more."""
        self.start("mosquitto_sub", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-t", f"dust/1/{SITE}/#",
                   "-q", "1", "-c", "-i", "demo-subscriber", "-V", "mqttv311", "-F", "%r %t %p")

    def start_site(self):
        clock = ["--clock-rate", str(RATE), "--clock-start", CLOCK_START]
        site = os.path.join(SOURCE, "config/sim/demo-site.yaml")
        self.start("dustsim", os.path.join(self.build, "dustsim"), "--links", self.dir, "--log", self.path("sim.jsonl"),
                   *clock, site)
        self.wait("dustsim", lambda: "ready" in self.output("dustsim"))
        places = dict(re.findall(r"^bus (\S+): (\S+)", self.output("dustsim"), re.M))
        config = CONFIG
        for name, value in {"dir": self.dir, "port": str(self.port), **places}.items():
            config = config.replace("{%s}" % name, value)
        config = self.write("dustd.yaml", config)
        self.start("dustd", os.path.join(self.build, "dustd"), "-c", config, "--data", os.path.join(SOURCE, "config"),
                   "--simulated", *clock)
        self.wait("dustd", lambda: self.ask("status") is not None)

    def ctl(self, *args):
        return subprocess.run([os.path.join(self.build, "dustctl"), *args], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL)

    def ask(self, *args):
        """What dustctl --json answers, None while dustd does not."""
        done = self.ctl("--socket", self.socket, "--json", *args)
        try:
            return json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            return None

    def retained(self, topic):
        """What a stranger who subscribes now is told at once: (retained?, topic, message), or None."""
        done = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-t", topic, "-q", "1",
                               "-C", "1", "-W", "3", "-F", "%r %t %p"], capture_output=True, text=True, timeout=10)
        parts = done.stdout.rstrip("\n").split(" ", 2)
        return (parts[0] == "1", parts[1], parts[2]) if len(parts) == 3 else None

    def close(self):
        for name in ("dustd", "dustsim", "mosquitto_sub", "mosquitto"):
            self.stop(name)
        shutil.rmtree(self.dir, ignore_errors=True)


class Mailbox:
    """The subscriber's messages so far, read as they come."""

    def __init__(self, path):
        self.path, self.offset, self.rest = path, 0, b""
        self.messages = self.now = self.retained = 0
        self.rows, self.repeats, self.two_faced, self.disorder = {}, 0, 0, 0
        self.last = {}  # kind: newest row of it
        self.breach = None

    def read(self):
        with open(self.path, "rb") as f:
            f.seek(self.offset)
            data = f.read()
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.take(line.decode(errors="replace"))

    def take(self, line):
        parts = line.split(" ", 2)
        if len(parts) != 3 or not parts[1].startswith("dust/1/"):
            return
        self.messages += 1
        self.retained += parts[0] == "1"
        body = json.loads(parts[2]) if parts[2] else None
        if not isinstance(body, dict) or "seq" not in body or "hash" not in body:
            self.now += 1
            return
        seq = body["seq"]
        if seq in self.rows:
            self.repeats += 1
            self.two_faced += self.rows[seq] != parts[2]
            return
        self.disorder += bool(self.rows) and seq != max(self.rows) + 1
        self.rows[seq] = parts[2]
        self.last[body["kind"]] = body
        if body["kind"] == "verdict" and body.get("verdict") == "breach" and not self.breach:
            self.breach = body

    def missing(self):
        return [seq for seq in range(1, max(self.rows, default=0) + 1) if seq not in self.rows]
