"""The sites of the scenario tests: for each the simulator's file and the daemon's. Nobody real: 示例工地."""

HEAD = """
site:
  name: example
  title: {zh: 示例工地, en: Example Site}
  community: 示例社区
  contractor: 示例施工单位
  authority: 示例主管部门
  issue_prefix: LQ
store: {dir: {dir}/state, commit_every: 1s}
control_socket: {dir}/control.sock
people:
  site-manager: {title: 工地负责人, roles: [site]}
  community: {title: 社区干部, roles: [community]}
  office: {title: 领导小组办公室, roles: [office]}
  inspector: {title: 检查人员, roles: [inspector]}
"""

BROKER = """
mqtt:
  local: {host: 127.0.0.1, port: {port}}
"""

BUS = """
buses:
  bus1: {transport: rtu, path: {dir}/bus1, baud: 115200, timeout: 200ms}
"""

# A dust meter that is over 250 ug/m3 from 10:00 on, beside a relay and a weather station.
BREACH_SIM = """
buses:
  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}
units:
  meter:
    bus: bus1
    profile: nova-sds069
    unit_id: 1
    turnaround: 2ms
    points:
      pm10: {constant: 120, noise: 2, steps: [{from: "10:00", to: "18:00", value: 320}]}
      pm25: {of: pm10, ratio: 0.5}
      pm1: {of: pm10, ratio: 0.3}
      tsp: {of: pm10, ratio: 1.5}
  relay: {bus: bus1, profile: waveshare-relay-8ch, unit_id: 3, turnaround: 2ms}
"""

LIMITS = """
limits:
  shanxi-taiyuan: {person: site-manager}
"""

DEVICES = """
devices:
  meter: {title: {zh: 一号扬尘仪, en: Dust meter 1}, bus: bus1, profile: nova-sds069, unit_id: 1, period: 10s}
  relay: {title: {zh: 喷淋继电器, en: Spray relay}, bus: bus1, profile: waveshare-relay-8ch, unit_id: 3, period: 30s}
"""

BREACH = HEAD + BUS + DEVICES + LIMITS + BROKER

SILENT_SIM = BREACH_SIM + """
faults:
  - {kind: silent, unit: meter, from: 5s}
"""

# Four meters, each read each second: what the kill storm runs against.
LOADED_SIM = "buses:\n  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}\nunits:\n" + "".join(
    f"  meter{i}: {{bus: bus1, profile: nova-sds069, unit_id: {i}, turnaround: 1ms, points: {{pm10: {{constant: {100 * i}, noise: 3}}, "
    f"pm25: {{constant: 20}}, pm1: {{constant: 10}}, tsp: {{constant: {150 * i}}}}}}}\n" for i in range(1, 5))
LOADED = HEAD + BUS + "devices:\n" + "".join(
    f"  meter{i}: {{title: {{zh: {i}号, en: Meter {i}}}, bus: bus1, profile: nova-sds069, unit_id: {i}, period: 2s}}\n"
    for i in range(1, 5)) + LIMITS + BROKER

FAULTY = HEAD + BUS + """
devices:
  meter: {title: {zh: 一号扬尘仪, en: Dust meter 1}, bus: bus1, profile: nova-sds069, unit_id: 1, period: 2s}
"""

EXTRA = {"late": ", by: 300ms", "exception": ", code: 4", "drip": ", by: 100ms", "invalid": ", point: pm10"}


def faulty_sim(kind):
    """A meter that always measures 100, with one fault from the second minute to the seventh."""
    where = "bus: bus1" if kind == "unplug" else "unit: meter"
    return f"""
buses:
  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: 115200}}
units:
  meter:
    bus: bus1
    profile: nova-sds069
    unit_id: 1
    turnaround: 2ms
    points: {{pm10: {{constant: 100}}, pm25: {{constant: 50}}, pm1: {{constant: 30}}, tsp: {{constant: 150}}}}
faults:
  - {{kind: {kind}, {where}, from: 70s, to: 400s{EXTRA.get(kind, "")}}}
"""


# Registers far apart, so that each is a request of its own and all answers have one length: what a late one could
# be taken for. Every value is another.
MIXED_PROFILE = """
title: {zh: 测试设备, en: Test device}
source: none, a test's own
points:
""" + "".join(f"  p{i}: {{title: {{zh: 值{i}, en: Value {i}}}, address: {200 * i}, type: u16}}\n" for i in range(5))

MIXED_UNITS = (1, 3)


def mixed_value(unit, point):
    return 1000 * unit + 10 * point + 7


MIXED_FAULTS = "".join(f"  - {{kind: late, bus: bus1, by: {by}ms, probability: 0.05}}\n" for by in (60, 110, 180, 260, 350)) + \
    "".join(f"  - {{kind: {kind}, bus: bus1, probability: 0.04{extra}}}\n" for kind, extra in (
        ("silent", ""), ("crc", ""), ("exception", ", code: 6"), ("truncated", ""), ("wrong_unit", ""), ("drip", ", by: 20ms"),
        ("garbage", "")))

MIXED_SIM = "buses:\n  bus1: {transport: rtu, link: {dir}/bus1, baud: 115200}\nunits:\n" + "".join(
    f"  unit{u}: {{bus: bus1, profile: mixed, unit_id: {u}, turnaround: 2ms, points: {{" + ", ".join(
        f"p{i}: {{constant: {mixed_value(u, i)}}}" for i in range(5)) + "}}\n" for u in MIXED_UNITS) + "faults:\n" + MIXED_FAULTS

MIXED = HEAD + """
buses:
  bus1: {transport: rtu, path: {dir}/bus1, baud: 115200, timeout: 50ms}
devices:
""" + "".join(f"  unit{u}: {{bus: bus1, profile: mixed, unit_id: {u}, period: 4s}}\n" for u in MIXED_UNITS)

LIMIT_15MIN = """
title: {zh: 测试限值, en: Test limit}
standard: none, a test's own
source: a number that the recorded data reach
doubt: not a rule of anybody
rules:
  pm10-15min:
    title: {zh: PM10 15分钟均值, en: PM10 15-minute mean}
    role: pm10
    window: 15min
    compare: reaches
    value: 250 ug/m3
    over: each
    valid_from: 2000-01-01
    action: {zh: 无, en: none}
"""


def recorded_sim(replay):
    return f"""
buses:
  bus1: {{transport: rtu, link: {{dir}}/bus1, baud: 115200}}
units:
  meter: {{bus: bus1, profile: nova-sds069, unit_id: 1, turnaround: 1ms, replay: {replay}}}
"""


def guangdong_sim(file, first, last):
    span = f", from: \"{first}\", to: \"{last}\"" if first else ""
    columns = ", ".join(f"{{point: {p}, column: {p}}}" for p in ("pm1", "pm25", "pm10"))
    return recorded_sim(f"{{file: {file}, format: guangdong-raw, columns: [{columns}]{span}}}")


# A recording of hours, each held for an hour, stands still by nature.
HELD = """
quality:
  flatline_after: 20h
  flatline_low_after: 20h
"""


def recorded(period, limit, timeout="1s"):
    return HEAD + BUS.replace("200ms", timeout) + f"""
devices:
  meter: {{title: {{zh: 一号扬尘仪, en: Dust meter 1}}, bus: bus1, profile: nova-sds069, unit_id: 1, period: {period}}}
limits:
  {limit}: {{person: site-manager}}
"""


def guangdong(period_ms):
    return recorded(f"{period_ms}ms", "test-15min")


def gucheng_sim(file, first, last):
    columns = "{point: pm25, column: pm25}, {point: pm10, column: pm10}"
    return recorded_sim(f"{{file: {file}, columns: [{columns}], hold: 60, from: \"{first}\", to: \"{last}\"}}")


def gucheng(timeout):
    return recorded("60s", "shanxi-taiyuan", timeout) + HELD
