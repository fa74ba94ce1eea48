/* A site where anything may happen at any time, from a seed: minutes with holes, and whatever comes in,
 * early, late and in any order, to checks with any settings. For tests that compare two ways to the same
 * verdicts; the points, people and sources are those of a_week.h. */
#ifndef DUST_A_CHANCE_H
#define DUST_A_CHANCE_H

#include "unit/a_week.h"

#include <time.h>

struct chance {
    uint64_t state;
    double value[WEEK_POINTS];
    int64_t until_ms[WEEK_POINTS]; /* it stays so */
};

/* 0 to n - 1. */
static inline int64_t chance(struct chance *c, int64_t n)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return (int64_t)((c->state >> 11) % (uint64_t)n);
}

static inline bool chance_of(struct chance *c, int64_t in)
{
    return chance(c, in) == 0;
}

/* DUST_SEED, or the time; printed. */
static inline struct chance chance_begin(void)
{
    const char *given = getenv("DUST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003;
    printf("DUST_SEED=%llu\n", (unsigned long long)seed);
    struct chance c = {.state = seed * 0x9e3779b97f4a7c15u + 1};
    for (int i = 0; i < 8; i++)
        chance(&c, 2);
    return c;
}

static inline int chance_runs(int few, int many)
{
    const char *storm = getenv("DUST_STORM");
    return storm && *storm == '1' ? many : few;
}

/* --- settings --- */

static inline int64_t chance_length(struct chance *c, const int64_t *of, int64_t n)
{
    return of[chance(c, n)] * CLOCK_SECOND_MS;
}

#define LENGTH(c, ...) \
    chance_length(c, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static inline void chance_check(struct chance *c, struct check *k)
{
    static const enum warning banned[] = {WARNING_NEVER, WARNING_YELLOW, WARNING_RED};
    bool attest = k->kind == CHECK_ATTEST;
    k->always = chance_of(c, 3);
    k->excuses = chance_of(c, 3) ? 0 : (unsigned)chance(c, 32);
    k->slot_ms =
        attest ? LENGTH(c, 3600, 18000, 86400, 604800) : LENGTH(c, 90, 420, 1800, 3000, 14400, 86400);
    k->grace_ms = LENGTH(c, 0, 60, 85);
    k->vehicle_ms = LENGTH(c, 0, 60, 300, 3600);
    k->lasts_ms = LENGTH(c, 1, 120, 300);
    k->within_ms = LENGTH(c, 60, 90, 300, 7200);
    k->flow_ms = LENGTH(c, 60, 300);
    k->apart_ms = LENGTH(c, 60, 3600);
    k->more_in_warning = chance_of(c, 2);
    k->banned_from = banned[chance(c, 3)];
    k->silence_is_fine = chance_of(c, 2);
    k->renewed_by_stage = chance_of(c, 2);
}

/* Other settings for every check. What config_free frees is as it was. */
static inline void chance_settings(struct chance *c, struct config *config)
{
    struct requirements *all = &config->requirements;
    all->frost_degc = (double)chance(c, 10);
    all->humid_percent = 60 + (double)chance(c, 20);
    for (int i = 0; i < all->n; i++)
        for (int k = 0; k < all->list[i].nchecks; k++)
            chance_check(c, &all->list[i].checks[k]);
}

/* --- minutes --- */

static inline double chance_value(struct chance *c, int point)
{
    static const double values[WEEK_POINTS][4] = {
        [GATE] = {0, 0, 1, 0.3},       [PM10] = {80, 80, 150, 200}, [TEMPERATURE] = {1, 5, 12, 3},
        [HUMIDITY] = {50, 65, 75, 90}, [FLOW] = {0, 0, 1, 3},       [VALVE] = {0, 0, 1, 1},
        [PUMP] = {0, 0, 1, 0.5},
    };
    return chance_of(c, 6) ? NAN : values[point][chance(c, 4)];
}

static inline void chance_minute(struct chance *c, int64_t minute_ms, struct mean *means)
{
    for (int p = 0; p < WEEK_POINTS; p++) {
        if (minute_ms >= c->until_ms[p]) {
            c->value[p] = chance_value(c, p);
            c->until_ms[p] = minute_ms + (1 + chance(c, chance_of(c, 3) ? 300 : 12)) * CLOCK_MINUTE_MS;
        }
        double v = c->value[p];
        bool lost = isnan(v);
        means[p] = (struct mean){.mean = v, .n = !lost, .of = 1, .quality = lost ? 'B' : 'N'};
    }
}

/* --- what comes in --- */

/* A time around now: mostly of the last hours, some of the last days, some a little ahead. */
static inline int64_t chance_time(struct chance *c, int64_t now_ms)
{
    if (chance_of(c, 8))
        return now_ms + chance(c, 120) * CLOCK_SECOND_MS;
    return now_ms - chance(c, (chance_of(c, 6) ? 48 : 2) * CLOCK_HOUR_MS) / CLOCK_SECOND_MS * CLOCK_SECOND_MS;
}

static inline void chance_words(struct chance *c, struct input *i)
{
    static const char *const kinds[INPUT__KINDS][4] = {
        [INPUT_CALENDAR] = {"holiday", "suspended", "rain", "work"},
        [INPUT_CAMERA] = {"soil", "soil", "fence_gap", "uncovered"},
        [INPUT_PASSAGE] = {"out", "out", "out", "in"},
        [INPUT_STAGE] = {"earthwork", "structure", "suspended", "earthwork"},
        [INPUT_WARNING] = {"yellow", "orange", "red", "none"},
    };
    static const char *const looks[] = {"enclosure/weekly", "hardening/weekly", "watering/swept",
                                        "washing/road-clean"};
    static const char *const plates[] = {"", "", "晋J1***5", "晋J2***6"};
    static const char *const ways[] = {"", "wash", "bypass"};
    const char *what = kinds[i->kind][chance(c, 4)];
    snprintf(i->what, sizeof i->what, "%s", what ? what : "");
    if (i->kind == INPUT_INSPECTION)
        snprintf(i->about, sizeof i->about, "%s", looks[chance(c, 4)]);
    if (i->kind == INPUT_PASSAGE || i->kind == INPUT_CAMERA)
        snprintf(i->about, sizeof i->about, "%s", plates[chance(c, 4)]);
    if (i->kind == INPUT_PASSAGE)
        snprintf(i->via, sizeof i->via, "%s", ways[chance(c, 3)]);
}

/* Anything, by whoever may say it (`roles`). */
static inline struct input chance_input(struct chance *c, int64_t now_ms, unsigned *roles)
{
    static const enum input_kind kinds[] = {INPUT_ALIVE,  INPUT_ALIVE,      INPUT_CALENDAR, INPUT_CAMERA,
                                            INPUT_CAMERA, INPUT_PASSAGE,    INPUT_PASSAGE,  INPUT_INSPECTION,
                                            INPUT_STAGE,  INPUT_INSPECTION, INPUT_WARNING};
    struct input i = {.kind = kinds[chance(c, sizeof kinds / sizeof *kinds)]};
    bool spans = i.kind == INPUT_ALIVE || i.kind == INPUT_CALENDAR || i.kind == INPUT_WARNING;
    bool open = i.kind == INPUT_STAGE || i.kind == INPUT_INSPECTION;
    i.from_ms = chance_time(c, now_ms);
    i.to_ms = open ? INPUT_OPEN : spans ? i.from_ms + (1 + chance(c, 300)) * CLOCK_MINUTE_MS : i.from_ms;
    if (open && chance_of(c, 2))
        i.to_ms = i.from_ms + chance(c, 600) * CLOCK_MINUTE_MS;
    i.value = i.kind == INPUT_INSPECTION ? (chance_of(c, 4) ? 60 : 100)
              : i.kind == INPUT_CAMERA   ? (double)chance(c, 12)
              : chance_of(c, 2)          ? NAN
                                         : (double)chance(c, 300);
    chance_words(c, &i);
    snprintf(i.source, sizeof i.source, "%s",
             i.kind == INPUT_WARNING || chance_of(c, 4) ? "county" : "camera");
    *roles = chance_of(c, 2) ? ROLE_COMMUNITY : ROLE_SITE;
    return i;
}

#endif
