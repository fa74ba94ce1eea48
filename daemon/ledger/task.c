/* Tasks: what the journal says of them, and which row comes next. */
#include "daemon/ledger/task_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/calibration.h"
#include "daemon/config/config.h"
#include "daemon/config/inspection.h"
#include "daemon/config/lookup.h"
#include "daemon/ledger/step.h"
#include "drivers/device.h"

#include <stdio.h>
#include <string.h>

enum { WEEK_DAYS = 7, LOOKS_KEPT_DAYS = 35 };

static const char *const states[] = {
    [TASK_DUE] = "due", [TASK_DONE] = "done", [TASK_MISSED] = "missed", [TASK_DROPPED] = "dropped"};

const char *task_state_str(enum task_state s)
{
    return states[s];
}

struct tasks *tasks_create(void)
{
    return mem_new(struct tasks);
}

void tasks_destroy(struct tasks *t)
{
    if (!t)
        return;
    mem_free(t->list);
    mem_free(t->looks);
    mem_free(t);
}

static struct task *find(const struct tasks *t, const char *id)
{
    for (int i = t->n - 1; i >= 0; i--)
        if (strcmp(t->list[i].id, id) == 0)
            return &t->list[i];
    return NULL;
}

const struct task *tasks_find(const struct tasks *t, const char *id)
{
    return find(t, id);
}

/* --- what the journal says --- */

static int read_task(const json_t *body, const char *id, struct task *new)
{
    const char *step = step_string(body, "step", 16), *what = step_string(body, "what", 16);
    const char *about = step_string(body, "about", sizeof new->about);
    const json_t *title = json_object_get(body, "title"), *ts = json_object_get(body, "ts");
    const char *zh = step_string(title, "zh", sizeof new->title_zh);
    const char *en = step_string(title, "en", sizeof new->title_en);
    int state = 0;
    while (step && state <= TASK_DROPPED && strcmp(states[state], step) != 0)
        state++;
    if (!step || state > TASK_DROPPED || !what || !about || !*about || !zh || !en || !*id ||
        strlen(id) >= sizeof new->id || !json_is_integer(json_object_get(body, "due")))
        return ERR_FORMAT;
    *new = (struct task){.state = (enum task_state)state,
                         .certificate = strcmp(what, "certificate") == 0,
                         .from_ms = json_integer_value(json_object_get(body, "from")),
                         .due_ms = json_integer_value(json_object_get(body, "due")),
                         .ended_ms = state == TASK_DUE ? 0 : json_integer_value(ts)};
    snprintf(new->id, sizeof new->id, "%s", id);
    snprintf(new->about, sizeof new->about, "%s", about);
    snprintf(new->title_zh, sizeof new->title_zh, "%s", zh);
    snprintf(new->title_en, sizeof new->title_en, "%s", en);
    return ERR_OK;
}

int tasks_apply(struct tasks *t, const char *id, const json_t *body)
{
    struct task new;
    int rc = read_task(body, id, &new);
    if (rc != ERR_OK)
        return rc;
    struct task *old = find(t, id);
    if (old) {
        new.reminded = old->reminded;
        *old = new;
        return ERR_OK;
    }
    t->list = mem_resize(t->list, (size_t)t->n + 1, sizeof *t->list);
    t->list[t->n++] = new;
    return ERR_OK;
}

void tasks_reminded(struct tasks *t, const char *id)
{
    struct task *task = find(t, id);
    if (task)
        task->reminded = true;
}

/* Looks that no task asks about any more make room. */
static void forget_looks(struct tasks *t, int64_t before_ms)
{
    int kept = 0;
    for (int i = 0; i < t->nlooks; i++)
        if (t->looks[i].at_ms >= before_ms)
            t->looks[kept++] = t->looks[i];
    t->nlooks = kept;
}

void tasks_inspected(struct tasks *t, const char *about, int64_t at_ms, unsigned roles)
{
    forget_looks(t, at_ms - LOOKS_KEPT_DAYS * (int64_t)CLOCK_DAY_MS);
    t->looks = mem_resize(t->looks, (size_t)t->nlooks + 1, sizeof *t->looks);
    struct look *l = &t->looks[t->nlooks++];
    *l = (struct look){.at_ms = at_ms, .roles = roles};
    snprintf(l->about, sizeof l->about, "%s", about);
}

/* --- inspections --- */

const struct inspection *task_inspection(const struct config *c, const char *name)
{
    for (int i = 0; i < c->ninspections; i++)
        if (strcmp(c->inspections[i].name, name) == 0)
            return &c->inspections[i];
    return NULL;
}

bool task_asks(const struct config *c, const struct inspection *n, int k, struct asked *out)
{
    if (n->nchecks) {
        if (k >= n->nchecks)
            return false;
        snprintf(out->name, sizeof out->name, "%.63s", n->checks[k]);
        out->check = config_attest(c, n->checks[k]);
        return true;
    }
    for (int i = 0; i < c->requirements.n; i++) {
        const struct requirement *r = &c->requirements.list[i];
        for (int j = 0; j < r->nchecks; j++)
            if (r->checks[j].kind == CHECK_ATTEST && k-- == 0) {
                snprintf(out->name, sizeof out->name, "%.31s/%.31s", r->name, r->checks[j].name);
                out->check = &r->checks[j];
                return true;
            }
    }
    return false;
}

int64_t task_looked_ms(const struct tasks *t, const struct task *task, const struct asked *a)
{
    for (int i = 0; i < t->nlooks; i++) {
        const struct look *l = &t->looks[i];
        if (l->at_ms >= task->from_ms && l->at_ms < task->due_ms && strcmp(l->about, a->name) == 0 &&
            (!a->check || config_attests(a->check, l->roles)))
            return l->at_ms;
    }
    return 0;
}

static bool is_inspected(const struct tasks *t, const struct config *c, const struct task *task)
{
    const struct inspection *n = task_inspection(c, task->about);
    struct asked a;
    int k = 0;
    while (n && task_asks(c, n, k, &a) && task_looked_ms(t, task, &a))
        k++;
    return n && k && !task_asks(c, n, k, &a);
}

/* The end of the week that runs at now_ms: of its last day. */
static int64_t week_end(const struct config *c, int weekday, int64_t now_ms)
{
    int64_t day_ms = clock_window_start(now_ms, CLOCK_DAY_MS, c->site.zone_min);
    int64_t days = (day_ms + c->site.zone_min * (int64_t)CLOCK_MINUTE_MS) / CLOCK_DAY_MS;
    int today = (int)((days + 3) % WEEK_DAYS); /* 1970-01-01 was a Thursday */
    return day_ms + ((weekday - today + WEEK_DAYS) % WEEK_DAYS + 1) * (int64_t)CLOCK_DAY_MS;
}

static void name_task(const struct config *c, struct task *task)
{
    char day[32];
    clock_text(task->due_ms - 1, c->site.zone_min, day);
    snprintf(task->id, sizeof task->id, "%s%s-%.10s", task->certificate ? "certificate-" : "", task->about,
             day);
}

static struct task inspection_task(const struct config *c, const struct inspection *n, int64_t now_ms)
{
    struct task task = {.due_ms = week_end(c, n->weekday, now_ms)};
    task.from_ms = task.due_ms - WEEK_DAYS * (int64_t)CLOCK_DAY_MS;
    snprintf(task.about, sizeof task.about, "%s", n->name);
    snprintf(task.title_zh, sizeof task.title_zh, "%.190s", n->title_zh);
    snprintf(task.title_en, sizeof task.title_en, "%.190s", n->title_en);
    name_task(c, &task);
    return task;
}

/* --- certificates --- */

static const struct device *device_of(const struct config *c, const char *name)
{
    for (int i = 0; i < c->ndevices; i++)
        if (strcmp(c->devices[i].name, name) == 0)
            return &c->devices[i];
    return NULL;
}

static struct task certificate_task(const struct config *c, const struct device *d)
{
    struct task task = {.certificate = true,
                        .due_ms = d->calibrated_ms,
                        .from_ms = d->calibrated_ms - CALIBRATION_SOON_DAYS * (int64_t)CLOCK_DAY_MS};
    snprintf(task.about, sizeof task.about, "%s", d->name);
    snprintf(task.title_zh, sizeof task.title_zh, "检定证书到期：%.150s", d->title_zh);
    snprintf(task.title_en, sizeof task.title_en, "Certificate ends: %.150s", d->title_en);
    name_task(c, &task);
    return task;
}

/* --- rows --- */

json_t *task_row(const struct task *task, enum task_state step)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:{s:s,s:s}}", "step", states[step], "what",
                     task->certificate ? "certificate" : "inspection", "about", task->about, "from",
                     (json_int_t)task->from_ms, "due", (json_int_t)task->due_ms, "title", "zh",
                     task->title_zh, "en", task->title_en);
}

/* What has fallen due since the last look. */
static bool next_new(const struct tasks *t, const struct config *c, int64_t now_ms, struct task *out)
{
    for (int i = 0; i < c->ninspections; i++) {
        *out = inspection_task(c, &c->inspections[i], now_ms);
        if (!find(t, out->id))
            return true;
    }
    for (int i = 0; i < c->ndevices; i++) {
        if (!c->devices[i].calibrated_ms)
            continue;
        *out = certificate_task(c, &c->devices[i]);
        if (now_ms >= out->from_ms && !find(t, out->id))
            return true;
    }
    return false;
}

/* A certificate is renewed when the site writes a later day. */
static enum task_state certificate_state(const struct config *c, const struct task *task, int64_t now_ms)
{
    const struct device *d = device_of(c, task->about);
    if (!d || !d->calibrated_ms)
        return TASK_DROPPED;
    if (d->calibrated_ms != task->due_ms)
        return d->calibrated_ms > task->due_ms ? TASK_DONE : TASK_DROPPED;
    return now_ms >= task->due_ms ? TASK_MISSED : TASK_DUE;
}

static enum task_state state_now(const struct tasks *t, const struct config *c, const struct task *task,
                                 int64_t now_ms)
{
    if (task->certificate)
        return certificate_state(c, task, now_ms);
    if (!task_inspection(c, task->about))
        return TASK_DROPPED;
    if (is_inspected(t, c, task))
        return TASK_DONE;
    return now_ms >= task->due_ms ? TASK_MISSED : TASK_DUE;
}

json_t *tasks_next(const struct tasks *t, const struct config *c, int64_t now_ms, char id[static 80])
{
    struct task new;
    for (int i = 0; i < t->n; i++) {
        const struct task *task = &t->list[i];
        enum task_state now = task->state == TASK_DONE ? TASK_DONE : state_now(t, c, task, now_ms);
        if (now == task->state || (task->state == TASK_MISSED && now != TASK_DONE) ||
            (task->state == TASK_DROPPED && now != TASK_DUE))
            continue; /* missed it stays, but what was done in time may be told later */
        snprintf(id, 80, "%s", task->id);
        return task_row(task, now);
    }
    if (!next_new(t, c, now_ms, &new))
        return NULL;
    snprintf(id, 80, "%s", new.id);
    return task_row(&new, TASK_DUE);
}
