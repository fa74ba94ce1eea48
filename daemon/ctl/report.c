/* dustctl report: the period, the files, and handing the summary to the daemon. */
#include "daemon/ctl/report.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/file.h"
#include "daemon/base/mem.h"
#include "daemon/base/sign.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"
#include "daemon/ctl/when.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- which period ---- */

static int read_day(const struct ctl *c, const char *option, const char *text, int64_t now_ms,
                    int64_t *day_ms)
{
    if (when_parse(text, now_ms, c->zone_min, day_ms) == ERR_OK &&
        clock_window_start(*day_ms, CLOCK_DAY_MS, c->zone_min) == *day_ms)
        return EXIT_OK;
    complain(say(c, "--%s %s：报告按整日计，请写日期，如 2026-11-16",
                 "--%s %s: a report is of whole days: write a date, as "
                 "2026-11-16"),
             option, text);
    return EXIT_USAGE;
}

/* The last one that is over; with --from alone the one that holds that day; with both exactly these days. */
static int choose_period(const struct ctl *c, int64_t now_ms, struct gathered *g)
{
    struct period *p = &g->period;
    *p = period_last(g->kind, now_ms, c->zone_min);
    if (!c->from && c->to) {
        complain("%s", say(c, "--to 要与 --from 一起用", "--to goes with --from"));
        return EXIT_USAGE;
    }
    if (c->from && read_day(c, "from", c->from, now_ms, &p->from_ms) != EXIT_OK)
        return EXIT_USAGE;
    if (c->to && read_day(c, "to", c->to, now_ms, &p->to_ms) != EXIT_OK)
        return EXIT_USAGE;
    if (c->from && !c->to)
        *p = period_of(g->kind, p->from_ms, c->zone_min);
    int64_t days = (p->to_ms - p->from_ms) / CLOCK_DAY_MS;
    if (days < 1 || days > REPORT_DAYS_MOST || p->from_ms >= now_ms) {
        complain(say(c, "报告的时段须为 1 到 %d 天，且不能全在将来",
                     "a report is of 1 to %d days, not all of them to come"),
                 REPORT_DAYS_MOST);
        return EXIT_USAGE;
    }
    g->ndays = (int)days;
    g->asof_ms = p->to_ms < now_ms ? p->to_ms : now_ms;
    return EXIT_OK;
}

/* Titles of the devices, which only a running daemon tells; a copy has their names. */
static void learn_devices(struct ctl *c, struct gathered *g)
{
    size_t i;
    json_t *list = c->db ? NULL : ctl_result(c, json_pack("{s:s}", "do", "devices")), *device;
    g->devices = json_object();
    json_array_foreach(list, i, device)
    {
        json_object_set(g->devices, text_of(device, "name"), json_object_get(device, "title"));
    }
    json_decref(list);
}

/* ---- files ---- */

/* "example-weekly-2026-11-16" and what follows. */
static char *file_name(const struct ctl *c, const json_t *report, const char *ending)
{
    const char *site = text_of(json_object_get(report, "site"), "name");
    char day[32];
    when_text(int_of(report, "from"), c->zone_min, day);
    day[10] = 0;
    return mem_printf("%s-%s-%s%s.%s", *site && !strchr(site, '/') ? site : "site", text_of(report, "report"),
                      day, is_true(report, "public") ? "-public" : "", ending);
}

/* Writes one file and notes its name and hash in the list. */
static int write_file(const struct ctl *c, const json_t *report, const char *ending,
                      const struct buf *content, json_t *files)
{
    uint8_t sha256[HASH_SIZE];
    char hex[65], *name = file_name(c, report, ending);
    char *path = mem_printf("%s/%s", c->out ? c->out : ".", name);
    int rc = file_replace(path, content->data, content->length, 0644);
    hash_bytes(content->data, content->length, sha256);
    hash_hex(sha256, hex);
    if (rc != ERR_OK)
        complain("%s: %s", path, strerror(errno));
    else
        json_array_append_new(files, json_pack("{s:s,s:s}", "name", name, "sha256", hex));
    if (rc == ERR_OK && !c->json)
        puts(path);
    mem_free(path);
    mem_free(name);
    return rc;
}

static int write_files(const struct ctl *c, const struct gathered *g, const json_t *report, json_t *files)
{
    struct buf page = {0}, table = {0};
    report_html(c, g, report, &page);
    report_csv(c, report, &table);
    int rc = write_file(c, report, "html", &page, files);
    if (rc == ERR_OK)
        rc = write_file(c, report, "csv", &table, files);
    buf_finish(&page);
    buf_finish(&table);
    return rc;
}

/* ---- the verb ---- */

/* The summary becomes a row of the journal. */
static int record(struct ctl *c, const json_t *report, const json_t *files)
{
    json_t *summary = report_summary(report);
    json_object_set(summary, "files", (json_t *)(uintptr_t)files);
    json_t *request =
        json_pack("{s:s,s:s,s:o}", "do", "report", "kind", text_of(report, "report"), "report", summary);
    json_t *result = ctl_result_as(c, request);
    json_decref(result);
    return result ? EXIT_OK : EXIT_FAILED;
}

static int make(struct ctl *c, const struct source *s, const struct gathered *g)
{
    json_t *report = report_json(c, source_about(s), g, c->public), *files = json_array();
    int rc = EXIT_OK;
    if (g->unreadable)
        complain(say(c, "日志中有 %d 行看不懂的问题记录，未计入",
                     "%d rows of issues cannot be read and are left out"),
                 g->unreadable);
    if ((c->out || !c->json) && write_files(c, g, report, files) != ERR_OK)
        rc = EXIT_FAILED;
    json_object_set(report, "files", files);
    if (rc == EXIT_OK && c->record)
        rc = record(c, report, files);
    if (c->json)
        print_json(report);
    json_decref(files);
    json_decref(report);
    return rc;
}

static int check_options(const struct ctl *c)
{
    const char *why = NULL;
    if (c->record && c->db)
        why = say(c, "数据库副本不能登记报告", "--record needs the running daemon, not --db");
    else if (c->record && c->public)
        why = say(c, "登记的是完整报告：--record 与 --public 只能选一个",
                  "--record or --public, not both: the whole report is recorded");
    else if (c->as && !c->record)
        why = say(c, "--as 要与 --record 一起用", "--as goes with --record");
    if (why)
        complain("%s", why);
    return why ? EXIT_USAGE : EXIT_OK;
}

int verb_report(struct ctl *c)
{
    struct gathered g = {0};
    struct source *s = NULL;
    if (period_parse(c->words[0], &g.kind) != ERR_OK) {
        complain(say(c, "报告只有 weekly（周检查）和 half-month（半月调度），没有“%s”",
                     "a report is weekly or half-month, not \"%s\""),
                 c->words[0]);
        return EXIT_USAGE;
    }
    if (check_options(c) != EXIT_OK)
        return EXIT_USAGE;
    if (source_open(c, &s) != ERR_OK)
        return EXIT_FAILED;
    g.zone_min = c->zone_min;
    int rc = choose_period(c, source_about(s)->now_ms, &g);
    if (rc == EXIT_OK)
        rc = report_gather(s, &g) == ERR_OK ? EXIT_OK : EXIT_FAILED;
    if (rc == EXIT_OK) {
        learn_devices(c, &g);
        rc = make(c, s, &g);
    }
    report_forget(&g);
    source_close(s);
    return rc;
}
