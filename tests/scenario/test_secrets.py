"""Secrets are in files alone: the broker gets the password, and nothing else ever says it."""
import os
import secrets
import socket
import threading
import unittest
from unittest import mock

import harness
import sites


class Deaf:
    """Takes connections, keeps what is said, and hangs up."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.heard = self.socket.getsockname()[1], b""
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                client, _ = self.socket.accept()
                client.settimeout(2)
                self.heard += client.recv(4096)
                client.close()
            except OSError:
                if self.socket.fileno() < 0:
                    return


class Secrets(harness.ScenarioTest):
    def everything_written(self, site):
        """Name and content of each file of the site and what the programs print, but for the secret files themselves."""
        site.ctl("export", "--rows")
        found = {"--print": site.run_dustd("--print"), "--check": site.run_dustd("--check"), "status": site.ctl("--json", "status"),
                 "status table": site.ctl("status"), "export": site.ctl("export", "--rows"), "devices": site.ctl("--json", "devices"), "metrics": site.ctl("metrics")}
        return site.everything_written(**found)

    def test_a_password_reaches_the_broker_and_neither_log_journal_print_nor_status(self):
        canaries = {name: f"canary-{name}-" + secrets.token_hex(8) for name in ("file", "credential")}
        brokers = {name: Deaf() for name in canaries}
        config = sites.BREACH + (
            f"  by-file: {{host: 127.0.0.1, port: {brokers['file'].port}, username: gateway, password_file: {{dir}}/file.secret}}\n"
            f"  by-name: {{host: 127.0.0.1, port: {brokers['credential'].port}, username: gateway, password_file: credential.secret}}\n")
        site = self.site(sites.BREACH_SIM, config)
        for name, canary in canaries.items():
            site.write(f"{name}.secret", canary + "\n")
        with mock.patch.dict(os.environ, CREDENTIALS_DIRECTORY=site.dir):
            site.start_sim()
            watcher = site.watcher("#")
            site.start_dustd("--debug")
            for name, canary in canaries.items():
                harness.wait_for(f"the broker to get the password by {name}", lambda: canary.encode() in brokers[name].heard)
            harness.wait_for("a settings row", lambda: site.export_live("settings"))
            harness.wait_for("a broken connection in the log", lambda: "by-name" in site.dustd.text())
            harness.wait_for("health at the broker", lambda: watcher.messages("/health"))
            found = self.everything_written(site)
        self.assertGreater(len(found), 10)
        self.assertIn(b"password_file", found["--print"])
        for name, content in found.items():
            for canary in canaries.values():
                self.assertNotIn(canary.encode(), content, f"{name} has the secret in it")
        print(f"RESULT {len(canaries)} secrets used, looked for in {len(found)} files and outputs, found in none")

    def test_a_password_typed_into_the_configuration_is_refused_and_not_repeated(self):
        canary = "canary-" + secrets.token_hex(8)
        for typed in (f"password: {canary}", f"username: g, password_file: {canary} !", f"password_file: [{canary}]"):
            site = self.site(sites.BREACH_SIM, sites.BREACH + f"  other: {{host: 127.0.0.1, port: 1, {typed}}}\n", broker=False)
            code, out, err = site.run_dustd()
            self.assertEqual((code, out), (78, ""))
            self.assertRegex(err, r"dustd\.yaml:\d+:\d+: found .*password")
            self.assertNotIn(canary, err)

    def test_a_credential_that_is_not_there_is_named_with_the_place_it_was_looked_for(self):
        site = self.site(sites.BREACH_SIM, sites.BREACH + "  by-name: {host: 127.0.0.1, port: 1, username: g, password_file: mqtt.password}\n")
        site.start_sim()
        with mock.patch.dict(os.environ):
            os.environ.pop("CREDENTIALS_DIRECTORY", None)
            site.start_dustd()
            harness.wait_for("the reason in the log", lambda: "password file $CREDENTIALS_DIRECTORY/mqtt.password" in site.dustd.text())


if __name__ == "__main__":
    harness.main()
