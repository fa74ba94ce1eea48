/* What a ledger of five years costs: 10,000 issues with a million steps, made from their rows as at a start;
 * its memory; listing all of it as JSON, line by line as the control socket does; looking for one.
 *     bench_ledger [ISSUES [STEPS_PER_ISSUE [rows]]]
 * Prints a line a measurement: what, how, measured, limit, share of the limit; with `rows` the steps instead,
 * a line each, as rows_fixture reads them. */
#include "daemon/ledger/ledger.h"
#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"
#include "daemon/ledger/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double list_limit_s = 1, memory_limit_mib = 32;

static struct person people[] = {{.name = "site-manager", .title = "项目经理", .roles = ROLE_SITE},
                                 {.name = "office", .title = "办公室", .roles = ROLE_OFFICE}};

struct bench {
    struct config config;
    struct ledger *ledger;
    int64_t now_ms, seq;
    double apply_s;
    bool rows; /* printed */
};

static double now_s(void)
{
    return (double)clock_wire_us() / 1e6;
}

static double resident_mib(void)
{
    long pages = 0, resident = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (!in || fscanf(in, "%ld %ld", &pages, &resident) != 2)
        exit(1);
    fclose(in);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

static void take(struct bench *b, char *body)
{
    double from_s = now_s();
    if (ledger_apply(b->ledger, ++b->seq, body) != ERR_OK) {
        fprintf(stderr, "the ledger refuses %s\n", body);
        exit(1);
    }
    b->apply_s += now_s() - from_s;
    if (b->rows)
        puts(body);
    mem_free(body);
}

static void find(struct bench *b, int number, char id[static 32])
{
    char cause[32], *body = NULL;
    snprintf(cause, sizeof cause, "gate/pm10-%d", number % 500);
    struct finding f = {
        .kind = "limit",
        .subject = "shanxi-taiyuan/pm10-hour",
        .cause = cause,
        .text_zh = "大门扬尘仪 PM10，2026-03-05 10:00 起 60 分钟均值 312.4 ug/m3，限值 ≥ 250 ug/m3",
        .text_en =
            "gate/pm10: mean of the 60 minutes from 2026-03-05 10:00 is 312.4 ug/m3, limit >= 250 ug/m3",
        .person = "site-manager",
        .answer_ms = CLOCK_HOUR_MS,
        .rectify_ms = CLOCK_DAY_MS,
        .evidence = json_pack("{s:I,s:f}", "seq", (json_int_t)b->seq, "mean", 312.4)};
    if (ledger_find(b->ledger, b->now_ms, &f, &body, id) != ERR_OK)
        exit(1);
    take(b, body);
}

static void act(struct bench *b, const char *id, enum verb verb, int who)
{
    char why[400], *body = NULL;
    struct act a = {
        .issue = id, .verb = verb, .by = &people[who], .text = "已洒水降尘，裸土已覆盖，现场已复查"};
    if (ledger_act(b->ledger, b->now_ms, &a, &body, why, sizeof why) != ERR_OK) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    take(b, body);
}

/* Found again and again, then led to its end; the last hundred stay open. */
static void live(struct bench *b, int number, int steps, bool ends)
{
    static const struct {
        enum verb verb;
        int who;
    } way[] = {{VERB_CONFIRM, 1}, {VERB_ASSIGN, 1}, {VERB_ACCEPT, 0}, {VERB_RECTIFY, 0}, {VERB_CLOSE, 1}};
    char id[32];
    for (int k = 0; k < steps - 5; k++)
        find(b, number, id);
    for (size_t k = 0; k < 5 && ends; k++)
        act(b, id, way[k].verb, way[k].who);
}

static double list_all(const struct bench *b, size_t *bytes)
{
    double from_s = now_s();
    struct issue_filter filter = {0};
    struct buf line = {0};
    *bytes = 0;
    for (int at = 0; at < ledger_count(b->ledger); at++) {
        if (!filter_takes(&filter, ledger_at(b->ledger, at), b->now_ms))
            continue;
        buf_clear(&line);
        issue_print(ledger_at(b->ledger, at), b->now_ms, false, &line);
        *bytes += line.length + 1;
    }
    buf_finish(&line);
    return now_s() - from_s;
}

static double look_for(const struct bench *b, const char *text, int *found)
{
    double from_s = now_s();
    struct issue_filter filter = {.text = text};
    for (int i = 0; i < ledger_count(b->ledger); i++)
        *found += filter_takes(&filter, ledger_at(b->ledger, i), b->now_ms);
    return now_s() - from_s;
}

static void print(const char *what, const char *how, double measured, const char *unit, double limit)
{
    printf("%-28s %-58s %10.3f %-4s limit %6.0f %-4s %5.1f %%\n", what, how, measured, unit, limit, unit,
           100 * measured / limit);
}

int main(int argc, char **argv)
{
    int issues = argc > 1 ? atoi(argv[1]) : 10000, steps = argc > 2 ? atoi(argv[2]) : 100, found = 0;
    struct bench b = {.config = {.language = "zh",
                                 .site = {.issue_prefix = "LQ", .zone_min = 480},
                                 .people = people,
                                 .npeople = 2}};
    size_t bytes;
    json_set_alloc_funcs(mem_bytes, mem_free);
    b.ledger = ledger_create(&b.config);
    b.now_ms = 1772668800000; /* 2026-03-05 */
    b.rows = argc > 3 && strcmp(argv[3], "rows") == 0;
    double empty_mib = resident_mib();
    for (int i = 0; i < issues; i++) {
        b.now_ms += (int64_t)5 * 365 * CLOCK_DAY_MS / issues;
        live(&b, i, steps, i < issues - 100);
    }
    if (b.rows) {
        ledger_destroy(b.ledger);
        return 0;
    }
    double full_mib = resident_mib();
    double list_s = list_all(&b, &bytes), look_s = look_for(&b, "pm10-499", &found);
    printf("%d issues, %lld steps over five years, of one program on this machine\n", ledger_count(b.ledger),
           (long long)b.seq);
    printf("%-28s %-58s %10.3f s\n", "making it anew", "ledger_apply of each row's body", b.apply_s);
    print("resident memory", "VmRSS of this program, which has the ledger alone", full_mib, "MiB",
          memory_limit_mib);
    printf("%-28s %-58s %10.3f MiB\n", "of that the ledger", "less what it was with an empty one",
           full_mib - empty_mib);
    print("list of all", "issue_print of each, with the last steps", list_s, "s", list_limit_s);
    printf("%-28s %-58s %10.3f MB\n", "that list", "bytes of JSON", (double)bytes / 1e6);
    print("looking for a text", "filter_takes of each", look_s, "s", list_limit_s);
    ledger_destroy(b.ledger);
    return list_s > list_limit_s || full_mib > memory_limit_mib || found != issues / 500;
}
