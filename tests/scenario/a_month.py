"""A month of a site with two phases of the campaign, 示例工地: what people do, and beside it what must come of it, written down
before. Days and phases are those of the mission document (survey 9-14 to 9-20, rectification 9-20 to 10-20), in another year;
deadlines and steps of escalation are [proposal], one of them in the site's own words. Nothing here was measured.

A moment is a time at which the daemon runs: its deeds, each with the alert rows that it must bring, and what the moment brings
by itself. An alert row is "<step> <about>: <person> …"."""

YEAR = 2026

CONFIG = """
requirements: {file: six, person: site-manager}
quality: {person: site-manager}
issues:
  categories:
    hardening: {title: {zh: 场区道路硬化, en: Hardened roads}, answer_within: 2h, rectify_within: 15d}
    watering: {title: {zh: 洒水清扫保洁, en: Watering and sweeping}, answer_within: 2h, rectify_within: 2h}
campaign:
  survey: {title: {zh: 全面排查, en: Survey}, from: 2026-09-14, to: 2026-09-20}
  rectification: {title: {zh: 整改落实, en: Rectification}, from: 2026-09-20, to: 2026-10-20}
  upkeep: {title: {zh: 检查验收及巩固提升, en: Acceptance and upkeep}, from: 2026-10-20}
escalation:
  found: {when: found, title: {zh: 发现问题, en: Found}, tell: [responsible]}
  assigned: {when: assigned, title: {zh: 交办, en: Assigned}, tell: [responsible]}
  unanswered: {when: unanswered, title: {zh: 逾期未回复, en: Not answered}, tell: [responsible, community]}
  due_soon: {when: due_soon, title: {zh: 即将到期, en: Due soon}, before: 24h, tell: [responsible]}
  overdue: {when: overdue, title: {zh: 逾期, en: Overdue}, tell: [responsible, community]}
  notice: {when: overdue, title: {zh: 通报, en: Public notice}, after: 3d, tell: [responsible, community, office]}
  talk-at-town-hall: {when: overdue, title: {zh: 镇政府约谈, en: Called to the town hall}, after: 6d, tell: [responsible, community, office]}
  accountable: {when: overdue, title: {zh: 追责, en: Held accountable}, after: 10d, tell: [responsible, community, office]}
inspections:
  weekly: {title: {zh: 一周一检查, en: Weekly inspection}, checks: [hardening/weekly], person: community}
"""

GATE, ROAD = "大门外东侧", "场内主路"
ONE, TWO, MISSED, AGAIN = (f"LQ-{YEAR}-{n:04d}" for n in (1, 2, 3, 4))
SITE, OFFICE_TOO = "site-manager community", "site-manager community office"


def act(who, issue, *words):
    return ("issue", issue, *words, "--as", who)


def finds(who, category, place, text, way):
    return ("issue", "open", category, place, text, "--way", way, "--person", "site-manager", "--as", who)


LOOKS = ("inspect", "hardening/weekly", "100", "--as", "inspector")

# (when, [alert rows that the time itself brings], [(dustctl's words, [alert rows])])
MOMENTS = [
    ("09-14 10:00", [], [(finds("inspector", "hardening", GATE, "道路未硬化", "spot"), [f"found {ONE}: site-manager"])]),
    ("09-14 12:05", [f"unanswered {ONE}: {SITE}"], []),
    ("09-15 08:30", [], [(act("office", ONE, "assign"), [f"assigned {ONE}: site-manager"]),
                         (act("site-manager", ONE, "accept"), []),
                         (LOOKS, [])]),
    ("09-20 00:05", [f"due_soon {ONE}: site-manager"], []),  # the phase ends with that day, not 15 days after the finding
    ("09-20 15:00", [], [(act("site-manager", ONE, "rectify", "已浇筑混凝土"), [])]),
    ("09-21 09:00", [], [(act("inspector", ONE, "return", "仍有一段未硬化"), [f"overdue {ONE}: {SITE}"]),
                         (act("site-manager", ONE, "rectify", "余下一段已浇筑"), [])]),
    ("09-22 09:00", [], [(act("inspector", ONE, "close", "复核合格"), [f"ended {ONE}: {SITE}"])]),
    # a complaint, answered and then left to lie
    ("09-22 12:00", [], [(finds("community", "watering", ROAD, "群众反映道路积尘", "complaint"), [f"found {TWO}: site-manager"]),
                         (act("site-manager", TWO, "answer", "停止土方作业，安排洒水"), [])]),
    ("09-22 14:05", [f"overdue {TWO}: {SITE}"], []),
    ("09-25 00:05", [f"task weekly-{YEAR}-09-25: community office inspector"], []),
    ("09-25 14:05", [f"notice {TWO}: {OFFICE_TOO}"], []),
    # nobody has looked: that is found by itself
    ("09-26 00:05", [f"found {MISSED}: community"], []),
    ("09-27 00:20", [f"unanswered {MISSED}: community"], []),
    ("09-28 00:20", [f"due_soon {MISSED}: community"], []),
    ("09-28 10:00", [], [(LOOKS, [f"ended {MISSED}: community"])]),
    ("09-28 14:05", [f"talk-at-town-hall {TWO}: {OFFICE_TOO}"], []),
    ("10-02 00:05", [f"task certificate-meter-{YEAR}-10-31: site-manager"], []),
    ("10-02 14:05", [f"accountable {TWO}: {OFFICE_TOO}"], []),
    ("10-03 09:00", [], [(act("office", TWO, "confirm"), []),
                         (act("office", TWO, "assign"), [f"assigned {TWO}: site-manager"]),
                         (act("site-manager", TWO, "accept"), []),
                         (act("site-manager", TWO, "rectify", "已清扫洒水"), [])]),
    ("10-03 15:00", [], [(act("inspector", TWO, "close", "复核合格"), [f"ended {TWO}: {OFFICE_TOO}"])]),
    # 反弹
    ("10-05 10:00", [], [(finds("inspector", "hardening", GATE, "硬化路面破损", "unannounced"), [f"found {AGAIN}: site-manager"]),
                         (act("site-manager", AGAIN, "answer", "已安排修补"), [])]),
    ("10-08 10:00", [], [(LOOKS, [])]),
    ("10-16 00:05", [f"task weekly-{YEAR}-10-16: community office inspector"], []),
]

# (id, state, level, found and to be rectified by, to the hour or the minute, of which phase, relapse of)
ISSUES = [
    (ONE, "closed", "general", "09-14 10", "09-21 00:00", "survey", None),
    (TWO, "closed", "general", "09-22 12", "09-22 14", None, None),
    (MISSED, "closed", "general", "09-26 00", "09-29 00", None, None),
    (AGAIN, "confirmed", "major", "10-05 10", "10-20 10", None, ONE),
]

# Who is told where, and what the robots have heard by the end: the head of each message and the number in it.
TOLD = {"site-manager": "wecom", "community": "dingtalk", "office": "feishu"}
HEARD = {
    "wecom": ["一般 发现问题 1", "一般 逾期未回复 1", "一般 交办 1", "一般 即将到期 1", "一般 逾期 1", "一般 已销号 1", "一般 发现问题 2",
              "一般 逾期 2", "一般 通报 2", "一般 镇政府约谈 2", "一般 检定证书到期", "一般 追责 2", "一般 交办 2", "一般 已销号 2",
              "较大 发现问题 4"],
    "dingtalk": ["一般 逾期未回复 1", "一般 逾期 1", "一般 已销号 1", "一般 逾期 2", "一般 一周一检查", "一般 通报 2", "一般 发现问题 3",
                 "一般 逾期未回复 3", "一般 即将到期 3", "一般 已销号 3", "一般 镇政府约谈 2", "一般 追责 2", "一般 已销号 2", "一般 一周一检查"],
    "feishu": ["一般 一周一检查", "一般 通报 2", "一般 镇政府约谈 2", "一般 追责 2", "一般 已销号 2", "一般 一周一检查"],
}


def counts(found=0, rectified=0, closed=0, dismissed=0, in_progress=0, overdue=0, relapses=0):
    return {"found": found, "rectified": rectified, "closed": closed, "dismissed": dismissed, "in_progress": in_progress,
            "overdue": overdue, "relapses": relapses}


# (kind, from, to, counts, issues in the list, relapses so far)
REPORTS = [
    ("weekly", "09-14", "09-21", counts(found=1, rectified=1, in_progress=1), [ONE], 0),
    # what was sent back is not rectified until it is again; not to have answered in time is a red light too
    ("weekly", "09-21", "09-28", counts(found=2, rectified=1, closed=1, in_progress=2, overdue=2), [ONE, TWO, MISSED], 0),
    ("weekly", "09-28", "10-05", counts(rectified=2, closed=2), [TWO, MISSED], 0),
    ("weekly", "10-05", "10-12", counts(found=1, in_progress=1, relapses=1), [AGAIN], 1),
    ("half-month", "09-01", "09-16", counts(found=1, in_progress=1, overdue=1), [ONE], 0),  # accepted, not answered
    ("half-month", "09-16", "10-01", counts(found=2, rectified=2, closed=2, in_progress=1, overdue=1), [ONE, TWO, MISSED], 0),
    ("half-month", "10-01", "10-16", counts(found=1, rectified=1, closed=1, in_progress=1, relapses=1), [TWO, AGAIN], 1),
]
