#include "daemon/acting.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/batches.h"
#include "daemon/commands.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/dustd.h"
#include "daemon/ledger/ledger.h"
#include "daemon/reload.h"

enum { NOBODY_UID = 65534 };

static const char only_root[] = "only root may act as somebody else";

/* Who asks: the person of a command's topic; the person of this user; for root, whom it names with "as".
 * Nobody is anybody whom our user namespace does not know: no person. */
static const struct person *asker(struct dustd *d, uint64_t client, uid_t uid, const char *as, bool *as_root)
{
    *as_root = uid == 0 && !commands_is(client);
    if (commands_is(client))
        return commands_person(d, client);
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
    const struct person *p = asker(d, client, a->uid, NULL, &as_root);
    a->person = p ? p->name : "";
    a->user = commands_user(d, client);
    if (a->uid != 0)
        denied_note(d, clock_site_ms(), clock_wire_us(), a);
    verb_fail(d, client, a->why);
}

const struct person *verb_person(struct dustd *d, uint64_t client, struct attempt *a, const char *as,
                                 bool *as_root)
{
    const struct person *p = asker(d, client, a->uid, as, as_root);
    a->why = as && a->uid != 0 ? only_root
             : p               ? NULL
             : a->uid == 0     ? "root acts for a person: name one with --as"
                               : "your user is no person of this site's configuration: you may read only";
    if (a->why)
        verb_deny(d, client, a);
    return a->why ? NULL : p;
}

void verb_waits(struct dustd *d, uint64_t client, const char *who, int64_t seq, const char *issue)
{
    d->writer.client = client;
    snprintf(d->writer.who, sizeof d->writer.who, "%s", who);
    batch_tell(d, seq, issue, client);
    if (commands_is(client))
        commands_wrote(d, client, seq);
}

void verb_told(struct dustd *d, const struct told *t)
{
    if (d->writer.client == t->client)
        d->writer.client = 0;
    json_t *answer = t->issue[0] ? issue_json(ledger_issue(d->ledger, t->issue), clock_site_ms())
                                 : json_pack("{s:I}", "seq", (json_int_t)t->seq);
    if (t->reply)
        json_object_set_new(answer, "note", json_string(t->reply));
    verb_answer(d, t->client, answer);
}

bool verb_author(struct dustd *d, uint64_t client, uid_t uid, const char *as, const char *what,
                 struct author *by)
{
    char only[128];
    snprintf(only, sizeof only, "%s is for root and for people of the site or the office", what);
    const struct person *p = asker(d, client, uid, as, &by->as_root);
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
