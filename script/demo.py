"""The demo's director: starts broker, simulator, daemon and subscriber, shows what happens, counts at the end.

script/demo builds the programs and calls this with --build DIR. Python's standard library only.
"""
import argparse
import datetime
import json
import os
import re
import signal
import sys
import time

from demo_stage import SITE, SOURCE, Failed, Mailbox, Theatre

BROKER_AWAY_S = 8
SHORTEST_S = 90
ZONE = datetime.timezone(datetime.timedelta(hours=8))


def duration(text):
    match = re.fullmatch(r"(\d{1,5})(s|m|h|)", text)
    if not match:
        raise argparse.ArgumentTypeError("a duration like 90s or 5m")
    seconds = int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
    if seconds < SHORTEST_S:
        raise argparse.ArgumentTypeError(f"at least {SHORTEST_S}s: an hour of the site takes a minute")
    return seconds


def options():
    parser = argparse.ArgumentParser(prog="script/demo")
    parser.add_argument("--for", dest="seconds", type=duration)
    parser.add_argument("--lang", choices=("zh", "en"))
    parser.add_argument("--build", default=os.path.join(SOURCE, "build/demo"), help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


class Ended(Exception):
    """Ctrl-C, or a signal to end."""


def ended(number, frame):
    raise Ended()


class Words:
    """Text in the chosen language; in both, Chinese first."""

    def __init__(self, lang):
        self.lang = lang

    def __call__(self, zh, en):
        return {"zh": zh, "en": en}.get(self.lang) or (zh if zh == en else f"{zh}  {en}")


def stamp(ms, form="%H:%M"):
    return datetime.datetime.fromtimestamp(ms / 1000, ZONE).strftime(form)


class Demo:
    def __init__(self, theatre, words, seconds):
        self.t, self.w, self.seconds = theatre, words, seconds
        self.mail = Mailbox(theatre.path("mosquitto_sub.out"))
        self.began = time.monotonic()
        self.steps, self.shown, self.drawn, self.printed = [], 0, 0.0, -100.0
        self.issue = None
        self.behind_most = 0
        self.tty = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def elapsed(self):
        return time.monotonic() - self.began

    def step(self, zh, en, *details):
        """A promise kept: one line, and what belongs to it."""
        self.steps.append((len(self.steps) + 1, self.elapsed(), self.w(zh, en), details))
        self.draw(force=True)

    # The story, one promise after the other. Each `until` keeps the view alive while it waits.

    def play(self):
        self.until("readings", 30, self.has_readings)
        self.step("读数到达：串行线路上的仪器在回答", "readings arrive: the meters on the serial line answer")
        self.until("an hourly breach", 90, lambda: self.mail.breach)
        b = self.mail.breach
        self.step(f"小时均值达到限值：{b['point']} {stamp(b['ts'])} 起 {b['mean']:.1f} {b['unit']}，限值 ≥ {b['value']:g}",
                  f"an hourly mean reaches the limit: {b['point']} from {stamp(b['ts'])} {b['mean']:.1f} {b['unit']}, "
                  f"limit >= {b['value']:g}")
        self.until("an issue", 15, self.has_issue)
        i = self.issue
        self.step(f"问题入台账：{i['id']} {i['state_zh']}，责任人 {i['person']}",
                  f"an issue is in the ledger: {i['id']} {i['state']}, responsible {i['person']}")
        self.show_retained()
        self.interrupt_broker()
        if self.seconds:
            self.until("the end", self.seconds, lambda: self.elapsed() > self.seconds - 4)
        else:
            print(self.w("按 Ctrl-C 结束并看小结", "Ctrl-C ends the demo and shows the summary"), flush=True)
            try:
                self.until("Ctrl-C", float("inf"), lambda: False)
            except Ended:
                pass

    def until(self, what, patience, condition):
        end = time.monotonic() + patience
        while True:
            self.t.check()
            self.mail.read()
            if condition():
                return
            if time.monotonic() > end:
                raise Failed(self.w(f"没有等到：{what}", f"waited {patience} s for: {what}"))
            self.draw()
            time.sleep(0.2)

    def has_readings(self):
        devices = self.t.ask("devices") or []
        return any(p.get("q") == "N" and "v" in p for d in devices for p in d["points"])

    def has_issue(self):
        issues = self.t.ask("issues") or []
        self.issue = next((i for i in issues if i["kind"] == "limit"), None)
        return self.issue

    def show_retained(self):
        found = None

        def kept():
            nonlocal found
            found = self.t.retained(f"dust/1/{SITE}/issue/{self.issue['id']}")
            return found and found[0]

        self.until("the retained message", 15, kept)
        body = json.loads(found[2])
        self.step("代理服务器上的保留消息，新订阅者立即收到",
                  "the broker keeps it: a stranger who subscribes is told at once", found[1],
                  json.dumps({k: body.get(k) for k in ("id", "state", "state_zh", "title", "person")},
                                       ensure_ascii=False))

    def broker(self):
        status = self.t.ask("status")
        return status["mqtt"][0] if status else {"connected": None, "behind": 0}

    def interrupt_broker(self):
        self.t.stop("mosquitto")
        self.step(f"代理服务器停了 {BROKER_AWAY_S} 秒；测量照常",
                  f"the broker is stopped for {BROKER_AWAY_S} s; measuring goes on")
        back = time.monotonic() + BROKER_AWAY_S
        self.until("the broker's pause", BROKER_AWAY_S + 5, lambda: time.monotonic() > back)
        self.behind_most = self.broker()["behind"]
        if self.behind_most <= 0:
            raise Failed("nothing waited for the broker")
        self.t.start_broker()
        self.until("dustd at the broker again", 30, lambda: self.broker()["connected"])
        self.until("the backlog", 30, lambda: self.broker()["behind"] <= 1 and not self.mail.missing())
        self.step(f"代理服务器恢复；积压的 {self.behind_most} 行已按顺序补发",
                  f"the broker is back; the {self.behind_most} rows that waited have followed, in order")

    # The live view.

    def draw(self, force=False):
        now = time.monotonic()
        if self.tty and (force or now - self.drawn >= 2):
            self.drawn = now
            lines = [line for step in self.steps for line in self.step_lines(*step)]
            sys.stdout.write("\x1b[H\x1b[J" + "\n".join(self.view() + [""] + lines) + "\n")
            sys.stdout.flush()
        elif not self.tty:
            while self.shown < len(self.steps):
                print("\n".join(self.step_lines(*self.steps[self.shown])), flush=True)
                self.shown += 1
            if now - self.printed >= 10:
                self.printed = now
                print("\n".join(self.view()), flush=True)

    def step_lines(self, number, at, text, details):
        return [f"[{number}] {at:4.0f} s  {text}"] + [f"             {d}" for d in details]

    def view(self):
        status, devices = self.t.ask("status"), self.t.ask("devices") or []
        if not status:
            return [self.w("dustd 未回答", "dustd does not answer")]
        title = status["site"]["title"]
        clock = stamp(status["now"], "%Y-%m-%d %H:%M:%S")
        lines = [f"-- {self.w(title['zh'], title['en'])} · {clock} (x{status['rate']}) · {self.elapsed():.0f} s"]
        for d in devices:
            lines.append(f"   {d['name']:<12} {self.device_text(d)}")
        for kind, zh, en in (("minute", "分钟均值", "minute mean"), ("hour", "小时均值", "hour mean")):
            row = self.mail.last.get(kind)
            if row:
                means = [f"{name} {self.mean_text(m)}" for name, m in row["points"].items() if name.endswith("/pm10")]
                lines.append(f"   {self.w(zh, en)} {stamp(row['ts'])}: {', '.join(means)}")
        lines.append(f"   {self.w('未结问题', 'open issues')}: {status['issues']['open']}")
        if self.issue:
            lines += [f"     {self.issue['id']} {self.issue['title'][lang]}" for lang in ("zh", "en")
                      if self.w.lang in (None, lang)]
        b = status["mqtt"][0]
        away = self.w("已连接", "connected") if b["connected"] else self.w("断开", "away")
        lines.append(f"   {self.w('代理服务器', 'broker')}: {away}, {self.w('待发', 'waiting')} {b['behind']}; "
                     f"mosquitto_sub {self.w('收到', 'got')} {self.mail.messages}")
        return lines

    def mean_text(self, mean):
        """A window without enough valid data has no mean that counts."""
        if mean["q"] in "NT":
            return f"{mean['mean']:.1f}" + ("+" if mean["q"] == "T" else "")
        return f"— ({mean['n']}/{mean['of']})"

    def device_text(self, device):
        if device["state"] == "down":
            return self.w("无应答", "does not answer") + f" ({device.get('why', '')})"
        read = [p for p in device["points"] if "ts" in p]
        if read and not any("v" in p for p in read):
            return f"— {read[0].get('why', '')} ({read[0]['q']})"
        texts = []
        for p in sorted(read, key=lambda p: p["name"] != "pm10"):
            value = f"{p['v']:.{p['decimals']}f} {p['unit']}".rstrip() if "v" in p else f"— {p.get('why', '')}"
            texts.append(f"{p['name']} {value}" + (f" ({p['q']})" if p["q"] != "N" else ""))
        return ", ".join(texts[:6]) or "…"

    # The end: dustd is stopped, then its own database is held against what the subscriber got.

    def summary(self):
        committed = (self.t.ask("status") or {}).get("committed", 0)
        code = self.t.stop("dustd")
        if code != 0:
            raise Failed(f"dustd ended with {code}\n{self.t.log('dustd')}")
        time.sleep(0.5)
        self.mail.read()
        rows, samples = self.export()
        heads = self.t.write("heads.jsonl", "".join(text + "\n" for text in self.mail.rows.values()))
        verify = self.t.ctl("--db", self.t.path("state", "dust.db"), "--lang", self.w.lang or "zh",
                            "verify", "--heads", heads)
        self.report(rows, samples, verify, committed)

    def export(self):
        done = self.t.ctl("--db", self.t.path("state", "dust.db"), "export")
        if done.returncode != 0:
            raise Failed(f"dustctl export: {done.stderr}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [l for l in lines if "hash" in l and "at" in l], [l for l in lines if "point" in l]

    def report(self, rows, samples, verify, committed):
        m, w = self.mail, self.w
        valid = sum(s["q"] == "N" for s in samples)
        opened = {r["subject"] for r in rows if r["kind"] == "issue"}
        breaches = sum(r["kind"] == "verdict" and json.loads(r["body"])["verdict"] == "breach" for r in rows)
        same = {r["seq"]: r["hash"] for r in rows}
        differing = sum(same.get(seq) != json.loads(text)["hash"] for seq, text in m.rows.items())
        unsent = [seq for seq in same if seq <= committed and seq not in m.rows]
        print(f"\n== {w('小结', 'summary')} ({self.elapsed():.0f} s)")
        for zh, en, text in (
                ("读数", "readings", f"{len(samples)} ({w('有效', 'valid')} {valid})"),
                ("日志行", "journal rows", f"{len(rows)}: " + ", ".join(
                    f"{kind} {sum(r['kind'] == kind for r in rows)}" for kind in sorted({r["kind"] for r in rows}))),
                ("超标", "breaches", f"{breaches}"),
                ("问题", "issues", f"{len(opened)}: {', '.join(sorted(opened))}"),
                ("mosquitto_sub 收到消息", "messages at mosquitto_sub",
                 f"{m.messages}: {w('行', 'rows')} {len(m.rows)}, "
                 f"{w('重发', 'repeats')} {m.repeats}, {w('现状', 'now-messages')} {m.now}"),
                ("代理服务器停时积压", "waited for the broker", f"{self.behind_most}"),
                ("缺号", "gaps in seq", f"{len(m.missing())}"),
                ("乱序", "out of order", f"{m.disorder}"),
                ("同号异文", "one seq, two contents", f"{m.two_faced + differing}"),
                ("未送达", "not delivered", f"{len(unsent)}"),
                ("哈希链", "hash chain", (verify.stdout or verify.stderr).strip().replace("\n", "; "))):
            print(f"   {w(zh, en)}: {text}")
        wrong = [name for name, bad in (
            ("readings", not valid), ("breach", not breaches), ("issue", not opened), ("gaps", m.missing()),
            ("order", m.disorder), ("contents", m.two_faced + differing), ("delivery", unsent),
            ("chain", verify.returncode != 0)) if bad]
        if wrong:
            raise Failed(", ".join(wrong))
        print(self.w("没有丢失任何数据。", "Nothing was lost."), flush=True)


def main():
    o = options()
    if o.check:
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
    theatre = Theatre(o.build)
    try:
        theatre.start_broker()
        theatre.start_subscriber()
        theatre.start_site()
        demo = Demo(theatre, Words(o.lang), o.seconds)
        demo.play()
        demo.summary()
        return 0
    except Failed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    except Ended:
        print("\n" + Words(o.lang)("提前结束，已清理", "ended early, everything is cleaned up"))
        return 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        theatre.close()


if __name__ == "__main__":
    sys.exit(main())
