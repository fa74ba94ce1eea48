"""The signed heads of a running site, checked by dustctl, by a verifier that shares no code with it, and by openssl
alone, as docs/interface.md says."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

import harness
import sites
import verify_export
from harness import SOURCE, ScenarioTest, program, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


def ctl(*words):
    done = subprocess.run([program("dustctl"), *words], capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
    return done.returncode, done.stdout + done.stderr


class Signed(ScenarioTest):
    """A site that has run for half an hour of its time."""

    def setUp(self):
        super().setUp()
        self.s = self.site(sites.BREACH_SIM, sites.BREACH, rate=600, start="2026-03-05T08:00:00+08:00", continuous=True)
        self.watcher = self.s.watcher()
        self.s.start_sim()
        self.s.start_dustd()

    def heads(self):
        return [m for _, topic, m in self.watcher.messages("/head") if topic.endswith("/head") and m]

    def three_heads(self):
        return wait_for("three signed heads on the topic", lambda: self.heads()[2:] and self.heads())

    def stop_and_export(self):
        self.s.dustd.stop()
        code, text = ctl("export", "--rows", "--db", self.s.database())
        self.assertEqual(code, 0, text)
        return text.splitlines()

    def test_the_fingerprint_proves_the_journal_and_another_one_does_not(self):
        self.three_heads()
        mark = self.s.status()["fingerprint"]
        other = mark[::-1]
        socket = ["--socket", os.path.join(self.s.dir, "control.sock"), "--lang", "en"]
        self.assertEqual(ctl("verify", *socket, "--key", mark)[0], 0)
        code, text = ctl("verify", *socket)
        self.assertEqual(code, 3)
        self.assertIn(f"{mark}: compare it", text)
        self.assertEqual(ctl("verify", *socket, "--key", f"{other},{mark.upper().replace('-', ' ')}")[0], 0)
        code, text = ctl("verify", *socket, "--key", other)
        self.assertEqual(code, 1)
        self.assertIn("ANOTHER key", text)
        retained = [m for retained, topic, m in self.watcher.messages("/site") if m]
        self.assertEqual(retained[-1]["fingerprint"], mark)
        lines = self.stop_and_export()
        self.assertEqual(json.loads(lines[0])["fingerprint"], mark)
        code, text = ctl("verify", "--db", self.s.database(), "--key", mark, "--json")
        result = json.loads(text)
        self.assertEqual((code, result["proven"], result["signed"]["uncovered"]), (0, True, 1))  # the row stop
        noted = os.path.join(self.s.dir, "noted")
        with open(noted, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(head) + "\n" for head in self.heads())
        self.assertEqual(ctl("verify", "--db", self.s.database(), "--key", mark, "--heads", noted)[0], 0)
        export = self.s.write("export.jsonl", "")
        with open(export, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        done = subprocess.run([sys.executable, os.path.join(HERE, "verify_export.py"), export, mark, noted],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(mode(os.path.join(self.s.dir, "state", "gateway.key")), 0o600)

    def test_openssl_alone_checks_a_head_as_the_page_says(self):
        with open(os.path.join(SOURCE, "docs", "interface.md"), encoding="utf-8") as page:
            recipe = re.search(r"### Signed heads.*?```sh\n(.*?)```", page.read(), re.S).group(1)
        self.assertIn("openssl pkeyutl -verify", recipe)
        head = self.three_heads()[-1]
        self.assertTrue(head["simulated"])
        values = {name: str(head[name]) for name in ("journal", "head_seq", "head_hash", "ts", "key", "sig")}
        values["simulated"] = "01"

        def follow(changed):
            return subprocess.run(["sh", "-c", recipe], cwd=self.s.dir, capture_output=True, text=True, check=False,
                                  env={"PATH": os.environ["PATH"], **values, **changed}).stdout

        said = follow({})
        self.assertIn("Signature Verified Successfully", said)
        self.assertEqual(said.splitlines()[-1], head["fingerprint"])
        forged = {"journal": "0" * 32, "head_seq": str(head["head_seq"] + 1), "head_hash": "0" * 64,
                  "ts": str(head["ts"] + 1), "sig": "0" * 128, "simulated": "00"}
        for name, value in forged.items():
            with self.subTest(name):
                self.assertNotIn("Successfully", follow({name: value}))

    def test_any_change_to_an_export_is_seen(self):
        self.three_heads()
        mark = self.s.status()["fingerprint"]
        lines = self.stop_and_export()
        newest = [json.loads(json.loads(line)["body"]) for line in lines[1:-1] if '"kind":"head"' in line][-1]
        kept = [(newest["head_seq"], newest["head_hash"])]
        journal = json.loads(lines[0])["journal"]
        rows = lines[1:-1]
        flipped = seen = 0
        started = time.monotonic()
        walk = verify_export.Walk(journal, [mark], kept)
        for line in rows[:newest["head_seq"]]:
            raw = line.encode()
            before = dict(vars(walk))
            for bit in range(8 * len(raw)):
                changed = bytearray(raw)
                changed[bit // 8] ^= 1 << bit % 8
                flipped += 1
                try:
                    walk.row(bytes(changed).decode())
                except (verify_export.Damaged, UnicodeDecodeError):
                    seen += 1
                vars(walk).update(before)
            walk.row(line)
        print(f"RESULT export_bits rows={len(rows)} flipped={flipped} seen={seen} seconds={time.monotonic() - started:.1f}")
        self.assertEqual(seen, flipped)
        self.rows_changed(journal, rows, mark, kept)

    def rows_changed(self, journal, rows, mark, kept):
        """Each row up to the newest head left out, doubled, swapped with its neighbour; and each cut of the tail."""
        cases = seen = 0
        for i in range(kept[0][0]):
            for changed in (rows[:i] + rows[i + 1:], rows[:i] + [rows[i]] + rows[i:], rows[:i],
                            rows[:i] + rows[i:i + 2][::-1] + rows[i + 2:]):
                cases += 1
                walk = verify_export.Walk(journal, [mark], kept)
                try:
                    for line in changed:
                        walk.row(line)
                    walk.end()
                except verify_export.Damaged:
                    seen += 1
        print(f"RESULT export_rows cases={cases} seen={seen}")
        self.assertEqual(seen, cases)

    def test_a_lost_key_is_a_row_that_names_both(self):
        self.three_heads()
        old = self.s.status()["fingerprint"]
        self.s.dustd.stop()
        os.unlink(os.path.join(self.s.dir, "state", "gateway.key"))
        self.s.start_dustd()
        new = self.s.status()["fingerprint"]
        self.assertNotEqual(old, new)
        row = json.loads(wait_for("the row", lambda: self.s.export_live("key"))[0]["body"])
        self.assertEqual((row["old"], row["new"], row["why"]), (old, new, "lost"))
        socket = ["--socket", os.path.join(self.s.dir, "control.sock")]
        self.assertEqual(ctl("verify", *socket, "--key", new)[0], 1)
        self.assertEqual(ctl("verify", *socket, "--key", f"{old},{new}")[0], 0)
        self.s.dustd.stop()
        with open(os.path.join(self.s.dir, "state", "gateway.key"), "w", encoding="utf-8") as out:
            out.write("no key")
        self.s.start_dustd()
        self.assertNotIn("fingerprint", self.s.status())
        self.assertIn("no Ed25519 key", self.s.dustd.text())
        self.assertIn("no_key", [w["what"] for w in self.s.status()["warnings"]])
        os.unlink(os.path.join(self.s.dir, "state", "gateway.key"))
        third = wait_for("a key again", lambda: self.s.status().get("fingerprint"))  # at the next ten minutes
        last = wait_for("its row", lambda: [r for r in map(lambda r: json.loads(r["body"]), self.s.export_live("key"))
                                            if r["new"] == third])[0]
        self.assertEqual((last["old"], last["why"]), (new, "lost"))

    def test_a_key_given_as_a_credential_goes_before_the_one_that_was_made(self):
        made = self.s.status()["fingerprint"]
        self.s.dustd.stop()
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", os.path.join(self.s.dir, "gateway.key")],
                       check=True, capture_output=True)
        os.environ["CREDENTIALS_DIRECTORY"] = self.s.dir
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY")
        self.s.start_dustd()
        self.assertNotEqual(self.s.status()["fingerprint"], made)
        row = json.loads(wait_for("the row", lambda: self.s.export_live("key"))[0]["body"])
        self.assertEqual((row["old"], row["why"]), (made, "replaced"))


def mode(path):
    return os.stat(path).st_mode & 0o777


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("skipped: no openssl command")
        sys.exit(harness.SKIP)
    harness.main()
