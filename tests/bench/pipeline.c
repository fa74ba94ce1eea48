/* How many readings a second one core takes from sample to verdict, and how many instructions each costs.
 *
 *   bench_pipeline [--points N] [--days N]
 *   valgrind --tool=callgrind --toggle-collect=pipeline_run bench_pipeline --days 1
 *
 * Method: N PM10 points (default 10) read once a second for some days of site time (default 7), 1 in 100
 * reads fails; three limits (15 minutes, hour, day) on each point. Site time is an argument, so nothing
 * waits. All of pipeline_run counts: taking samples, closing minutes, hours, days, verdicts, and an issue's
 * step for each breach (found, printed as JSON, applied). What reads, stores and sends is not in it.
 * callgrind's "Collected" divided by the readings printed is instructions per reading. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/judge.h"
#include "daemon/ledger/ledger.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LIMITS = 3, POINTS_MAX = 1000, NOISE = 4096 };

static const int64_t midnight = 1773417600000; /* of a site at UTC+8 */

struct bench {
    struct device device;
    struct point point;
    struct config_point points[POINTS_MAX];
    struct limit limits[LIMITS];
    struct config config;
    struct judge *judge;
    struct ledger *ledger;
    struct mean means[POINTS_MAX];
    struct sample noise[NOISE]; /* readings made beforehand */
    int64_t now, seq;
    int days;
    uint64_t readings, windows, verdicts, breaches;
};

void pipeline_run(struct bench *b) __attribute__((noinline));

static void set_up(struct bench *b, int points, int days)
{
    static const int64_t lengths[LIMITS] = {15 * CLOCK_MINUTE_MS, CLOCK_HOUR_MS, CLOCK_DAY_MS};
    b->days = days;
    b->device = (struct device){.name = "meter", .period_ms = 1000};
    b->point = (struct point){.name = "pm10", .role = "pm10", .unit = "ug/m3"};
    for (int i = 0; i < points; i++)
        b->points[i] = (struct config_point){&b->device, &b->point, "meter/pm10"};
    for (int i = 0; i < LIMITS; i++)
        b->limits[i] = (struct limit){.id = "bench/limit",
                                      .role = "pm10",
                                      .window_ms = lengths[i],
                                      .compare = COMPARE_REACHES,
                                      .value = 250,
                                      .over = OVER_EACH,
                                      .valid_from_ms = INT64_MIN,
                                      .valid_to_ms = INT64_MAX};
    b->config =
        (struct config){.points = b->points, .npoints = points, .limits = b->limits, .nlimits = LIMITS};
    b->config.site.zone_min = 480;
    b->config.site.issue_prefix = "BENCH";
    for (int i = 0; i < NOISE; i++) {
        uint32_t r = (uint32_t)i * 2654435761u >> 8;
        bool fails = r % 100 == 0;
        b->noise[i] = (struct sample){.quality = fails ? QUALITY_NO_COMMUNICATION : QUALITY_NORMAL,
                                      .why = fails ? WHY_NO_ANSWER : WHY_NONE,
                                      .value = fails ? (double)NAN : 100 + r % 200};
    }
    b->judge = judge_create(&b->config);
    b->ledger = ledger_create(&b->config);
}

static void record(struct bench *b, const struct judge_event *event)
{
    char cause[24], id[32], *body = NULL;
    snprintf(cause, sizeof cause, "meter/%d", event->point);
    struct finding f = {
        .kind = "limit",
        .subject = event->limit->id,
        .cause = cause,
        .text_zh = "达到限值",
        .text_en = "reaches the limit",
        .evidence = json_pack("{s:f,s:I}", "mean", event->mean.mean, "start", (json_int_t)event->start_ms)};
    if (ledger_find(b->ledger, b->now, &f, &body, id) || ledger_apply(b->ledger, ++b->seq, body)) {
        fprintf(stderr, "the ledger refuses a step\n");
        exit(EXIT_FAILED);
    }
    mem_free(body);
}

static void take(const struct judge_event *event, void *arg)
{
    struct bench *b = arg;
    b->windows += event->kind == JUDGE_WINDOW;
    b->verdicts += event->kind == JUDGE_VERDICT;
    if (event->kind != JUDGE_VERDICT || event->verdict != VERDICT_BREACH || event->running)
        return;
    b->breaches++;
    record(b, event);
}

/* Every other hour is 120 ug/m3 worse than the one before. */
static void read_minute(struct bench *b, int64_t start_ms)
{
    double worse = (start_ms / CLOCK_HOUR_MS) % 2 ? 120 : 0;
    for (int second = 0; second < 60; second++)
        for (int p = 0; p < b->config.npoints; p++) {
            struct sample s = b->noise[b->readings++ % NOISE];
            s.at_ms = start_ms + second * CLOCK_SECOND_MS;
            s.point = (uint16_t)p;
            s.value += worse;
            judge_sample(b->judge, &s);
        }
}

void pipeline_run(struct bench *b)
{
    int64_t end = midnight + (int64_t)b->days * CLOCK_DAY_MS;
    for (int64_t start = midnight; start < end; start += CLOCK_MINUTE_MS) {
        b->now = start + CLOCK_MINUTE_MS;
        read_minute(b, start);
        judge_minute(b->judge, b->means);
        judge_feed(b->judge, start, b->means, take, b);
    }
}

static int number_after(const char *option, int argc, char **argv, int otherwise, int most)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], option) == 0) {
            long n = strtol(argv[i + 1], NULL, 10);
            return n < 1 ? 1 : n > most ? most : (int)n;
        }
    return otherwise;
}

int main(int argc, char **argv)
{
    struct bench *b = mem_new(struct bench);
    struct rusage usage;
    set_up(b, number_after("--points", argc, argv, 10, POINTS_MAX),
           number_after("--days", argc, argv, 7, 366));
    int64_t from_us = clock_wire_us();
    pipeline_run(b);
    double seconds = (double)(clock_wire_us() - from_us) / 1e6;
    getrusage(RUSAGE_SELF, &usage);
    printf("pipeline: %d points at 1 Hz, %d days of site time, %d limits a point; one core, no I/O\n",
           b->config.npoints, b->days, LIMITS);
    printf("readings            %llu\n", (unsigned long long)b->readings);
    printf("seconds             %.3f\n", seconds);
    printf("readings per second %.0f\n", (double)b->readings / seconds);
    printf("hours and days      %llu\n", (unsigned long long)b->windows);
    printf("verdicts            %llu, of them breaches %llu, issues %d\n", (unsigned long long)b->verdicts,
           (unsigned long long)b->breaches, ledger_count(b->ledger));
    printf("resident memory     %ld KiB at most\n", usage.ru_maxrss);
    judge_destroy(b->judge);
    ledger_destroy(b->ledger);
    mem_free(b);
    return EXIT_OK;
}
