#include "daemon/chore.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/dustd.h"
#include "daemon/judge/input.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/task.h"
#include "daemon/now.h"
#include "daemon/rows.h"
#include "daemon/tell.h"

#include <string.h>

/* What was missed is found, what is done after all makes it good. False: the disk takes nothing. */
static bool write_finding(struct dustd *d, const char *task, bool missed, int64_t now_ms)
{
    char id[32], *body = NULL;
    struct task_texts texts;
    struct finding f;
    if (!tasks_finding(d->tasks, d->config, task, &texts, &f))
        return true;
    int rc = missed ? ledger_find(d->ledger, now_ms, &f, &body, id)
                    : ledger_recover(d->ledger, now_ms, &f, &body, id);
    if (rc == ERR_NOT_FOUND)
        return true; /* none was missed */
    if (rc != ERR_OK) {
        log_error("%s: cannot be an issue", task);
        return true;
    }
    int64_t seq = row_step(d, now_ms, id, body);
    if (seq)
        batch_tell(d, seq, id, 0);
    return seq != 0;
}

/* First the finding: a task is over only when that is in the batch too. */
static bool write_task(struct dustd *d, const char *id, json_t *members, int64_t now_ms)
{
    const char *step = json_string_value(json_object_get(members, "step"));
    bool missed = strcmp(step, "missed") == 0;
    if ((missed || strcmp(step, "done") == 0) && !write_finding(d, id, missed, now_ms))
        return false;
    json_t *body = row_begin(d, now_ms, "task", id);
    json_object_update(body, members);
    json_incref(body);
    int64_t seq = row_append(d, now_ms, "task", id, body);
    if (seq)
        tasks_apply(d->tasks, id, body);
    json_decref(body);
    return seq != 0;
}

/* False: the disk takes nothing; the next minute tries again. */
static bool write_tasks(struct dustd *d, int64_t now_ms)
{
    char id[80];
    bool written = true;
    json_t *members = tasks_next(d->tasks, d->config, now_ms, id);
    while (members) {
        written = write_task(d, id, members, now_ms);
        json_decref(members);
        members = written ? tasks_next(d->tasks, d->config, now_ms, id) : NULL;
    }
    return written;
}

/* What is published differs from what was: it goes out once the rows behind it are on the disk. */
static void note_change(struct dustd *d, int64_t now_ms)
{
    json_t *list = tasks_json(d->tasks, d->config, now_ms);
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (d->tasks_said ? strcmp(text, d->tasks_said) != 0 : strcmp(text, "[]") != 0) {
        mem_free(d->tasks_said);
        d->tasks_said = text;
        d->tasks_seq = d->head.seq;
        return;
    }
    mem_free(text);
}

void chore_turn(struct dustd *d, int64_t now_ms)
{
    char id[80];
    if (!write_tasks(d, now_ms))
        return;
    json_t *alert = tasks_reminder(d->tasks, d->config, now_ms, id);
    while (alert && tell_write(d, id, alert, now_ms)) {
        tasks_reminded(d->tasks, id);
        alert = tasks_reminder(d->tasks, d->config, now_ms, id);
    }
    note_change(d, now_ms);
}

void chore_publish(struct dustd *d)
{
    if (!d->tasks_seq || d->committed < d->tasks_seq)
        return;
    d->tasks_seq = 0;
    now_task(d, -1);
}

void chore_input(struct dustd *d, const struct input *i, unsigned roles)
{
    if (i->kind != INPUT_INSPECTION)
        return;
    tasks_inspected(d->tasks, i->about, i->from_ms, roles);
    d->told_minute_ms = 0; /* whether that was all is looked at in this turn */
}

void chore_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid, (void)request;
    verb_answer(d, client, d->hold.undated ? json_array() : tasks_json(d->tasks, d->config, clock_site_ms()));
}

static void restore_task(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    if (body && tasks_apply(d->tasks, row->subject, body) != ERR_OK)
        log_error("row %lld is no task of ours; it is left out", (long long)row->seq);
    json_decref(body);
}

int chore_scan(struct dustd *d)
{
    return store_scan_rows(d->store, "task", INT64_MIN, restore_task, d);
}

void chore_alerted(struct dustd *d, const char *subject, const json_t *body)
{
    const char *step = json_string_value(json_object_get(body, "step"));
    if (step && strcmp(step, "task") == 0)
        tasks_reminded(d->tasks, subject);
}
