/* A scripted week of 示例工地 for the requirements that ship (config/requirements/six.yaml): what the points
 * measured and what came in, from Monday 2026-03-02 to Sunday, hours of work 06:00 to 20:00. Nothing here was
 * measured.
 *
 * Each day, but where the table says otherwise: dry, 12 degC, 50 % RH, PM10 80; water (3 m3/h) for 10 min at
 * 07:30, 11:30, 15:30 and 19:00 by the valve; vehicles leave at 09:15, 13:20 and 17:05, washed for 3 min
 * before, the gate open for 13 min around the first; the camera sees 3 % bare soil at 07:00, 11:00, 15:00 and
 * 19:00 and watches all the time; the county says that it watches (no warning); the site has swept and looked
 * at the road at 19:30; the community has looked at everything on Sunday 2026-03-01 at 10:00, after the stage
 * began.
 *
 *   Mon  as above
 *   Tue  13:20 not washed at all, 17:05 for 1 min; 8 % bare soil at 11:00, 9 % at 13:00
 *   Wed  1 degC until 14:00: no water at 07:30 and 11:30; PM10 200 at 08:00 for 10 min (nothing was done:
 * frost), and at 15:00 (water at 15:04) Thu  power cut from 10:00 to 12:30: no point, no camera message Fri
 * the flow meter is dead; the vehicle at 13:20 was seen uncovered; the gate stands open from 22:00 to 22:45
 *   Sat  a holiday: no water, no vehicle, no sight of soil, no sweeping; the community looks at the roads at
 * 16:00 Sun  orange warning; nobody looks again, so that Sunday's looks expire at 10:00 */
#ifndef DUST_A_WEEK_H
#define DUST_A_WEEK_H

#include "unit/config_fixture.h"

#include "daemon/base/clock.h"
#include "daemon/config/person.h"
#include "daemon/judge/record.h"
#include "daemon/judge/requirement.h"

#include <math.h>

enum { MON, TUE, WED, THU, FRI, SAT, SUN, WEEK_DAYS };
enum { GATE, PM10, TEMPERATURE, HUMIDITY, FLOW, VALVE, PUMP, WEEK_POINTS };

#define WEEK_MS INT64_C(1772380800000) /* 2026-03-02T00:00+08:00 */
#define AT(day, hour, minute)                                                    \
    (WEEK_MS + (day) * (int64_t)CLOCK_DAY_MS + (hour) * (int64_t)CLOCK_HOUR_MS + \
     (minute) * (int64_t)CLOCK_MINUTE_MS)

static const char week_profile[] =
    "title: {zh: 测试, en: Test}\nsource: test\npoints:\n"
    "  gate: {title: {zh: 门, en: Gate}, role: gate, table: discrete, address: 0, type: bit}\n"
    "  pm10: {title: {zh: 尘, en: PM10}, role: pm10, unit: ug/m3, address: 1, type: u16}\n"
    "  temperature: {title: {zh: 温, en: T}, role: temperature, unit: degC, address: 2, type: i16}\n"
    "  humidity: {title: {zh: 湿, en: RH}, role: humidity, unit: '%', address: 3, type: u16}\n"
    "  flow: {title: {zh: 流, en: Flow}, role: flow, unit: m3/h, address: 4, type: u16}\n"
    "  valve: {title: {zh: 阀, en: Valve}, role: spray_command, table: coil, address: 5, type: bit}\n"
    "  pump: {title: {zh: 泵, en: Pump}, role: wash, table: discrete, address: 6, type: bit}\n";

static const char week_config[] =
    "site: {name: example, title: {zh: 示例工地, en: Example Site}}\n"
    "buses: {line: {path: /dev/ttyS0}}\n"
    "devices: {box: {bus: line, profile: mine, unit_id: 1, period: 10s}}\n"
    "people:\n"
    "  manager: {title: 项目经理, roles: [site]}\n"
    "  community: {title: 社区专干, roles: [community]}\n"
    "requirements: {file: six, wording: linquan-2023, person: manager, hours: [\"06:00-20:00\"]}\n"
    "sources:\n"
    "  camera: {kinds: [alive, passage, camera]}\n"
    "  county: {kinds: [alive, warning]}\n";

/* What is left out of the week; zeroed: nothing. */
struct missing {
    bool point[WEEK_POINTS];
    const char *source; /* all its messages */
    bool kind[INPUT__KINDS];
    /* holes: of a point, or of a source's messages */
    struct {
        int point; /* -1: of the camera */
        int64_t from_ms, to_ms;
    } holes[8];
    int nholes;
};

struct week {
    struct config *config;
    struct record *record;
    const struct missing *missing;
    int inputs; /* told, for ids */
};

static inline bool in_hole(const struct missing *m, int point, int64_t from_ms, int64_t to_ms)
{
    for (int i = 0; i < m->nholes; i++)
        if (m->holes[i].point == point && from_ms < m->holes[i].to_ms && to_ms > m->holes[i].from_ms)
            return true;
    return false;
}

static inline void tell_input(struct week *w, struct input i, const char *source, unsigned roles)
{
    const struct missing *m = w->missing;
    bool camera = strcmp(source, "camera") == 0;
    if (m->kind[i.kind] || (m->source && strcmp(m->source, source) == 0))
        return;
    if (camera && in_hole(m, -1, i.from_ms, i.to_ms > i.from_ms ? i.to_ms : i.from_ms + 1))
        return;
    snprintf(i.source, sizeof i.source, "%s", source);
    record_input(w->record, &i, roles);
}

#define SAY(w, source, roles, ...) tell_input(w, (struct input){__VA_ARGS__}, source, roles)

static inline bool power_is_out(int64_t at_ms)
{
    return at_ms >= AT(THU, 10, 0) && at_ms < AT(THU, 12, 30);
}

/* --- the points --- */

static inline bool within(int64_t at_ms, int64_t from_ms, int minutes)
{
    return at_ms >= from_ms && at_ms < from_ms + minutes * (int64_t)CLOCK_MINUTE_MS;
}

static inline bool waters(int day, int64_t m)
{
    bool early = within(m, AT(day, 7, 30), 10) || within(m, AT(day, 11, 30), 10);
    bool late = within(m, AT(day, 15, 30), 10) || within(m, AT(day, 19, 0), 10);
    bool answer = day == WED && within(m, AT(WED, 15, 4), 2);
    return day != SAT && (answer || late || (early && day != WED));
}

static inline bool washes(int day, int64_t m)
{
    bool noon = day != TUE && within(m, AT(day, 13, 16), 3);
    bool evening = within(m, AT(day, 17, 1), day == TUE ? 1 : 3);
    return day != SAT && (noon || evening || within(m, AT(day, 9, 11), 3));
}

static inline double value_at(int point, int day, int64_t m)
{
    switch (point) {
    case GATE: return (day != SAT && within(m, AT(day, 9, 12), 13)) || within(m, AT(FRI, 22, 0), 45);
    case PM10:
        return day == WED && (within(m, AT(WED, 8, 0), 10) || within(m, AT(WED, 15, 0), 10)) ? 200 : 80;
    case TEMPERATURE: return day == WED && m < AT(WED, 14, 0) ? 1 : 12;
    case HUMIDITY: return 50;
    case FLOW: return day == FRI ? NAN : waters(day, m) ? 3 : 0;
    case VALVE: return waters(day, m);
    case PUMP: return washes(day, m);
    default: return NAN;
    }
}

static inline void play_minutes(struct week *w)
{
    for (int64_t m = WEEK_MS; m < WEEK_MS + (WEEK_DAYS * (int64_t)CLOCK_DAY_MS) + CLOCK_HOUR_MS;
         m += CLOCK_MINUTE_MS) {
        struct mean means[WEEK_POINTS];
        int day = (int)((m - WEEK_MS) / CLOCK_DAY_MS);
        for (int p = 0; p < WEEK_POINTS; p++) {
            double v = value_at(p, day, m);
            bool lost = isnan(v) || power_is_out(m) || w->missing->point[p] ||
                        in_hole(w->missing, p, m, m + CLOCK_MINUTE_MS);
            means[p] =
                (struct mean){.mean = lost ? NAN : v, .n = !lost, .of = 1, .quality = lost ? 'B' : 'N'};
        }
        if (!power_is_out(m))
            record_minute(w->record, m, means);
    }
}

/* --- what came in --- */

static inline void play_watching(struct week *w)
{
    for (int64_t t = WEEK_MS; t < AT(SUN, 25, 0); t += 15 * CLOCK_MINUTE_MS) {
        if (!power_is_out(t))
            SAY(w, "camera", 0, .kind = INPUT_ALIVE, .value = NAN, .from_ms = t,
                .to_ms = t + 15 * CLOCK_MINUTE_MS);
        SAY(w, "county", 0, .kind = INPUT_ALIVE, .value = NAN, .from_ms = t,
            .to_ms = t + 15 * CLOCK_MINUTE_MS);
    }
}

static inline void play_vehicle(struct week *w, int64_t at_ms, const char *plate)
{
    struct input i = {.kind = INPUT_PASSAGE, .from_ms = at_ms, .to_ms = at_ms, .what = "out", .value = NAN};
    snprintf(i.about, sizeof i.about, "%s", plate);
    tell_input(w, i, "camera", 0);
}

static inline void play_sight(struct week *w, int64_t at_ms, double percent)
{
    if (!power_is_out(at_ms))
        SAY(w, "camera", 0, .kind = INPUT_CAMERA, .from_ms = at_ms, .to_ms = at_ms, .what = "soil",
            .value = percent);
}

static inline void play_look(struct week *w, int64_t at_ms, const char *about, const char *who,
                             unsigned roles)
{
    struct input i = {.kind = INPUT_INSPECTION, .from_ms = at_ms, .to_ms = INPUT_OPEN, .value = 100};
    snprintf(i.about, sizeof i.about, "%s", about);
    tell_input(w, i, who, roles);
}

static inline void play_day(struct week *w, int day)
{
    if (day == SAT)
        return;
    play_vehicle(w, AT(day, 9, 15), "晋J1***5");
    play_vehicle(w, AT(day, 13, 20), "晋J2***6");
    play_vehicle(w, AT(day, 17, 5), "晋J3***7");
    play_sight(w, AT(day, 7, 0), 3);
    play_sight(w, AT(day, 11, 0), day == TUE ? 8 : 3);
    if (day == TUE)
        play_sight(w, AT(TUE, 13, 0), 9);
    play_sight(w, AT(day, 15, 0), 3);
    play_sight(w, AT(day, 19, 0), 3);
    play_look(w, AT(day, 19, 30), "watering/swept", "manager", ROLE_SITE);
    play_look(w, AT(day, 19, 30), "washing/road-clean", "manager", ROLE_SITE);
}

static inline void play_inputs(struct week *w)
{
    static const char *const weekly[] = {"enclosure/weekly", "hardening/weekly", "covering/weekly",
                                         "watering/weekly",  "transport/weekly", "washing/weekly"};
    SAY(w, "community", ROLE_COMMUNITY, .kind = INPUT_STAGE, .from_ms = AT(MON, -240, 0), .to_ms = INPUT_OPEN,
        .what = "earthwork", .value = NAN);
    for (size_t i = 0; i < sizeof weekly / sizeof *weekly; i++)
        play_look(w, AT(MON, -14, 0), weekly[i], "community", ROLE_COMMUNITY);
    play_look(w, AT(SAT, 16, 0), "hardening/weekly", "community", ROLE_COMMUNITY);
    SAY(w, "camera", 0, .kind = INPUT_CAMERA, .from_ms = AT(FRI, 13, 21), .to_ms = AT(FRI, 13, 21),
        .what = "uncovered", .value = NAN, .about = "晋J2***6");
    SAY(w, "community", ROLE_COMMUNITY, .kind = INPUT_CALENDAR, .from_ms = AT(SAT, 0, 0),
        .to_ms = AT(SUN, 0, 0), .what = "holiday", .value = NAN);
    SAY(w, "county", 0, .kind = INPUT_WARNING, .from_ms = AT(SUN, 0, 0), .to_ms = AT(SUN, 24, 0),
        .what = "orange", .value = NAN);
    for (int day = MON; day <= SUN; day++)
        play_day(w, day);
}

static inline void week_play(struct week *w, struct config *c, const struct missing *missing)
{
    *w = (struct week){.config = c, .record = record_create(c), .missing = missing};
    play_inputs(w);
    play_watching(w);
    play_minutes(w);
}

static inline struct config *week_load(struct fixture *f)
{
    write_file(f, "devices/mine.yaml", week_profile);
    write_file(f, "f.yaml", week_config);
    return load(f, f->file);
}

static inline void week_judge(const struct week *w, int requirement, int day, struct requirement_result *out)
{
    int64_t day_ms = AT(day, 0, 0);
    requirement_judge(w->record, &w->config->requirements.list[requirement], day_ms,
                      day_ms + CLOCK_DAY_MS + requirements_settle_ms(&w->config->requirements), out);
}

#endif
