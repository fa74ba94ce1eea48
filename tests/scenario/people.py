"""People at a broker that keeps them apart: users, passwords, an ACL as docs/operations.md has it, and what they send."""
import json
import os
import subprocess

import harness
import sites
from harness import wait_for

USERS = {"gateway": "gateway", "li.manager": "site-manager", "wang": "office", "zhao": "inspector", "nobody": None}

# The watchers of the tests are anonymous, and may read.
ACL = """
topic read dust/1/#

user gateway
topic read dust/1/example/cmd/+
topic read dust/1/example/in/#
""" + "".join(f"topic write dust/1/example/{topic}\n" for topic in (
    "state", "site", "head", "health", "requirements", "task", "minute", "hour", "day", "event", "device/#", "live/#", "issue/#",
    "report/#", "reply/#", "alert/#")) + """
pattern write dust/1/example/cmd/%u
pattern read dust/1/example/reply/%u
"""

OPEN_ACL = "topic readwrite dust/1/#\npattern readwrite dust/1/#\n"

CONFIG = sites.HEAD.replace("roles: [site]}", "roles: [site], mqtt_user: li.manager}").replace(
    "roles: [office]}", "roles: [office], mqtt_user: wang}").replace(
    "roles: [inspector]}", "roles: [inspector], mqtt_user: zhao}") + """
issues:
  categories:
    road:
      title: {zh: 路域环境整治, en: Roads and roadsides}
""" + sites.BUS + sites.DEVICES + sites.LIMITS + """
mqtt:
  local: {host: 127.0.0.1, port: {port}, commands: true, username: gateway, password_file: {dir}/gateway.password}
"""


def passwd():
    beside = os.path.join(os.path.dirname(os.path.dirname(harness.mosquitto() or "")), "bin", "mosquitto_passwd")
    return beside if os.access(beside, os.X_OK) else "mosquitto_passwd"


def apart(folder, acl=ACL):
    """Lines of mosquitto.conf; the files they name."""
    users = os.path.join(folder, "users")
    for i, user in enumerate(USERS):
        subprocess.run([passwd(), "-b"] + (["-c"] if i == 0 else []) + [users, user, f"secret of {user}"], check=True,
                       capture_output=True)
    os.chmod(users, 0o644)
    with open(os.path.join(folder, "acl"), "w") as out:
        out.write(acl)
    with open(os.path.join(folder, "gateway.password"), "w") as out:
        out.write("secret of gateway\n")
    # with max_queued_messages 0, the harness's, mosquitto 2.0.11 hangs up on a message that the ACL does not allow
    return f"password_file {users}\nacl_file {folder}/acl\nmax_queued_messages 1000000\n"


def everybody(folder):
    return apart(folder, OPEN_ACL)


class PeopleTest(harness.ScenarioTest):
    """A site whose people send commands; `self.s` and a watcher of everything."""

    def start(self, broker=apart, config=CONFIG, state="closed", **named):
        self.s = s = self.site(sites.BREACH_SIM, config, broker=broker, rate=1, start="2026-05-01T08:00+08:00", **named)
        self.sent = 0
        s.start_sim()
        s.start_dustd()
        self.becomes(state)
        self.watch("watcher")
        return s

    def watch(self, name):
        """A watcher that has subscribed. One that was away while the broker was anew would miss what is said meanwhile."""
        self.watcher = self.s.watcher(name=name)
        wait_for("what is retained", lambda: self.watcher.messages("state"))

    def broker_now(self):
        return (self.s.status() or {"mqtt": [{}]})["mqtt"][0]

    def becomes(self, state):
        wait_for(f"commands to be {state}", lambda: self.broker_now().get("commands") == state)

    def publish(self, user, text, *args, topic=None, as_user=None):
        """What mosquitto_pub says of `text` on cmd/<topic>, by default the user's own."""
        login = as_user or user
        done = subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.s.broker.port), "-V", "mqttv5", "-d", "-q", "1",
                               "-u", login, "-P", f"secret of {login}", "-t", f"dust/1/example/cmd/{topic or user}", "-s", *args],
                              input=text, capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def command(self, do, **members):
        """One that is valid for nine minutes."""
        self.sent += 1
        command = {"id": f"c{self.sent}", "do": do, **members}
        if "expires" not in command:
            command["expires"] = self.s.status()["now"] + 540000
        return command

    def replies(self, user, wanted=lambda reply: True):
        return [m for _, _, m in self.watcher.messages(f"reply/{user}") if m and wanted(m)]

    def send(self, user, command):
        """The reply to it; where the daemon is busy it is sent again, with its id."""
        while True:
            before = len(self.replies(user, lambda r: r.get("id") == command["id"]))
            self.publish(user, json.dumps(command, ensure_ascii=False))
            reply = wait_for(f"a reply to {str(command)[:200]}",
                             lambda: self.replies(user, lambda r: r.get("id") == command["id"])[before:])[0]
            if not reply.get("error", "").startswith("busy"):
                return reply

    def ask(self, user, do, **members):
        return self.send(user, self.command(do, **members))

    def does(self, user, do, **members):
        """The result of a command that is carried out."""
        reply = self.ask(user, do, **members)
        self.assertTrue(reply["ok"], reply)
        return reply["result"]

    def refused(self, user, do, **members):
        reply = self.ask(user, do, **members)
        self.assertFalse(reply["ok"], reply)
        return reply["error"]
