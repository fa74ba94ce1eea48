/* Speed of the judge on one core, with the configuration that ships: ten points of three devices, seven limit
 * files, every check of data quality, and the six requirements.
 *
 *   bench_judge [minutes of samples] [days]        in the source's folder, whose config/ it loads
 *
 * Method: time is an argument, so nothing waits. First samples at 1 Hz, with their minutes, windows, verdicts
 * and rows, without and with the requirements: ten vehicles a day, a sweeping, an inspection a week. Then a
 * year of minutes, as a back-test feeds them, both ways; then what 80 points cost in memory after 28 hours,
 * of eight devices with PM2.5, PM10 and eight other points, and if all were dust. PM10 is over 150 ug/m3 at
 * one of two meters all the time: the dearest case for "watered when it is dusty". The code is the daemon's
 * own (judging.c); rows are made and thrown away. Seconds are the processor's (in brackets the clock's). */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/config/person.h"
#include "daemon/judge/input.h"
#include "daemon/judge/judge.h"
#include "daemon/judging.h"
#include "daemon/required.h"
#include "daemon/rows.h"
#include "daemon/sample.h"
#include "daemon/uplink_now.h"
#include "drivers/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 10, MANY = 80, LOOK_BACK_MIN = 28 * 60 };
static const int64_t midnight = 1772380800000; /* Monday 2026-03-02T00:00+08:00 */

/* --- the site --- */

static const char *const roles[POINTS] = {"pm25", "pm10", "tsp", "humidity",    "wind_speed",
                                          "pm25", "pm10", "tsp", "temperature", "flow"};
static const char *const units[POINTS] = {"ug/m3", "ug/m3", "ug/m3", "'%'",  "m/s",
                                          "ug/m3", "ug/m3", "ug/m3", "degC", "m3/h"};
static const int first_of[] = {0, 5, 8, POINTS}; /* point of each device */

static const char site_text[] = "language: en\n"
                                "site: {name: bench, title: {zh: 示例工地, en: Example Site}}\n"
                                "buses: {line: {path: /dev/ttyS0}}\n"
                                "devices:\n"
                                "  a: {bus: line, profile: bench-a, unit_id: 1, period: 1s}\n"
                                "  b: {bus: line, profile: bench-b, unit_id: 2, period: 1s}\n"
                                "  c: {bus: line, profile: bench-c, unit_id: 3, period: 1s}\n"
                                "people:\n"
                                "  boss: {title: 项目经理, roles: [site]}\n"
                                "  office: {title: 办公室, roles: [office]}\n"
                                "limits:\n"
                                "  shanxi-taiyuan: {person: boss}\n"
                                "  hebei-db13-2934-2019: {person: boss}\n"
                                "  shanghai-db31-964-2016: {person: boss}\n"
                                "  shaanxi-db61-1078-2017: {person: boss}\n"
                                "  liaoning-db21-2642-2016-city: {person: boss}\n"
                                "  sichuan-db51-2682-2020: {person: boss}\n"
                                "  gb3095: {person: boss}\n";
static const char six_text[] = "requirements: {file: six, person: boss, hours: [\"06:00-20:00\"]}\n"
                               "sources: {gate: {kinds: [alive, passage, camera]}}\n";

static void write_text(const char *path, const char *text, const char *more)
{
    FILE *out = fopen(path, "w");
    if (!out || fprintf(out, "%s%s", text, more) < 0 || fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_profile(const char *dir, int device)
{
    char path[64], text[1024];
    size_t n =
        (size_t)snprintf(text, sizeof text, "title: {zh: 测试, en: Bench}\nsource: a bench's own\npoints:\n");
    for (int i = first_of[device]; i < first_of[device + 1]; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "  %s: {title: {zh: x, en: x}, unit: %s, role: %s, "
                              "address: %d, type: u16}\n",
                              roles[i], units[i], roles[i], i);
    snprintf(path, sizeof path, "%s/devices/bench-%c.yaml", dir, 'a' + device);
    write_text(path, text, "");
}

static struct config *load_site(const char *dir, bool six)
{
    struct config *c = NULL;
    struct complaint why;
    char path[64];
    snprintf(path, sizeof path, "%s/site.yaml", dir);
    write_text(path, site_text, six ? six_text : "");
    if (config_load(path, (const char *const[]){dir, "config", NULL}, &c, &why) == ERR_OK)
        return c;
    fprintf(stderr, "%s\n", why.text);
    exit(1);
}

/* --- the daemon's own judging --- */

struct bench {
    struct dustd d;
    struct hearing hearing;
    struct uplink_now uplink;
    char *body; /* of the last row: who wrote it still needs it */
    uint64_t told[8], rows;
    double level[POINTS];
};

static bool hear_event(const struct judge_event *e, void *arg)
{
    struct bench *b = arg;
    b->told[e->kind]++;
    return e->kind == JUDGE_QUALITY || (e->kind == JUDGE_VERDICT && e->verdict == VERDICT_BREACH);
}

static void hear_row(int64_t seq, const char *kind, char *body, void *arg)
{
    (void)seq, (void)kind;
    struct bench *b = arg;
    mem_free(b->body);
    b->body = body;
    b->rows++;
}

static void open_bench(struct bench *b, struct config *c)
{
    *b = (struct bench){.d = {.config = c}, .hearing = {hear_event, hear_row, b}};
    b->d.hearing = &b->hearing;
    b->d.uplinks = &b->uplink;
    judging_open(&b->d);
}

static void close_bench(struct bench *b)
{
    judging_close(&b->d);
    again_finish(&b->d.again);
    clean_finish(&b->d.clean);
    mem_free(b->body);
}

static double level(int64_t i, int point)
{
    if (strcmp(roles[point], "flow") == 0)
        return i / 60 % 180 < 8 ? 3 : 0;
    double base = point == 4 ? 2 : point == 8 ? 12 : 40 + 20 * point;
    return base * (1 + (double)((i * 7919 + point * 104729) % 997) / 4000);
}

static void say(struct bench *b, struct input i, const char *source, const char *about, unsigned roles_of)
{
    snprintf(i.source, sizeof i.source, "%s", source);
    snprintf(i.about, sizeof i.about, "%s", about);
    required_input(&b->d, &i, roles_of);
}

/* Each hour of work a lorry that was washed; at six a sweeping, on Mondays a look at the watering. */
static void tell_hour(struct bench *b, int64_t now_ms)
{
    int64_t hour = (now_ms - midnight) / CLOCK_HOUR_MS, of_day = hour % 24, minute_ms = CLOCK_MINUTE_MS;
    struct input look = {.kind = INPUT_INSPECTION, .from_ms = now_ms, .to_ms = INPUT_OPEN, .value = 100};
    struct input lorry = {.kind = INPUT_PASSAGE,
                          .from_ms = now_ms,
                          .to_ms = now_ms,
                          .value = 150,
                          .what = "out",
                          .via = "wash"};
    struct input alive = {
        .kind = INPUT_ALIVE, .from_ms = now_ms - 59 * minute_ms, .to_ms = now_ms, .value = NAN};
    if (of_day >= 7 && of_day < 17) {
        say(b, lorry, "gate", "", 0);
        say(b, alive, "gate", "", 0);
    }
    if (of_day == 18)
        say(b, look, "boss", "watering/swept", ROLE_SITE);
    if (of_day == 18 && hour / 24 % 7 == 0)
        say(b, look, "office", "watering/weekly", ROLE_OFFICE);
}

static void begin(struct bench *b)
{
    struct input stage = {
        .kind = INPUT_STAGE, .from_ms = midnight - CLOCK_HOUR_MS, .to_ms = INPUT_OPEN, .what = "earthwork"};
    clock_stand(midnight);
    say(b, stage, "office", "", ROLE_OFFICE);
}

static void close_minute(struct bench *b, int64_t start_ms)
{
    if (b->d.config->requirements.n && (start_ms - midnight) % CLOCK_HOUR_MS == 0)
        tell_hour(b, start_ms);
    clock_stand(start_ms + CLOCK_MINUTE_MS);
    judge_check(b->d.judge, start_ms, b->d.means);
    judging_minute(&b->d, start_ms);
}

static void sample_minute(struct bench *b, int64_t start_ms)
{
    int64_t second = (start_ms - midnight) / CLOCK_SECOND_MS;
    for (int s = 0; s < 60; s++)
        for (int p = 0; p < POINTS; p++)
            judge_sample(b->d.judge, &(struct sample){.at_ms = start_ms + s * CLOCK_SECOND_MS,
                                                      .point = (uint16_t)p,
                                                      .quality = QUALITY_NORMAL,
                                                      .value = level(second + s, p)});
    judge_minute(b->d.judge, b->d.means);
}

static void mean_minute(struct bench *b, int64_t start_ms)
{
    for (int p = 0; p < POINTS; p++) {
        double v = level((start_ms - midnight) / CLOCK_SECOND_MS, p);
        b->d.means[p] = (struct mean){v, v - 1, v + 1, 60, 60, QUALITY_NORMAL, 0};
    }
}

/* --- measuring --- */

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What the daemon makes besides, each minute while a broker is connected. */
static void measure_board(struct bench *b)
{
    enum { TIMES = 500 };
    double cpu = processor_s();
    for (int i = 0; i < TIMES; i++)
        json_decref(required_board(&b->d));
    printf("  the board of the requirements: %.0f us\n", (processor_s() - cpu) / TIMES * 1e6);
}

static void run(const char *title, struct config *c, int minutes, bool samples)
{
    struct bench b;
    struct rusage before, after;
    open_bench(&b, c);
    begin(&b);
    getrusage(RUSAGE_SELF, &before);
    double cpu = processor_s();
    int64_t wall_us = clock_wire_us();
    for (int m = 0; m < minutes; m++) {
        int64_t start_ms = midnight + m * (int64_t)CLOCK_MINUTE_MS;
        if (samples)
            sample_minute(&b, start_ms);
        else
            mean_minute(&b, start_ms);
        close_minute(&b, start_ms);
    }
    cpu = processor_s() - cpu;
    double wall = (double)(clock_wire_us() - wall_us) / 1e6, n = (samples ? 60.0 : 1.0) * POINTS * minutes;
    getrusage(RUSAGE_SELF, &after);
    printf("%s: %.0f in %.2f s CPU (%.2f s): %.2f million a second, %.1f us a minute\n", title, n, cpu, wall,
           n / cpu / 1e6, cpu / minutes * 1e6);
    printf("  told: %llu windows, %llu verdicts, %llu warnings, %llu findings of quality, %llu rows; memory "
           "grew by %ld kB\n",
           (unsigned long long)b.told[JUDGE_WINDOW], (unsigned long long)b.told[JUDGE_VERDICT],
           (unsigned long long)b.told[JUDGE_WARNING], (unsigned long long)b.told[JUDGE_QUALITY],
           (unsigned long long)b.rows, after.ru_maxrss - before.ru_maxrss);
    if (c->requirements.n)
        measure_board(&b);
    close_bench(&b);
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

static void ignore(const struct judge_event *e, void *arg)
{
    (void)e, (void)arg;
}

static void run_memory(struct config c, bool all_dust)
{
    static struct config_point list[MANY];
    static struct mean means[MANY];
    for (int i = 0; i < MANY; i++)
        list[i] = c.points[all_dust ? i % 3 : i % POINTS < 2 ? i % POINTS : 3];
    c.points = list;
    c.npoints = MANY;
    long before = resident_kib();
    struct judge *j = judge_create(&c);
    long made = resident_kib();
    for (int m = 0; m < LOOK_BACK_MIN; m++) {
        for (int p = 0; p < MANY; p++) {
            double v = level(m * 60, p % 8);
            means[p] = (struct mean){v, v - 1, v + 1, 60, 60, QUALITY_NORMAL, 0};
        }
        judge_feed(j, midnight + m * (int64_t)CLOCK_MINUTE_MS, means, ignore, NULL);
    }
    printf("memory: %d points, %s: %ld KiB resident when made, %ld KiB after 28 h\n", MANY,
           all_dust ? "all dust" : "16 of them dust", made - before, resident_kib() - before);
    judge_destroy(j);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/dust-bench-XXXXXX", devices[64];
    int minutes = argc > 1 ? atoi(argv[1]) : 43200, days = argc > 2 ? atoi(argv[2]) : 365;
    if (!mkdtemp(dir))
        return 1;
    snprintf(devices, sizeof devices, "%s/devices", dir);
    mkdir(devices, 0700);
    for (int i = 0; i < 3; i++)
        write_profile(dir, i);
    json_set_alloc_funcs(mem_bytes, mem_free);
    struct config *plain = load_site(dir, false), *six = load_site(dir, true);
    run("samples, limits and quality", plain, minutes, true);
    run("samples, and the six requirements", six, minutes, true);
    run("minutes, limits and quality", plain, days * 1440, false);
    run("minutes, and the six requirements", six, days * 1440, false);
    run_memory(*plain, false);
    run_memory(*plain, true);
    config_free(plain);
    config_free(six);
    for (int i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/devices/bench-%c.yaml", dir, 'a' + i);
        remove(path);
    }
    remove(devices);
    snprintf(devices, sizeof devices, "%s/site.yaml", dir);
    remove(devices);
    remove(dir);
    return 0;
}
