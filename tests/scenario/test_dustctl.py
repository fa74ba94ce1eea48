"""dustctl against a stand-in for the daemon (control_fixture) and against databases (store_fixture)."""
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

BUILD = os.path.abspath(os.environ.get("DUST_BUILD", "build/dev"))
CTL = os.path.join(BUILD, "dustctl")
JOURNAL = "0123456789abcdef0123456789abcdef"


def run(*words, **environment):
    env = {"PATH": os.environ["PATH"], "LANG": "C"}
    env.update(environment)
    return subprocess.run([CTL, *words], capture_output=True, env=env, timeout=60, encoding="utf-8")


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="dustctl-")
        self.socket = os.path.join(self.dir, "control.sock")
        self.servers = []

    def tearDown(self):
        self.stop()
        shutil.rmtree(self.dir)

    def stop(self):
        for server in self.servers:
            server.kill()
            server.wait()
        self.servers = []

    def serve(self, *options):
        self.servers.append(subprocess.Popen([os.path.join(BUILD, "tests", "control_fixture"), self.socket, *options]))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.socket)
                return
            except OSError:
                time.sleep(0.01)
        self.fail("the fixture does not listen")

    def ctl(self, *words, code=0, **environment):
        result = run(*words, "--socket", self.socket, **environment)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path


class Reading(Base):
    def test_status_speaks_the_daemons_language_and_marks_a_simulation(self):
        self.serve()
        chinese = self.ctl("status").stdout
        self.assertIn("示例工地 (example)", chinese)
        self.assertIn("模拟数据", chinese)
        self.assertIn("其中逾期 1 个", chinese)
        self.assertIn("2026-11-23 08:10:00", chinese)
        english = self.ctl("status", "--lang", "en").stdout
        self.assertIn("Example Site (example)", english)
        self.assertIn("NOT connected", english)

    def test_losses_are_shown_only_where_there_are_any(self):
        self.serve()
        text = self.ctl("status").stdout
        self.assertIn("late_samples: 4", text)
        self.assertNotIn("bus_ring_full", text)

    def test_status_as_json_is_the_daemons_result(self):
        self.serve()
        self.assertEqual(json.loads(self.ctl("status", "--json").stdout)["committed"], 14)

    def test_a_failed_reading_is_a_dash_and_a_reason_never_a_number(self):
        self.serve("lang=en")
        lines = {line.split()[0]: line for line in self.ctl("devices").stdout.splitlines() if line}
        self.assertRegex(lines["dust1/pm10"], r"81\.2 +μg/m³ +N normal")
        self.assertRegex(lines["dust1/pm25"], r"— +μg/m³ +D fault +2026-11-23 08:09:59 +exception 2$")
        self.assertRegex(lines["dust2/pm10"], r"— +μg/m³ +not read yet +—$")

    def test_devices_shows_each_line_beside_the_wires_limit_and_how_old_values_are(self):
        self.serve("lang=en")
        lines = self.ctl("devices").stdout.splitlines()
        self.assertRegex(lines[1], r"^meters +open +62\.0 % +55\.0 % +43\.7 % +0$")
        self.assertTrue([line for line in lines if line.startswith("dust1 ") and line.endswith("1 s ago")], lines)
        self.assertTrue([line for line in lines if line.startswith("dust2 ") and "quarantined" in line], lines)
        self.assertTrue([line for line in lines if line.startswith("dust2 ") and line.endswith("none yet")], lines)

    def test_escapes_in_names_never_reach_the_terminal(self):
        self.serve("hostile=1")
        for words in (["devices"], ["devices", "--lang", "en"]):
            text = self.ctl(*words).stdout
            self.assertFalse([c for c in text if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or c == "\u202e"])
            self.assertIn("?[2J", text)

    def test_history_shows_values_failures_and_gaps(self):
        self.serve("page=2")
        lines = self.ctl("history", "dust1/pm10", "--from", "08:00", "--to", "08:10").stdout.splitlines()[2:]
        self.assertEqual([line.split()[1] for line in lines[1:5]], ["08:00:00", "08:01:00", "08:02:00", "08:03:00"])
        self.assertRegex(lines[1], r"81\.2 +80\.0 +90\.5 +60/60 +N 正常")
        self.assertRegex(lines[4], r"— +— +— +0/60 +B 无通信")
        self.assertRegex(lines[5], r"08:04:00 … 2026-11-23 08:06:00 .*无记录")
        self.assertRegex(lines[-1], r"08:08:00 … 2026-11-23 08:10:00 .*无记录")

    def test_history_as_json_has_no_mean_where_there_was_none(self):
        self.serve()
        rows = [json.loads(line) for line in self.ctl("history", "dust1/pm10", "--json").stdout.splitlines()]
        self.assertEqual([row.get("mean") for row in rows], [81.25, 82.25, 83.25, None, 85.25, 86.25])
        self.assertNotIn("mean", rows[3])

    def test_history_takes_other_windows(self):
        self.serve()
        self.assertIn("260.1", self.ctl("history", "dust1/pm10", "--window", "hour", "--from", "2026-11-23").stdout)

    def test_a_mean_that_is_a_lower_bound_or_of_too_few_values_is_marked(self):
        self.serve("lang=en")
        text = self.ctl("history", "dust1/pm10", "--window", "hour", "--from", "06:00").stdout
        self.assertRegex(text, r"06:00:00 +≥999\.0 +≥80\.0 +≥1000\.0 +60/60 +T over range")
        self.assertRegex(text, r"07:00:00 +\(70\.0\) +\(60\.0\) +\(80\.0\) +9/60 +B too few values")
        self.assertRegex(text, r"08:00:00 +260\.1 +80\.0 +400\.0 +55/60 +N normal")

    def test_a_point_nobody_has_is_an_error_not_an_empty_answer(self):
        self.serve()
        self.assertIn("x/y", self.ctl("history", "x/y", code=1).stderr)

    def test_issues_shows_the_open_and_all_shows_the_rest(self):
        self.serve()
        some = self.ctl("issues").stdout
        self.assertIn("LQ-2026-0001", some)
        self.assertIn("红灯 逾期", some)
        self.assertNotIn("LQ-2026-0002", some)
        self.assertIn("LQ-2026-0002", self.ctl("issues", "--all").stdout)

    def test_an_issue_is_shown_with_its_steps(self):
        self.serve()
        text = self.ctl("issue", "LQ-2026-0001").stdout
        self.assertRegex(text, r"发现 +系统 +疑似 +PM10 小时均值 260")
        self.assertRegex(text, r"交办 +office +已交办 +→ site-manager  请立即洒水")

    def test_a_refusal_is_said_in_chinese_with_the_daemons_own_words(self):
        self.serve()
        self.assertEqual(self.ctl("issue", "LQ-2026-0009", code=1).stderr, "dustctl: 没有这个编号的问题（no such issue）\n")
        self.assertEqual(self.ctl("issue", "LQ-2026-0009", "--lang", "en", code=1).stderr, "dustctl: no such issue\n")

    def test_a_step_is_sent_as_it_was_said(self):
        self.serve()
        result = self.ctl("issue", "LQ-2026-0001", "assign", "今天 18 点前", "--person", "p", "--as", "office", "--json")
        step = json.loads(result.stdout)["steps"][-1]
        self.assertEqual([step[key] for key in ("do", "issue", "verb", "text", "person", "as")],
                         ["act", "LQ-2026-0001", "assign", "今天 18 点前", "p", "office"])

    def test_a_busy_daemon_is_asked_again(self):
        self.serve("busy=3")
        self.assertEqual(len(self.ctl("history", "dust1/pm10", "--json").stdout.splitlines()), 6)


class Exporting(Base):
    def export(self, *words, code=0):
        return [json.loads(line) for line in self.ctl("export", *words, code=code).stdout.splitlines()]

    def test_an_export_names_its_source_and_says_when_it_is_whole(self):
        self.serve("page=5")
        lines = self.export()
        self.assertEqual((lines[0]["export"], lines[0]["journal"], lines[0]["head"]["seq"]), (1, JOURNAL, 14))
        self.assertEqual(lines[0]["site"]["name"], "example")
        self.assertTrue(lines[0]["simulated"])
        self.assertEqual([line["seq"] for line in lines if "hash" in line], list(range(1, 15)))
        self.assertEqual([line.get("v") for line in lines if "point" in line], [81.2, None])
        self.assertEqual(lines[-1], {"end": True, "rows": 14, "samples": 2})

    def test_an_exported_chain_can_be_checked_by_anybody(self):
        self.serve()
        before = bytes(32)
        for line in self.export("--rows")[1:-1]:
            body = hashlib.sha256(line["body"].encode()).digest()
            self.assertEqual(body.hex(), line["sha256"])
            before = hashlib.sha256(before + line["seq"].to_bytes(8, "big") + body).digest()
            self.assertEqual(before.hex(), line["hash"])

    def test_a_range_and_one_half_may_be_chosen(self):
        self.serve()
        lines = self.export("--rows", "--from", "2026-11-23T08:01:00+08:00", "--to", "08:03")
        self.assertEqual([line["seq"] for line in lines[1:-1]], [5, 6])
        self.assertEqual(lines[0]["from"], 1795392060000)
        self.assertEqual([line for line in self.export("--samples") if "hash" in line], [])
        self.ctl("export", "--rows", "--samples", code=2)

    def test_an_export_that_broke_off_fails_and_has_no_last_line(self):
        self.serve("hangup=4")
        self.assertNotIn("end", self.export(code=1)[-1])

    def test_a_full_disk_is_said(self):
        self.serve()
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([CTL, "export", "--socket", self.socket], stdout=full, stderr=subprocess.PIPE,
                                    timeout=60, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"dustctl: ", result.stderr)


class Verifying(Base):
    def heads(self, *noted):
        lines = [json.loads(line) for line in self.ctl("export", "--rows").stdout.splitlines()]
        hashes = {line["seq"]: line["hash"] for line in lines if "hash" in line}
        text = "".join(json.dumps({"journal": journal, "seq": seq, "hash": forged or hashes[seq], "kind": "x"}) + "\n"
                       for journal, seq, forged in noted)
        return self.write("heads", text)

    def test_a_whole_chain_compared_with_nothing_is_not_proven(self):
        self.serve("page=5")
        result = self.ctl("verify", "--lang", "en", code=3)
        self.assertIn("unbroken: 14 rows", result.stdout)
        self.assertIn("not compared with any fingerprint", result.stdout)
        self.assertIn("raw blocks not checked", result.stdout)

    def test_a_noted_head_that_agrees_proves_it(self):
        self.serve()
        path = self.heads((JOURNAL, 12, None), (JOURNAL, 3, None), ("f" * 32, 3, None))
        result = self.ctl("verify", "--heads", path, "--json")
        self.assertEqual(json.loads(result.stdout)["heads"],
                         {"agree": 2, "differ": 0, "foreign": 1, "first_differing": 0})

    def test_heads_of_another_journal_prove_nothing(self):
        self.serve()
        self.ctl("verify", "--heads", self.heads(("f" * 32, 3, None)), code=3)
        self.ctl("verify", "--heads", self.write("none", "\n"), code=3)

    def test_a_noted_head_that_differs_fails(self):
        self.serve()
        self.ctl("verify", "--heads", self.heads((JOURNAL, 12, None), (JOURNAL, 7, "a" * 64)), code=1)

    def test_a_noted_head_beyond_the_end_fails(self):
        self.serve()
        self.ctl("verify", "--heads", self.heads((JOURNAL, 12, None), (JOURNAL, 15, "a" * 64)), code=1)

    def test_the_first_damaged_row_is_named(self):
        for option, row in (("damage=5", 5), ("drop=6", 6), ("column=10", 10), ("drop=14", 14)):
            with self.subTest(option):
                self.serve(option)
                result = self.ctl("verify", "--json", code=1)
                self.assertEqual(json.loads(result.stdout)["damaged"]["seq"], row)
                self.stop()

    def test_a_bad_heads_file_is_named_with_its_line(self):
        self.serve()
        self.assertIn("bad:2", self.ctl("verify", "--heads", self.write("bad", "\nx\n"), code=2).stderr)
        self.ctl("verify", "--heads", os.path.join(self.dir, "missing"), code=2)
        self.assertIn("64 hex digits", self.ctl("verify", "--lang", "en", "--key", "aa", code=2).stderr)


class Databases(Base):
    def make(self, *options):
        subprocess.run([os.path.join(BUILD, "tests", "store_fixture"), self.dir, *options], check=True, timeout=60)
        return os.path.join(self.dir, "dust.db")

    def db(self, *words, code=0):
        result = run(*words, "--db", os.path.join(self.dir, "dust.db"), TMPDIR=self.dir)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout

    def fingerprint(self):
        found = {}
        for name in sorted(os.listdir(self.dir)):
            with open(os.path.join(self.dir, name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
        return found

    def change(self, path, sql, *values):
        db = sqlite3.connect(path)
        with db:
            db.execute(sql, values)
        db.close()

    def test_a_stopped_daemons_database_can_be_read(self):
        self.make()
        self.assertRegex(self.db("history", "dust1/pm10"), r"dust1/pm10  μg/m³  分钟均值 (.|\n)* 8[23]\.[09] +80\.0 +85\.9 ")
        self.assertIn("LQ-2026-0001", self.db("issues"))
        self.assertRegex(self.db("issue", "LQ-2026-0001"), r"确认 +office +已确认 +现场已核实")
        self.db("issue", "LQ-2026-0002", code=1)
        self.db("issue", "LQ-2026-0001", "close", code=2)

    def test_the_zone_and_the_site_are_those_of_the_settings_row(self):
        self.make()
        self.assertIn("2026-11-23 06:01:00", self.db("history", "dust1/pm10"))
        self.assertEqual(len(self.db("history", "dust1/pm10", "--from", "06:01", "--json").splitlines()), 1)
        self.assertEqual(json.loads(self.db("export").splitlines()[0])["site"], {"name": "example"})

    def test_all_samples_are_exported_and_a_failed_one_has_no_value(self):
        self.make()
        samples = [json.loads(line) for line in self.db("export", "--samples").splitlines()[1:-1]]
        self.assertEqual([s["regs"] for s in samples if s["seq"] and "v" in s],
                         [[800 + i] for _ in range(3) for i in range(60) if i != 3])
        self.assertEqual([s["at"] for s in samples if not s["seq"]], list(range(1795392180000, 1795392185000, 1000)))
        for s in samples:
            if "v" in s:
                self.assertAlmostEqual(s["v"], s["regs"][0] / 10, places=9)
            else:
                self.assertEqual((s["q"], s["why"], s["regs"]), ("B", "no answer", []))

    def test_a_range_cuts_samples_at_the_second(self):
        self.make()
        lines = self.db("export", "--samples", "--from", "2026-11-23T08:00:30+08:00", "--to", "2026-11-23T08:01:10+08:00")
        times = [json.loads(line)["at"] for line in lines.splitlines()[1:-1]]
        self.assertEqual(times, list(range(1795392030000, 1795392070000, 1000)))

    def test_the_files_are_left_as_they_are(self):
        self.make("stopped_short")
        before = self.fingerprint()
        self.assertIn("dust.db-wal", before)
        for words in (["verify"], ["export"], ["issues"], ["history", "dust1/pm10"]):
            self.db(*words, code=3 if words == ["verify"] else 0)
        self.assertEqual(self.fingerprint(), before)

    def test_a_reader_that_hangs_up_leaves_no_copy_behind(self):
        path = self.make("stopped_short")
        before = self.fingerprint()
        reading, writing = os.pipe()
        os.close(reading)
        killed = subprocess.run([CTL, "export", "--db", path], stdout=writing, timeout=60, check=False,
                                env={"PATH": os.environ["PATH"], "TMPDIR": self.dir})
        os.close(writing)
        self.assertEqual(killed.returncode, -signal.SIGPIPE)
        self.assertEqual(self.fingerprint(), before)

    def test_verify_checks_raw_blocks_too(self):
        path = self.make()
        self.assertEqual(json.loads(self.db("verify", "--json", code=3))["raw"],
                         {"promised": 3, "checked": 3, "damaged": 0})
        db = sqlite3.connect(path)
        data = bytearray(db.execute("SELECT data FROM raw WHERE seq = 4").fetchone()[0])
        db.close()
        data[-1] ^= 1
        self.change(path, "UPDATE raw SET data = ? WHERE seq = 4", bytes(data))
        self.assertEqual(json.loads(self.db("verify", "--json", code=1))["raw"]["damaged"], 4)

    def test_verify_names_a_row_that_was_changed_in_the_database(self):
        path = self.make()
        self.change(path, "UPDATE journal SET body = replace(body, '82.95', '42.95') WHERE seq = 4")
        self.assertEqual(json.loads(self.db("verify", "--json", code=1))["damaged"]["seq"], 4)

    def test_what_is_no_database_is_refused_in_words(self):
        path = self.write("dust.db", "hello")
        result = run("verify", "--db", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("dust.db", result.stderr)
        self.assertEqual(run("verify", "--db", os.path.join(self.dir, "none.db")).returncode, 1)


class Usage(Base):
    def test_without_a_daemon_it_says_so(self):
        result = run("status", "--socket", self.socket)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "dustctl: dustd is not running: nobody answers on %s\n" % self.socket)
        self.assertIn("dustd 没有运行", run("status", "--socket", self.socket, LANG="zh_CN.UTF-8").stderr)

    def test_what_is_wrong_on_the_command_line_is_exit_2_with_one_line(self):
        self.serve()
        for words in (["nothing"], ["status", "x"], ["history"], ["status", "--from", "08:00"], ["issues", "--all=1"],
                      ["issue", "LQ-2026-0001", "burn"], ["history", "dust1/pm10", "--window", "week"],
                      ["history", "dust1/pm10", "--from", "2026-02-30"], ["export", "--from", "09:00", "--to", "08:00"],
                      ["status", "--lang", "fr"], ["verify", "--db", "x"], ["issue", "LQ-2026-0001", "--as", "p"]):
            with self.subTest(words):
                result = self.ctl(*words, code=2)
                self.assertEqual(result.stdout, "")
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_help_lists_every_verb_in_both_languages(self):
        for lang, word in (("zh", "核验日志的哈希链"), ("en", "walks the journal's hash chain")):
            result = run("--help", "--lang", lang)
            self.assertEqual(result.returncode, 0)
            self.assertIn(word, result.stdout)
            for verb in ("devices", "export", "history", "issue", "issues", "status", "verify"):
                self.assertIn("\n  %s" % verb, result.stdout)
        self.assertEqual(run().returncode, 2)


if __name__ == "__main__":
    unittest.main()
