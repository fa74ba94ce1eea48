"""A second reading of the configuration files, by none of dustd's code: for holding against what dustd prints.

It reads the part of YAML in which these files are written and refuses the rest (Unreadable), and it is as strict about
numbers: what is no number, duration or size by the letter is a text, and equal only to the same text.
"""
import functools
import re
from decimal import Decimal

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
WHOLE = re.compile(r"(0|[1-9]\d*)(ms|s|min|h|d|( kB| MB| GB))")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
TIMES = {"ms": 1, "s": 1000, "min": 60000, "h": 3600000, "d": 86400000, " kB": 1000, " MB": 10**6, " GB": 10**9}
SPELLINGS = {"µg/m³": "ug/m3", "μg/m³": "ug/m3", "ug/m³": "ug/m3", "mg/m³": "mg/m3", "ng/m³": "ng/m3", "℃": "degC", "°C": "degC",
             "°": "deg", "m³": "m3", "m³/h": "m3/h"}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "/": "/", "0": "\0"}


class Unreadable(Exception):
    """Not in the part of YAML that is read here."""


class Text(str):
    """A scalar in quotes: a text, whatever it looks like."""


def meaning(scalar):
    """What a scalar without quotes stands for."""
    if NUMBER.fullmatch(scalar):
        return Decimal(repr(float(scalar))).normalize() + 0  # numbers are doubles: both must mean the same one
    whole = WHOLE.fullmatch(scalar)
    if whole:
        return (int(whole[1]) * TIMES[whole[2]], "bytes" if whole[3] else "ms")
    if HEXADECIMAL.fullmatch(scalar):
        return Decimal(int(scalar, 16)).normalize() + 0
    number, _, unit = scalar.partition(" ")
    if unit and " " not in unit and NUMBER.fullmatch(number):
        unit = SPELLINGS.get(unit, unit)
        return (Decimal(number) * (1000 if unit == "mg/m3" else 1)).normalize() + 0, "ug/m3" if unit == "mg/m3" else unit
    return SPELLINGS.get(scalar, scalar)


def equal(a, b):
    """Whether two nodes say the same. A text in quotes on one side is compared by the letter."""
    if isinstance(a, list) and isinstance(b, list):
        return sorted(repr(meaning(x)) for x in a) == sorted(repr(meaning(x)) for x in b)
    if isinstance(a, str) and isinstance(b, str):
        if isinstance(a, Text) or isinstance(b, Text):
            return SPELLINGS.get(str(a), str(a)) == SPELLINGS.get(str(b), str(b))
        return meaning(a) == meaning(b)
    return a == b


class Line:
    """One line, read from left to right."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def rest(self):
        return self.text[self.at:]

    def blanks(self):
        while self.rest().startswith(" "):
            self.at += 1

    def quoted(self):
        quote, out = self.text[self.at], []
        self.at += 1
        while self.at < len(self.text):
            c = self.text[self.at]
            self.at += 1
            if c == quote and quote == "'" and self.rest().startswith("'"):
                self.at += 1
            elif c == quote:
                return Text("".join(out))
            elif c == "\\" and quote == '"':
                escape = self.text[self.at:self.at + 1]
                self.at += 1
                if escape == "x" and re.match("[0-9A-Fa-f]{2}", self.rest()):
                    c = chr(int(self.rest()[:2], 16))
                    self.at += 2
                elif escape in ESCAPES:
                    c = ESCAPES[escape]
                else:
                    raise Unreadable("an escape")
            out.append(c)
        raise Unreadable("quotes over several lines")

    def plain(self, flow):
        end = re.search(r" #|: |:$|[,\[\]{}]" if flow else r" #|: |:$|$", self.rest())
        text = self.rest()[:end.start()] if end else self.rest()
        if re.match(r"[-?:](\s|$)|[!&*|>%@`#,\[\]{}]", text) or (not flow and end and end[0].startswith(":")):
            raise Unreadable(f"a scalar like {text}")
        self.at += len(text)
        return text.rstrip(" ")

    def value(self, flow=False):
        self.blanks()
        start = self.rest()[:1]
        if start in ("{", "["):
            return self.collection(start)
        return self.quoted() if start in ('"', "'") and start else self.plain(flow)

    def collection(self, start):
        end, items, found = ("}", {}, None) if start == "{" else ("]", [], None)
        self.at += 1
        while True:
            self.blanks()
            if self.rest().startswith(end):
                self.at += 1
                return items
            if not self.rest():
                raise Unreadable("a collection over several lines")
            found = self.value(flow=True)
            if start == "{":
                self.blanks()
                if not re.match(r":[ ]", self.rest()) or not isinstance(found, str) or found in items:
                    raise Unreadable("a key without value")
                self.at += 1
                items[str(found)] = self.value(flow=True)
            else:
                items.append(found)
            self.blanks()
            if self.rest().startswith(","):
                self.at += 1
            elif not self.rest().startswith(end):
                raise Unreadable("no comma")

    def end(self):
        if not re.fullmatch(r" *( #.*)?", self.rest()):
            raise Unreadable(f"left over: {self.rest()}")


def entries(lines, at, indent):
    """The list whose items, each a map, start with "- " `indent` spaces in, and the line after it."""
    found = []
    while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- "):
        inside = lines[at][1][1:].lstrip(" ")
        deeper = indent + len(lines[at][1]) - len(inside)
        item, at = block([*lines[:at], (deeper, inside), *lines[at + 1:]], at, deeper)
        found.append(item)
    return found, at


def deeper_block(lines, at):
    """What stands below a key: a map or a list."""
    return (entries if lines[at][1].startswith("- ") else block)(lines, at, lines[at][0])


def block(lines, at, indent):
    """The map whose lines start `indent` spaces in, and the line after it."""
    found = {}
    while at < len(lines) and lines[at][0] == indent:
        key = re.match(r"([A-Za-z0-9_.-]+) *:(?= |$)", lines[at][1])
        if not key or key[1] in found:
            raise Unreadable(f"no key: {lines[at][1]}")
        line = Line(lines[at][1])
        line.at = key.end()
        at += 1
        if re.fullmatch(r" *( #.*)?", line.rest()):
            deeper = at < len(lines) and lines[at][0] > indent
            found[key[1]], at = deeper_block(lines, at) if deeper else (None, at)
        else:
            found[key[1]] = line.value()
            line.end()
        if at < len(lines) and lines[at][0] > indent:
            raise Unreadable("a scalar over several lines")
    return found, at


@functools.lru_cache(maxsize=256)  # most of a print is the same for most mutants
def read(text):
    """The file as maps, lists, texts and None."""
    if re.search("[\t\x85\u2028\u2029]|\r(?!\n)|^(---|\\.\\.\\.|%)", text, re.M):
        raise Unreadable("characters that are not read here")
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    lines = [(len(line) - len(line.lstrip(" ")), line.lstrip(" ")) for line in lines]
    lines = [line for line in lines if line[1] and not line[1].startswith("#")]
    if not lines:
        return {}
    tree, at = block(lines, 0, lines[0][0])
    if at < len(lines):
        raise Unreadable("lines outside the map")
    return tree


def leaves(tree, path=()):
    """Every value below a map with its path; of a list of maps, with the item's number in it."""
    for key, value in tree.items():
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            value = {str(i): item for i, item in enumerate(value)}
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def in_force(example):
    """The example with every setting in force: "#key: value" and "#  key: value" lose their #, "# words" is prose."""
    return re.sub(r"^( *)#(?=[^ \n#]|  )", r"\1", example, flags=re.M)


def any_name(path):
    """The path of a setting for all entries of its map: devices.NAME.period, issues.kinds.NAME.level."""
    if path[0] == "issues" and len(path) > 3:
        return (*path[:2], "*", *path[3:])
    return tuple(path) if len(path) < 3 else (path[0], "*", *path[2:])


def defaults_of(example):
    """Path to default, as the comments of the example say it behind a setting or in the lines above it; * is any name."""
    found, comment, path = {}, "", []
    for line in in_force(example).splitlines():
        setting = re.match(r"( *)([a-z0-9_-]+):( |$)", line)
        comment += " " + line.partition("# ")[2]
        if not setting:
            continue
        path = [p for p in path if p[0] < len(setting[1])] + [(len(setting[1]), setting[2])]
        said = re.search(r"default ((?:[^;,:]|:(?=\d))+?)(?=[;,]|\. |:(?!\d)|$)", comment)
        names = [name for _, name in path]
        if said:
            found[any_name(names)] = said[1].strip()
        comment = ""
    return found


# What counts when a setting of these files is absent, written down once more from dustd.yaml(5); * is any name.
DEVICE_DEFAULTS = {
    ("max_registers",): "125", ("points", "*", "table"): "holding", ("points", "*", "order"): "abcd",
    ("points", "*", "bit"): "-1", ("points", "*", "scale"): "1", ("points", "*", "offset"): "0",
    ("points", "*", "decimals"): "0", ("points", "*", "writable"): "false", ("points", "*", "watch"): "false", ("base",): "0",
}
LIMIT_DEFAULTS = {
    ("rules", "*", "over"): "each", ("rules", "*", "allowed_per_day"): "0", ("rules", "*", "minus"): "nothing",
    ("rules", "*", "background_within"): "2h", ("rules", "*", "hours_needed"): "0",
    ("rules", "*", "days_needed"): "0", ("rules", "*", "days_needed_a_month"): "0", ("rules", "*", "days_needed_in_february"): "0", ("rules", "*", "informs_only"): "false",
}


def is_nothing(value):
    """A value that means the same as none: it may be left out of the print."""
    return value in (None, [], {}, "") or (not isinstance(value, Text) and isinstance(value, str) and
                                           meaning(value) in (0, (0, "ms"), (0, "bytes")))


def differences(written, shown, defaults, derived):
    """What a file says otherwise than the print of it: (path, in the file, in the print). `derived` are values that are
    made from others when absent: path to text."""
    written, shown = dict(leaves(written)), dict(leaves(shown))
    for path, value in written.items():
        if path in shown and not equal(value, shown[path]) and not (value == "" and equal(derived.get(path), shown[path])):
            yield path, value, shown[path]
        elif path not in shown and not is_nothing(value):
            yield path, value, None
    for path, value in shown.items():
        if path in written:
            continue
        default = derived.get(path) or defaults.get(path) or defaults.get(any_name(path))
        if isinstance(value, list) and default is not None:
            default = default.split()
        if default is None or not equal(default, value):
            yield path, None, value


def parts_of(text):
    """A print in its parts: the site's own settings, and by name the files it shows in comments."""
    own, _, rest = text.partition("\n# What the files named above say:\n")
    parts, name = {"": own}, ""
    for line in rest.splitlines():
        head = re.fullmatch(r"# ([a-z]+/[a-z0-9_-]+\.yaml)", line)
        if head:
            name = head[1]
            parts[name] = ""
        elif line.startswith("#   "):
            parts[name] += line[2:] + "\n"
    return parts
