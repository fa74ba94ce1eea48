/* Tasks: what falls due by the calendar alone. An inspection (一周一检查, config: `inspections:`) falls due
 * each week and is done once its checks have been looked at in that week; a meter's certificate is a task
 * from 30 days before it ends. A task is what its rows make it (kind "task"), as an issue is. Pure; main
 * thread. */
#ifndef DUST_TASK_H
#define DUST_TASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct config;

enum task_state { TASK_DUE, TASK_DONE, TASK_MISSED, TASK_DROPPED }; /* dropped: no longer asked for */

struct task {
    char id[80];    /* "weekly-2026-09-18": what, and the last day */
    char about[32]; /* inspection.name or device.name */
    bool certificate;
    enum task_state state;
    int64_t from_ms, due_ms, ended_ms; /* what is done in [from, due) counts; ended 0: not yet */
    char title_zh[200], title_en[200];
    bool reminded;
};

struct tasks;

/* No task yet. The caller's (tasks_destroy). */
struct tasks *tasks_create(void);
void tasks_destroy(struct tasks *t); /* accepts NULL */

/* A row of kind "task", written now or read at start. ERR_FORMAT: none of ours; nothing changes. */
int tasks_apply(struct tasks *t, const char *id, const json_t *body);

/* An alert row about a task: nobody is reminded again. */
void tasks_reminded(struct tasks *t, const char *id);

/* Somebody with `roles` has inspected `about` ("<requirement>/<check>"), or says so now. */
void tasks_inspected(struct tasks *t, const char *about, int64_t at_ms, unsigned roles);

/* The next row that is due: {"step":"due|done|missed|dropped","what":"inspection|certificate","about","from",
 * "due","title":{zh,en}}; a new reference, `id` is its subject. NULL: none. Apply it and ask again. */
json_t *tasks_next(const struct tasks *t, const struct config *c, int64_t now_ms, char id[static 80]);

/* The next reminder that is due, as members of an alert row (step "task"); NULL: none. */
json_t *tasks_reminder(const struct tasks *t, const struct config *c, int64_t now_ms, char id[static 80]);

/* The finding for a task that was missed: kind "task", one open issue for each inspection or device, which
 * the next one that is done closes. False: nobody answers for it. Texts are kept in `texts`. */
struct finding;
struct task_texts {
    char zh[300], en[300];
};
bool tasks_finding(const struct tasks *t, const struct config *c, const char *id, struct task_texts *texts,
                   struct finding *f);

/* What is to be done, and what became of it in the last 14 days: list of {"id","what","about","title","from",
 * "due","state","light","ended","checks":[{"check","title","looked":ms}]}, the first due first. A new
 * reference. */
json_t *tasks_json(const struct tasks *t, const struct config *c, int64_t now_ms);

const char *task_state_str(enum task_state s); /* "due" */
const struct task *tasks_find(const struct tasks *t, const char *id);

#endif
