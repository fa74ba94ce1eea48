/* What the journal's events made of ledger, tasks, alerts, settings of devices, inputs, commands. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/commands.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/inputs.h"
#include "daemon/ledger/ledger.h"
#include "daemon/registers.h"
#include "daemon/restore.h"
#include "daemon/tell.h"

#include <string.h>

static void restore_register(const struct row *row, void *arg)
{
    if (!row->body || !strstr(row->body, "\"register\":"))
        return; /* most are about a device that came or went */
    json_t *body = json_loads(row->body, 0, NULL);
    registers_restore(arg, row->subject, row->at_ms, body);
    json_decref(body);
}

static void restore_issue(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    if (!row->body || ledger_apply(d->ledger, row->seq, row->body) != ERR_OK)
        log_error("row %lld is no step of an issue; it is left out of the ledger", (long long)row->seq);
}

static int scan_issues(struct dustd *d)
{
    return store_scan_rows(d->store, "issue", INT64_MIN, restore_issue, d);
}

static int scan_registers(struct dustd *d)
{
    return store_scan_rows(d->store, "device", INT64_MIN, restore_register, d);
}

/* As rows_judged.c names it, of a limit that is there no more as well as can be. */
static const char *cause_of(const struct dustd *d, const char *limit, const char *point)
{
    return config_is_of_highest(d->config, limit) ? "max" : point ? point : "mean";
}

/* Closing an issue may demand windows that were kept: as far back as the longest count of the longest ones.
 */
static void restore_clean(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const char *verdict = json_string_value(json_object_get(body, "verdict"));
    const char *cause = cause_of(d, row->subject, json_string_value(json_object_get(body, "point")));
    bool kept = verdict && (strcmp(verdict, "pass") == 0 || strcmp(verdict, "void") == 0);
    if (body && !json_object_get(body, "removed"))
        (json_object_get(body, "corrects") ? clean_correct : clean_note)(&d->clean, row->subject, cause,
                                                                         kept);
    json_decref(body);
}

static int scan_clean(struct dustd *d)
{
    static const int64_t back_ms = (int64_t)100 * CLOCK_DAY_MS;
    bool wanted = false;
    for (int i = 0; i < d->config->issues.nkinds; i++)
        wanted = wanted || d->config->issues.kinds[i].clean_windows;
    if (!wanted)
        return ERR_OK;
    return store_scan_rows(d->store, "verdict", d->opened.last_at_ms - back_ms, restore_clean, d);
}

int restore_events(struct dustd *d)
{
    /* in this order: who is told rests on the ledger */
    static int (*const scans[])(struct dustd * d) = {scan_issues, tell_scan,   alerts_scan,   scan_registers,
                                                     scan_clean,  inputs_scan, commands_scan, reported_scan};
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < sizeof scans / sizeof *scans; i++)
        rc = scans[i](d);
    return rc;
}
