/* dustctl: what its verbs share. One verb a file; each is one function that returns an exit code and has
 * already said on standard error why, when that is not 0. */
#ifndef DUST_CTL_H
#define DUST_CTL_H

#include "daemon/ctl/client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ctl {
    /* as given on the command line; NULL or false when not */
    const char *socket, *db, *lang, *from, *to, *window, *heads, *key, *out, *person, *as, *reason, *id;
    const char *state, *kind, *about, *light, *level, *text, *due, *way, *photo; /* issues, issue open */
    const char *devices, *baud, *format, *units, *timeout;                       /* probe */
    bool json, all, rows, samples;
    bool public, record; /* report */
    char *const *words;  /* after the verb */
    int nwords;
    /* learned on the way */
    struct client *client; /* NULL until the first request */
    bool zh;               /* language of what is printed */
    int zone_min;          /* the site's zone */
    bool damaged;          /* the daemon refused: stored data fail their own check */
};

typedef int (*ctl_verb)(struct ctl *c);
int verb_alert(struct ctl *c);
int verb_calendar(struct ctl *c);
int verb_devices(struct ctl *c);
int verb_event(struct ctl *c);
int verb_export(struct ctl *c);
int verb_history(struct ctl *c);
int verb_inspect(struct ctl *c);
int verb_issue(struct ctl *c);
int verb_issues(struct ctl *c);
int verb_maintain(struct ctl *c);
int verb_metrics(struct ctl *c);
int verb_probe(struct ctl *c);
int verb_reload(struct ctl *c);
int verb_report(struct ctl *c);
int verb_requirements(struct ctl *c);
int verb_stage(struct ctl *c);
int verb_status(struct ctl *c);
int verb_tasks(struct ctl *c);
int verb_verify(struct ctl *c);
int verb_warning(struct ctl *c);
int verb_watch(struct ctl *c);

/* One of the two texts. */
const char *say(const struct ctl *c, const char *zh, const char *en)
    __attribute__((format_arg(2), format_arg(3)));

/* The member zh or en of a {"zh","en"} object, or the other when that is empty; never NULL. */
const char *say_title(const struct ctl *c, const json_t *title);

/* A line "dustctl: …" on standard error, control characters shown as '?'. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Connects to the daemon, if nobody has yet. An error is said. */
int ctl_connect(struct ctl *c);

/* Sends a request (its reference is stolen) to the daemon; `each` (or NULL) gets the data lines. The final
 * line, a new reference, when it says ok; else NULL, after a complaint. Learns language and zone from it. */
json_t *ctl_ask(struct ctl *c, json_t *request, client_line each, void *arg);

/* The same with data lines as they are, not parsed (client_ask_text). */
json_t *ctl_ask_text(struct ctl *c, json_t *request, client_line each, void *arg);

/* Takes over "language" (unless --lang said one) and "zone_min", where the object has them. */
void ctl_learn(struct ctl *c, const json_t *object);

/* The member "result" of the answer to `request`, a new reference; NULL after a complaint. */
json_t *ctl_result(struct ctl *c, json_t *request);

/* The same of something that is said or done in the name of --as, if there is one. */
json_t *ctl_result_as(struct ctl *c, json_t *request);

/* The daemon's time, which may be a simulation's. False after a complaint. */
bool ctl_now(struct ctl *c, int64_t *now_ms);

/* Prints a value as one line of JSON. */
void print_json(const json_t *value);

/* Members of an object: 0, "" or false where there is none of that type. */
int64_t int_of(const json_t *object, const char *key);
const char *text_of(const json_t *object, const char *key);
bool is_true(const json_t *object, const char *key);

#endif
