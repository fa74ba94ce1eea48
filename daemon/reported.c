#include "daemon/reported.h"

#include "daemon/acting.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/config/person.h"
#include "daemon/dustd.h"
#include "daemon/now.h"
#include "daemon/rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Also whoever our user namespace does not know: nobody, even where dustd runs as that. */
enum { NOBODY_UID = 65534 };

static const char *const kinds[REPORTED_KINDS] = {"weekly", "half-month"};

/* What a summary is made of; nothing else is kept. */
static const struct {
    const char *name;
    json_type type;
    bool needed;
} members[] = {
    {"asof", JSON_INTEGER, true},
    {"by_community", JSON_ARRAY, false},
    {"by_requirement", JSON_ARRAY, false},
    {"by_site", JSON_ARRAY, false},
    {"completeness", JSON_OBJECT, true},
    {"counts", JSON_OBJECT, true},
    {"files", JSON_ARRAY, false},
    {"from", JSON_INTEGER, true},
    {"limits", JSON_ARRAY, false},
    {"made_from", JSON_OBJECT, true},
    {"relapses_in_all", JSON_INTEGER, false},
    {"requirements", JSON_ARRAY, false},
    {"to", JSON_INTEGER, true},
};

enum { NMEMBERS = sizeof members / sizeof *members };

static int kind_of(const char *name)
{
    for (int i = 0; name && i < REPORTED_KINDS; i++)
        if (strcmp(kinds[i], name) == 0)
            return i;
    return -1;
}

static int check_members(const json_t *report, char *why, size_t size)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)report, name, value)
    {
        int i = 0;
        while (i < NMEMBERS && strcmp(members[i].name, name) != 0)
            i++;
        if (i == NMEMBERS || json_typeof(value) != members[i].type) {
            snprintf(why, size, "report: \"%.40s\" is no member of a summary, or of another type", name);
            return ERR_FORMAT;
        }
    }
    for (int i = 0; i < NMEMBERS; i++)
        if (members[i].needed && !json_object_get(report, members[i].name)) {
            snprintf(why, size, "report: needs \"%s\"", members[i].name);
            return ERR_FORMAT;
        }
    return ERR_OK;
}

/* Counts are numbers of things, of a time that has begun. */
static int check_report(const json_t *report, int64_t now_ms, char *why, size_t size)
{
    const char *name;
    json_t *value;
    if (check_members(report, why, size) != ERR_OK)
        return ERR_FORMAT;
    json_int_t from = json_integer_value(json_object_get(report, "from"));
    json_int_t to = json_integer_value(json_object_get(report, "to"));
    json_int_t asof = json_integer_value(json_object_get(report, "asof"));
    json_object_foreach(json_object_get(report, "counts"), name, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0) {
            snprintf(why, size, "report: counts: \"%.40s\" must be a whole number from 0", name);
            return ERR_FORMAT;
        }
    }
    if (from < 0 || from >= to || asof < from || asof > to || asof > now_ms) {
        snprintf(why, size, "report: needs from < to, and asof between them and not to come");
        return ERR_FORMAT;
    }
    if (json_dumpb(report, NULL, 0, JSON_COMPACT) > REPORTED_MAX) {
        snprintf(why, size, "report: a summary has at most %d bytes", REPORTED_MAX);
        return ERR_RANGE;
    }
    return ERR_OK;
}

/* Who hands it over; NULL after an answer. The unit that is reported on does not write its own report. */
static const char *author(struct dustd *d, uint64_t client, uid_t uid, const char *as, bool *as_root)
{
    static const unsigned unit = ROLE_SITE | ROLE_CONTRACTOR;
    struct attempt a = {.uid = uid, .did = "report", .about = as ? as : ""};
    if (!as && uid == 0)
        return "root";
    if (!as && uid == geteuid() && uid != NOBODY_UID)
        return "dustd";
    const struct person *p = verb_person(d, client, &a, as, as_root);
    if (p && (p->roles & unit || !p->roles)) {
        a.why =
            "a report is recorded by root, dustd's own timer, and people of the community, the office or the "
            "inspectors";
        verb_deny(d, client, &a);
        return NULL;
    }
    return p ? p->name : NULL;
}

static void keep(struct reported *r, int kind, int64_t seq, char *body, bool told)
{
    mem_free(r->newest[kind].body);
    r->newest[kind].body = body;
    r->newest[kind].seq = seq;
    r->newest[kind].told = told;
}

static void write_row(struct dustd *d, uint64_t client, int kind, const char *by, bool as_root,
                      json_t *report)
{
    int64_t now_ms = clock_site_ms();
    json_t *body = row_begin(d, now_ms, "report", kinds[kind]);
    json_object_set_new(body, "by", json_string(by));
    if (as_root)
        json_object_set_new(body, "as_root", json_true());
    json_object_update(body, report);
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(body);
    int64_t seq = row_append_text(d, now_ms, "report", kinds[kind], mem_string(text));
    if (!seq) {
        mem_free(text);
        verb_fail(d, client,
                  "the disk takes nothing, and nothing more can be kept: try again when it has room");
        return;
    }
    keep(&d->reported, kind, seq, text, false);
    verb_waits(d, client, by, seq, "");
}

void reported_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    char why[200] = "";
    bool as_root = false;
    int rc = ERR_FORMAT;
    json_t *report = json_object_get(request, "report");
    int kind = kind_of(json_string_value(json_object_get(request, "kind")));
    const char *by = author(d, client, uid, json_string_value(json_object_get(request, "as")), &as_root);
    if (!by)
        return;
    if (kind < 0 || !report)
        snprintf(why, sizeof why, "needs a \"report\", and as \"kind\" weekly or half-month");
    else if (d->hold.undated)
        snprintf(why, sizeof why, "the clock of this machine is not right yet: a report would have no date");
    else
        rc = check_report(report, clock_site_ms(), why, sizeof why);
    if (rc == ERR_OK)
        write_row(d, client, kind, by, as_root, report);
    else
        verb_fail(d, client, why);
}

void reported_publish(struct dustd *d, int uplink)
{
    for (int i = 0; i < REPORTED_KINDS; i++) {
        if (!d->reported.newest[i].body || d->reported.newest[i].seq > d->committed)
            continue;
        if (uplink >= 0 || !d->reported.newest[i].told)
            now_report(d, uplink, kinds[i], d->reported.newest[i].body);
        d->reported.newest[i].told = d->reported.newest[i].told || uplink < 0;
    }
}

static void restore_one(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    int kind = kind_of(row->subject);
    if (kind >= 0 && row->body)
        keep(&d->reported, kind, row->seq, mem_string(row->body), true);
}

int reported_scan(struct dustd *d)
{
    return store_scan_rows(d->store, "report", INT64_MIN, restore_one, d);
}

void reported_finish(struct reported *r)
{
    for (int i = 0; i < REPORTED_KINDS; i++)
        mem_free(r->newest[i].body);
}
