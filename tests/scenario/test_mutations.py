"""A damaged configuration is refused with its place, or means what is written: never a silently different limit.

The example that ships (as it is, and with every setting in force), a limit file and a device profile are mutated: bits
flipped, lines deleted, doubled, swapped, numbers replaced by what people type, devices and keys doubled, pieces of YAML that
are not for configurations put in. Each mutant is refused with file:line:column, or what --print shows loads to the same
print and says the same as the file does to a second reader (reading.py). 1,000 mutations; 100,000 with DUST_STORM=1.
"""
import collections
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest

import harness
import reading

MUTATIONS = int(os.environ.get("DUST_MUTATIONS", "100000" if harness.STORM else "1000"))
WHOLE_PROGRAMS = 200 if harness.STORM else 20
NASTY = ["-1", "0", "NaN", "nan", "1e309", "12abc", "010", '""', "", ".5", "5.", "+5", "0x10", "1_000", "99999999999999999999", "-0",
         "1e3", "²", "1 000", "0.1", "7"]
UNITS = ["s", "ms", "min", "h", "d", " MB", " kB", " ug/m3", " mg/m3", " m/s", "ug/m3", "S", " s", "%"]
PIECES = ["&a ", "*a", "!!int ", "[", "{", "]", "}", '"', "'", "|", ">", "%", "@", "`", "? ", "- ", ": ", "\t", "\0", "\r", "\x07", "\ufeff",
          "\u2028", "\x85", "~", "null", "true", "flase", "yes", "---\n", "...\n", "<<: ", "工", "#", " #", ","]
NUMBER = re.compile(r"(?<![\w.-])\d[\d.]*(?=[a-z]*)")


def example(name):
    with open(os.path.join(harness.SOURCE, "config", name)) as f:
        return f.read()


class Mutator:
    """One mutation of a text at random, and what kind it was."""

    def __init__(self, rng):
        self.rng = rng
        self.kinds = [self.bit, self.byte, self.delete_line, self.double_line, self.swap_lines, self.number, self.number, self.number,
                      self.unit, self.piece, self.cut, self.indent, self.double_entry]

    def __call__(self, text):
        kind = self.rng.choice(self.kinds)
        return kind.__name__, kind(text)

    def bit(self, text):
        data = bytearray(text.encode())
        data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        return bytes(data)

    def byte(self, text):
        data = bytearray(text.encode())
        data[self.rng.randrange(len(data))] = self.rng.randrange(256)
        return bytes(data)

    def lines(self, text, change):
        lines = text.splitlines(keepends=True)
        change(lines, self.rng.randrange(len(lines)), self.rng.randrange(len(lines)))
        return "".join(lines).encode()

    def delete_line(self, text):
        return self.lines(text, lambda lines, i, _: lines.pop(i))

    def double_line(self, text):
        return self.lines(text, lambda lines, i, _: lines.insert(i, lines[i]))

    def swap_lines(self, text):
        def swap(lines, i, k):
            lines[i], lines[k] = lines[k], lines[i]
        return self.lines(text, swap)

    def number(self, text):
        place = self.rng.choice(list(NUMBER.finditer(text)))
        return (text[:place.start()] + self.rng.choice(NASTY) + text[place.end():]).encode()

    def unit(self, text):
        place = self.rng.choice(list(re.finditer(r"(?<=\d)(ms|s|min|h|d| MB| ug/m3)?\b", text)))
        return (text[:place.start()] + self.rng.choice(UNITS) + text[place.end():]).encode()

    def piece(self, text):
        at = self.rng.randrange(len(text))
        return (text[:at] + self.rng.choice(PIECES) + text[at:]).encode()

    def cut(self, text):
        at = self.rng.randrange(len(text))
        return (text[:at] + text[at + self.rng.randrange(1, 40):]).encode()

    def indent(self, text):
        return self.lines(text, lambda lines, i, _: lines.__setitem__(i, self.rng.choice([" ", "  ", "\t"]) + lines[i]))

    def double_entry(self, text):
        """An entry of a map once more, sometimes under another name: two devices with one unit id, for one."""
        place = self.rng.choice(list(re.finditer(r"^  [a-z0-9-]+:\n(    .*\n)+", text, re.M)) or [re.search(r"^\w+:.*\n", text, re.M)])
        again = place[0].replace(":", "-2:", 1) if self.rng.random() < 0.7 else place[0]
        return (text[:place.end()] + again + text[place.end():]).encode()


def each_of(text, rng):
    """Every byte with one bit flipped, every line deleted, doubled and swapped with the next, every number replaced by each of
    what people type: (kind, mutant)."""
    data, lines = text.encode(), text.splitlines(keepends=True)
    for i in range(len(data)):
        yield "bit", data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1:]
    for i, line in enumerate(lines):
        yield "delete_line", "".join(lines[:i] + lines[i + 1:]).encode()
        yield "double_line", "".join(lines[:i] + [line] + lines[i:]).encode()
        yield "swap_lines", "".join(lines[:i] + lines[i + 1:i + 2] + [line] + lines[i + 2:]).encode()
    for place in NUMBER.finditer(text):
        for nasty in NASTY:
            yield "number", (text[:place.start()] + nasty + text[place.end():]).encode()


def all_mutants(bases, rng):
    """(file, kind, mutant), without end: each of the above once, in any order, with as many at random among them; then at random."""
    each = [(name, kind, mutant) for name, text, _ in bases for kind, mutant in each_of(text, rng)]
    rng.shuffle(each)
    mutate = Mutator(rng)
    while True:
        if each:
            yield each.pop()
        name, text, _ = rng.choices(bases, weights=[weight for _, _, weight in bases])[0]
        yield (name, *mutate(text))


class Mutations(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="dust-mutant-")
        for kind in ("devices", "limits"):
            os.mkdir(os.path.join(self.dir, kind))
        self.loader = subprocess.Popen([os.path.join(harness.BUILD, "tests", "mutant_fixture"), os.path.join(harness.SOURCE, "config")],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.shipped = example("dustd.yaml")
        self.defaults = {"": reading.defaults_of(self.shipped), "devices": reading.DEVICE_DEFAULTS, "limits": reading.LIMIT_DEFAULTS}
        self.write("dustd.yaml", self.shipped.encode())

    def tearDown(self):
        self.loader.stdin.close()
        self.loader.wait()
        self.loader.stdout.close()
        shutil.rmtree(self.dir)

    def write(self, name, data):
        with open(os.path.join(self.dir, name), "wb") as f:
            f.write(data)

    def load(self):
        self.loader.stdin.write(os.path.join(self.dir, "dustd.yaml") + "\n")
        self.loader.stdin.flush()
        return json.loads(self.loader.stdout.readline())

    def text_of(self, name):
        """What stands in a file of the site: its own, or the one that ships."""
        own = os.path.join(self.dir, name)
        with open(own if os.path.exists(own) else os.path.join(harness.SOURCE, "config", name), "rb") as f:
            return f.read().decode()

    def differences(self, shown):
        """What the print says otherwise than the files do."""
        for name, part in reading.parts_of(shown).items():
            kind = name.split("/")[0]
            if kind not in self.defaults:
                continue  # requirements and wording are not mutated here
            written = reading.read(self.text_of(name or "dustd.yaml"))
            derived = {}
            if name == "":
                derived = {("mqtt", b, "client_id"): "dustd-" + written["site"]["name"] for b in written.get("mqtt") or {}}
            elif name.startswith("devices/"):
                derived = {("points", p, "title", language): p for p in written["points"] for language in ("zh", "en")}
                derived |= {("points", p, "period"): "1h" for p, point in written["points"].items() if (point or {}).get("watch") == "true"}
            for path, file, printed in reading.differences(written, reading.read(part), self.defaults[kind], derived):
                yield f"{name or 'dustd.yaml'} {'.'.join(path)}: the file says {file!r}, the print {printed!r}"

    def judge(self, said):
        """accepted, refused or unread; fails when it is none of what it may be."""
        if "refused" in said:
            self.assertRegex(said["refused"], r"^" + re.escape(self.dir) + r"/\S+\.yaml:[1-9]\d*:[1-9]\d*: .+; allowed:")
            return "refused"
        self.assertTrue(said["same"], "what is printed loads to something else")
        try:
            wrong = list(self.differences(said["print"]))
        except reading.Unreadable:
            return "unread"
        self.assertEqual(wrong, [], "the print says something else")
        return "accepted"

    def test_what_ships_says_the_same_in_the_print(self):
        for text in (self.shipped, reading.in_force(self.shipped)):
            self.write("dustd.yaml", text.encode())
            self.assertEqual(self.judge(self.load()), "accepted")

    def test_the_second_reader_sees_each_number_that_is_printed_otherwise(self):
        shown = self.load()["print"]
        compared = shown.partition("\n# requirements/")[0]
        numbers = [m for m in re.finditer(r": \"?(\d+)", compared)]
        for m in numbers:
            changed = shown[:m.start(1)] + str(int(m[1]) + 1) + shown[m.end(1):]
            self.assertNotEqual(list(self.differences(changed)), [], f"unseen: {shown[m.start() - 30:m.end()]}")
        self.assertGreater(len(numbers), 50)

    def test_each_mutant_is_refused_with_its_place_or_means_what_is_written(self):
        rng = random.Random(harness.SEED)
        bases = [("dustd.yaml", self.shipped, 4), ("dustd.yaml", reading.in_force(self.shipped), 4),
                 ("limits/shanxi-taiyuan.yaml", example("limits/shanxi-taiyuan.yaml"), 1),
                 ("devices/nova-sds069.yaml", example("devices/nova-sds069.yaml"), 1)]
        counts, slowest = collections.Counter(), 0
        for i, (name, kind, mutant) in zip(range(MUTATIONS), all_mutants(bases, rng)):
            self.write(name, mutant)
            said = self.load()
            with self.subTest(seed=harness.SEED, mutation=i, kind=kind, file=name):
                outcome = self.judge(said)
                counts[outcome] += 1
                self.assertFalse(kind == "number" and outcome == "unread", "a number that the second reader cannot judge")
            slowest = max(slowest, said["us"])
            if name == "dustd.yaml":
                self.write(name, self.shipped.encode())
            else:
                os.unlink(os.path.join(self.dir, name))
        print(f"RESULT {MUTATIONS} mutations: {counts['refused']} refused with a place, {counts['accepted']} accepted and equal to the "
              f"print, {counts['unread']} accepted and beyond the second reader; slowest {slowest / 1000:.1f} ms")
        self.assertLess(counts["unread"], 0.02 * MUTATIONS)
        self.assertGreater(min(counts["refused"], counts["accepted"]), 0.1 * MUTATIONS)

    def test_what_is_meant_to_hurt_a_parser_is_refused_at_once(self):
        bomb = "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
        cases = {"80,000 brackets": b"[" * 80_000, "80,000 brackets below a key": b"site: " + b"[" * 80_000,
                 "80,000 brackets in lines": b"[\n" * 80_000, "80,000 nested maps": b"{a: " * 80_000,
                 "an alias bomb": b"a: &a [x]\n" + bomb.encode(), "NUL": self.shipped.encode().replace(b"zh #", b"zh\0 #", 1),
                 "5 MB": self.shipped.encode() + b"# \n" * 1_700_000, "5 MB in a line": b"language: " + b"z" * 5_000_000,
                 "two documents": self.shipped.encode() + b"---\n" + self.shipped.encode(), "nothing": b"", "a directory's bytes": bytes(range(256))}
        for name, data in cases.items():
            self.write("dustd.yaml", data)
            said = self.load()
            with self.subTest(name):
                self.assertEqual(self.judge(said), "refused")
                self.assertLess(said["us"], 1_000_000 if harness.STORM else 20_000_000)  # what blows up takes minutes

    def test_what_editors_do_to_a_file_changes_nothing(self):
        expected = self.load()["print"]
        text = self.shipped.encode()
        for name, data in {"BOM": b"\xef\xbb\xbf" + text, "CRLF": text.replace(b"\n", b"\r\n"), "no last line end": text.rstrip(b"\n"),
                           "both": b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")}.items():
            self.write("dustd.yaml", data)
            with self.subTest(name):
                self.assertEqual(self.load().get("print"), expected)

    def test_the_program_itself_exits_78_with_the_place_or_prints_what_the_loader_did(self):
        rng = random.Random(harness.SEED + 1)
        mutate, codes = Mutator(rng), collections.Counter()
        for _ in range(WHOLE_PROGRAMS):
            self.write("dustd.yaml", mutate(self.shipped)[1])
            said = self.load()
            done = subprocess.run([harness.program("dustd"), "-c", os.path.join(self.dir, "dustd.yaml"), "--data",
                                   os.path.join(harness.SOURCE, "config"), "--print"], capture_output=True, text=True, timeout=harness.PATIENCE)
            codes[done.returncode] += 1
            if "refused" in said:
                self.assertEqual((done.returncode, done.stderr.strip(), done.stdout), (78, said["refused"], ""))
            else:
                self.assertEqual((done.returncode, done.stdout), (0, said["print"]))
        print(f"RESULT {WHOLE_PROGRAMS} runs of dustd --print: exit codes {dict(codes)}")


if __name__ == "__main__":
    print(f"seed: DUST_SEED={harness.SEED}", flush=True)
    unittest.main(verbosity=2)
