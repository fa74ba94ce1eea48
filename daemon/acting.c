#include "daemon/acting.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"

enum { NOBODY_UID = 65534 };

static const char only_root[] = "only root may act as somebody else";

/* Who asks: the person of this user; for root, whom it names with "as". Nobody is anybody whom our user
 * namespace does not know: no person. */
static const struct person *who(struct dustd *d, uid_t uid, const char *as, bool *as_root)
{
    *as_root = uid == 0;
    if (uid == 0)
        return as ? config_person(d->config, as) : NULL;
    if (uid == (uid_t)-1 || uid == NOBODY_UID)
        return NULL;
    for (int i = 0; i < d->config->npeople; i++)
        if (d->person_uid[i] == uid)
            return &d->config->people[i];
    return NULL;
}

void verb_deny(struct dustd *d, uint64_t client, struct attempt *a)
{
    bool as_root;
    const struct person *p = who(d, a->uid, NULL, &as_root);
    a->person = p ? p->name : "";
    if (a->uid != 0)
        denied_note(d, clock_site_ms(), clock_wire_us(), a);
    verb_fail(d, client, a->why);
}

/* The step's row; whoever asked is told when it is on the disk. */
static void write_step(struct dustd *d, uint64_t client, int64_t now_ms, const struct act *a, char *body)
{
    char id[32];
    snprintf(id, sizeof id, "%s", a->issue);
    d->writer.client = client;
    snprintf(d->writer.who, sizeof d->writer.who, "%s", a->by->name);
    int64_t seq = row_step(d, now_ms, id, body);
    if (seq)
        batch_tell(d, seq, id, client);
    else
        verb_fail(d, client,
                  "the disk takes nothing, and nothing more can be kept: try again when it has room");
}

const struct person *verb_person(struct dustd *d, uint64_t client, struct attempt *a, const char *as,
                                 bool *as_root)
{
    const struct person *p = who(d, a->uid, as, as_root);
    a->why = as && a->uid != 0 ? only_root
             : p               ? NULL
             : a->uid == 0     ? "root acts for a person: name one with --as"
                               : "your user is no person of this site's configuration: you may read only";
    if (a->why)
        verb_deny(d, client, a);
    return a->why ? NULL : p;
}

void act_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    struct act a = {.issue = json_string_value(json_object_get(request, "issue")),
                    .text = json_string_value(json_object_get(request, "text")),
                    .person = json_string_value(json_object_get(request, "person")),
                    .due_ms = json_integer_value(json_object_get(request, "due"))};
    const char *as = json_string_value(json_object_get(request, "as"));
    char why[400] = "", did[32], *body = NULL;
    if (!a.issue || !verb || verb_parse(verb, &a.verb) != ERR_OK) {
        verb_fail(d, client, "needs \"issue\" and a known \"verb\"");
        return;
    }
    snprintf(did, sizeof did, "act %s", verb);
    struct attempt attempt = {.uid = uid, .did = did, .about = a.issue};
    a.by = verb_person(d, client, &attempt, as, &a.as_root);
    if (!a.by)
        return;
    if (d->hold.undated) {
        verb_fail(d, client, "the clock of this machine is not right yet: a step would have no date");
        return;
    }
    int64_t now_ms = clock_site_ms();
    int rc = ledger_act(d->ledger, now_ms, &a, &body, why, sizeof why);
    attempt.why = why;
    if (rc == ERR_DENIED)
        verb_deny(d, client, &attempt);
    else if (rc != ERR_OK)
        verb_fail(d, client, why);
    else
        write_step(d, client, now_ms, &a, body);
}

void verb_told(struct dustd *d, const struct told *t)
{
    if (d->writer.client == t->client)
        d->writer.client = 0;
    verb_answer(d, t->client,
                t->issue[0] ? issue_json(ledger_issue(d->ledger, t->issue), clock_site_ms())
                            : json_pack("{s:I}", "seq", (json_int_t)t->seq));
}

bool verb_author(struct dustd *d, uint64_t client, uid_t uid, const char *as, const char *what,
                 struct author *by)
{
    char only[128];
    snprintf(only, sizeof only, "%s is for root and for people of the site or the office", what);
    const struct person *p = who(d, uid, as, &by->as_root);
    by->name = p ? p->name : "root";
    by->as_root = by->as_root && p;
    const char *why = as && uid != 0 ? only_root
                      : as && !p     ? "there is no person of that name in the configuration"
                      : uid != 0 && !(p && p->roles & (ROLE_SITE | ROLE_OFFICE)) ? only
                                                                                 : NULL;
    if (why)
        verb_deny(d, client, &(struct attempt){.uid = uid, .did = what, .about = as ? as : "", .why = why});
    return !why;
}

void reload_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    struct author by;
    struct reloaded r;
    struct complaint why;
    if (!verb_author(d, client, uid, json_string_value(json_object_get(request, "as")), "reloading", &by))
        return;
    char *name = mem_string(by.name); /* the person is of the configuration that goes */
    by.name = name;
    if (reload(d, &by, &r, &why) == ERR_OK)
        verb_answer(d, client,
                    json_pack("{s:b,s:{s:i,s:i},s:{s:i,s:i}}", "changed", r.changed, "buses", "of", r.buses,
                              "kept", r.buses_kept, "mqtt", "of", r.brokers, "kept", r.brokers_kept));
    else
        verb_fail(d, client, why.text);
    mem_free(name);
}
