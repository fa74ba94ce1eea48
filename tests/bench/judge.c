/* Speed of the judge on one core: samples a second with 10 points and the limits of seven files, every check
 * of quality on; then a year of minutes, fed as they are read back; then what 80 points cost in memory after
 * 28 hours, of eight devices with PM2.5, PM10 and eight other points, and if all were dust.
 * bench_judge [minutes of samples] [days].
 */
#include "daemon/judge/judge.h"
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { POINTS = 10, LIMITS = 12, MANY = 80, LOOK_BACK_MIN = 28 * 60 };
static const int64_t midnight = 1773417600000; /* 2026-03-14T00:00+08:00 */

static const char *const roles[POINTS] = {"pm25", "pm10", "tsp", "humidity", "wind_speed",
                                          "pm25", "pm10", "tsp", "pm10",     "tsp"};

static struct limit limit(const char *role, int minutes, double value)
{
    return (struct limit){.id = "bench/limit",
                          .role = role,
                          .window_ms = minutes * (int64_t)CLOCK_MINUTE_MS,
                          .value = value,
                          .unit = "ug/m3",
                          .valid_from_ms = INT64_MIN,
                          .valid_to_ms = INT64_MAX,
                          .warn_share = 0.8};
}

static void fill_limits(struct limit *l)
{
    l[0] = limit("pm10", 60, 250);
    l[1] = limit("pm10", 60, 80);
    l[1].minus = true, l[1].cap = 150, l[1].allowed = 2, l[1].over = OVER_MEAN;
    l[2] = limit("tsp", 15, 2000);
    l[2].allowed = 1;
    l[3] = limit("tsp", 15, 1000);
    l[3].allowed = 6;
    l[4] = limit("tsp", 60, 800);
    l[4].stages = 3;
    l[5] = limit("tsp", 60, 700);
    l[5].stages = 60;
    l[6] = limit("tsp", 5, 800);
    l[7] = limit("tsp", 15, 600);
    l[7].stages = 3;
    l[8] = limit("tsp", 15, 250);
    l[8].stages = 60;
    l[9] = limit("pm10", 60, 200);
    l[9].release = 150;
    l[10] = limit("pm10", 1440, 120);
    l[10].hours_needed = 20, l[10].round = 1, l[10].informs = true;
    l[11] = limit("pm25", 1440, 60);
    l[11].hours_needed = 20, l[11].round = 1, l[11].informs = true;
}

static void count(const struct judge_event *e, void *arg)
{
    ((uint64_t *)arg)[e->kind]++;
}

static double seconds(int64_t since_us)
{
    return (double)(clock_wire_us() - since_us) / 1e6;
}

static double level(int64_t i, int point)
{
    return 80 + 30 * point + (double)((i * 7919 + point * 104729) % 997) / 20;
}

static void run_samples(struct judge *j, struct mean *means, int minutes, uint64_t *told)
{
    int64_t from_us = clock_wire_us();
    for (int m = 0; m < minutes; m++) {
        int64_t start_ms = midnight + m * (int64_t)CLOCK_MINUTE_MS;
        for (int s = 0; s < 60; s++)
            for (int p = 0; p < POINTS; p++)
                judge_sample(j, &(struct sample){.at_ms = start_ms + s * 1000,
                                                 .point = (uint16_t)p,
                                                 .quality = QUALITY_NORMAL,
                                                 .value = level(m * 60 + s, p)});
        judge_minute(j, means);
        judge_check(j, start_ms, means);
        judge_feed(j, start_ms, means, count, told);
    }
    double s = seconds(from_us), n = 60.0 * POINTS * minutes;
    printf("samples: %.0f in %.2f s: %.2f million a second\n", n, s, n / s / 1e6);
}

static void run_minutes(struct judge *j, struct mean *means, int days, int first, uint64_t *told)
{
    int64_t from_us = clock_wire_us();
    for (int m = first; m < first + days * 1440; m++) {
        for (int p = 0; p < POINTS; p++) {
            double v = level(m, p);
            means[p] = (struct mean){v, v - 1, v + 1, 60, 60, QUALITY_NORMAL, 0};
        }
        judge_feed(j, midnight + m * (int64_t)CLOCK_MINUTE_MS, means, count, told);
    }
    double s = seconds(from_us), n = 1440.0 * POINTS * days;
    printf("minutes: %.0f in %.2f s: %.2f million a second\n", n, s, n / s / 1e6);
}

/* Of this process now; -1: the system does not say. */
static long resident_kib(void)
{
    long pages = -1;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = -1;
    if (f)
        fclose(f);
    return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE) / 1024;
}

static void run_memory(struct config c, const struct config_point *ten, bool all_dust, uint64_t *told)
{
    static struct config_point list[MANY];
    static struct mean means[MANY];
    for (int i = 0; i < MANY; i++)
        list[i] = ten[all_dust ? i % 3 : i % POINTS < 2 ? i % POINTS : 3];
    c.points = list;
    c.npoints = MANY;
    long before = resident_kib();
    struct judge *j = judge_create(&c);
    long made = resident_kib();
    for (int m = 0; m < LOOK_BACK_MIN; m++) {
        for (int p = 0; p < MANY; p++) {
            double v = level(m, p % POINTS);
            means[p] = (struct mean){v, v - 1, v + 1, 60, 60, QUALITY_NORMAL, 0};
        }
        judge_feed(j, midnight + m * (int64_t)CLOCK_MINUTE_MS, means, count, told);
    }
    printf("memory: %d points, %s: %ld KiB resident when made, %ld KiB after 28 h\n", MANY,
           all_dust ? "all dust" : "16 of them dust", made - before, resident_kib() - before);
    judge_destroy(j);
}

int main(int argc, char **argv)
{
    struct device devices[4] = {{.name = "a", .period_ms = 1000},
                                {.name = "b", .period_ms = 1000, .first_point = 5},
                                {.name = "c", .period_ms = 1000, .first_point = 8}};
    struct point points[POINTS];
    struct config_point list[POINTS];
    struct limit limits[LIMITS];
    struct mean means[POINTS];
    uint64_t told[8] = {0};
    for (int i = 0; i < POINTS; i++) {
        points[i] = (struct point){.name = roles[i],
                                   .role = roles[i],
                                   .unit = i == 3   ? "%"
                                           : i == 4 ? "m/s"
                                                    : "ug/m3"};
        list[i] = (struct config_point){&devices[i < 5 ? 0 : i < 8 ? 1 : 2], &points[i], roles[i]};
    }
    fill_limits(limits);
    struct config c = {.points = list, .npoints = POINTS, .limits = limits, .nlimits = LIMITS};
    const int64_t minute = CLOCK_MINUTE_MS;
    c.site.zone_min = 480;
    c.quality = (struct quality_config){
        10 * minute, 30 * minute, 10 * minute, 60 * minute,   20, 180 * minute, 30 * minute, 2,  30,
        5,           100,         minute,      180 * minute,  10, 30 * minute,  15,          50, 180 * minute,
        50,          true,        true,        "22:00-06:00", 3,  "",           0,           0,  minute,
        10,          50};
    struct judge *j = judge_create(&c);
    int minutes = argc > 1 ? atoi(argv[1]) : 3000, days = argc > 2 ? atoi(argv[2]) : 365;
    run_samples(j, means, minutes, told);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    run_minutes(j, means, days, minutes, told);
    getrusage(RUSAGE_SELF, &after);
    printf(
        "told: %llu windows, %llu verdicts, %llu warnings, %llu findings of quality; memory grew by %ld kB\n",
        (unsigned long long)told[JUDGE_WINDOW], (unsigned long long)told[JUDGE_VERDICT],
        (unsigned long long)told[JUDGE_WARNING], (unsigned long long)told[JUDGE_QUALITY],
        after.ru_maxrss - before.ru_maxrss);
    judge_destroy(j);
    run_memory(c, list, false, told);
    run_memory(c, list, true, told);
    return 0;
}
