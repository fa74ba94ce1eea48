#include "daemon/inputs.h"

#include "daemon/acting.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/chore.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/dustd.h"
#include "daemon/judge/input.h"
#include "daemon/ledger/ledger.h"
#include "daemon/required.h"
#include "daemon/rows.h"
#include "daemon/service.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"
#include "drivers/device.h"

#include <string.h>

enum {
    SOURCES_PACED = 64,
    SEEN_MOST = 65536, /* identities remembered */
    EVERYTHING = (1 << INPUT__KINDS) - 1,
};

static const struct rate pace = {
    5, 200}; /* messages of a source over MQTT: a backlog at once, then a camera's */

/* An identity, until nothing with it could be accepted any more. */
struct seen {
    uint64_t identity;
    int64_t until_ms;
};

struct inputs {
    struct seen *seen;
    size_t nseen, room, next; /* next: the one to be replaced when all room is used */
    struct bucket paces[SOURCES_PACED];
    uint64_t numbered; /* ids made by ourselves */
};

struct inputs *inputs_create(void)
{
    return mem_new(struct inputs);
}

void inputs_destroy(struct inputs *in)
{
    if (!in)
        return;
    mem_free(in->seen);
    mem_free(in);
}

/* --- what came twice --- */

static bool is_seen(const struct inputs *in, uint64_t identity)
{
    for (size_t i = 0; i < in->nseen; i++)
        if (in->seen[i].identity == identity)
            return true;
    return false;
}

/* In the place of one that is over, else at the end. */
static void see(struct inputs *in, const struct input *i, int64_t now_ms)
{
    int64_t last_ms = i->to_ms == INPUT_OPEN ? i->from_ms : i->to_ms;
    int64_t kept_ms = (INPUT_LATE_DAYS + 1) * (int64_t)CLOCK_DAY_MS;
    struct seen s = {input_identity(i), (last_ms > now_ms ? last_ms : now_ms) + kept_ms};
    size_t at = in->next < in->nseen && in->seen[in->next].until_ms < now_ms ? in->next : in->nseen;
    if (in->nseen == SEEN_MOST)
        at = in->next;
    if (at == in->room) {
        in->room = in->room ? in->room * 2 : 64;
        in->seen = mem_resize(in->seen, in->room, sizeof *in->seen);
    }
    in->nseen += at == in->nseen;
    in->next = at == in->next ? in->next + 1 : in->next;
    in->next = in->next >= SEEN_MOST ? 0 : in->next;
    in->seen[at] = s;
}

/* --- one message --- */

static int check_who(const struct dustd *d, const struct inputs_from *from, enum input_kind kind,
                     struct inputs_said *said)
{
    const char *name = input_kind_str(kind);
    if (!(from->kinds & 1u << kind))
        snprintf(said->text, sizeof said->text, "%s: %s is no source of this kind: see kinds in sources",
                 from->source, name);
    else if (!from->person && !input_machine(kind))
        snprintf(said->text, sizeof said->text, "%s: a %s is a person's word: the source needs a person",
                 from->source, name);
    else if (from->person && !input_may(config_roles(d->config, from->person), kind))
        snprintf(said->text, sizeof said->text, "%s may not say '%s': that is for %s%s", from->person->name,
                 name, input_who(kind),
                 input_may(ROLE_SITE, kind) ? "" : ", and never for the responsible unit itself");
    else
        return ERR_OK;
    return ERR_DENIED;
}

/* What only the configuration knows. */
static int check_about(const struct dustd *d, const struct input *i, struct inputs_said *said)
{
    if (i->kind != INPUT_MAINTENANCE)
        return ERR_OK;
    for (int k = 0; k < d->config->ndevices; k++)
        if (strcmp(d->config->devices[k].name, i->about) == 0)
            return ERR_OK;
    snprintf(said->text, sizeof said->text, "maintenance: there is no device %s", i->about);
    return ERR_FORMAT;
}

/* What is taken all the same, and counts for nothing: who said it must know. */
static void note_about(const struct dustd *d, const struct input *i, struct inputs_said *said)
{
    char near[64];
    if (i->kind != INPUT_INSPECTION || said->text[0] || config_attest(d->config, i->about))
        return;
    bool is_near = config_attest_near(d->config, i->about, near);
    snprintf(said->text, sizeof said->text,
             "inspection: no check of this site is called \"%s\", so it counts for none%s%s%s", i->about,
             is_near ? "; did you mean " : "", near, is_near ? "?" : "");
}

static int64_t append(struct dustd *d, int64_t now_ms, const struct inputs_from *from, const struct input *i)
{
    const char *kind = input_kind_str(i->kind);
    json_t *body = row_begin(d, now_ms, kind, i->source);
    input_json(i, body);
    json_object_set_new(body, "by", json_string(from->person ? from->person->name : from->source));
    if (from->as_root)
        json_object_set_new(body, "as_root", json_true());
    return row_append(d, now_ms, kind, i->source, body);
}

/* Days of work are the ledger's too: check nodes of deadlines are counted in them. */
static void tell_ledger(struct dustd *d, const struct input *i, int64_t at_ms)
{
    if (i->kind == INPUT_CALENDAR)
        ledger_declare(d->ledger, at_ms, i->what, i->from_ms, i->to_ms);
    else if (i->kind == INPUT_STAGE)
        ledger_stage(d->ledger, at_ms, i->what, i->from_ms);
}

int inputs_take(struct dustd *d, const struct inputs_from *from, enum input_kind kind, const json_t *message,
                struct inputs_said *said)
{
    struct input i;
    int64_t now_ms = clock_site_ms();
    *said = (struct inputs_said){0};
    if (d->hold.undated) {
        snprintf(said->text, sizeof said->text, "the clock of this machine is not right yet: ask again");
        return ERR_STATE;
    }
    int error = check_who(d, from, kind, said);
    if (!error)
        error = input_read(kind, message, now_ms, &i, said->text, sizeof said->text);
    if (!error)
        error = check_about(d, &i, said);
    if (error)
        return error;
    note_about(d, &i, said);
    snprintf(i.source, sizeof i.source, "%s", from->source);
    if (!i.id[0])
        snprintf(i.id, sizeof i.id, "%lld-%llu", (long long)now_ms,
                 (unsigned long long)++d->inputs->numbered);
    said->duplicate = is_seen(d->inputs, input_identity(&i));
    if (said->duplicate)
        return ERR_OK;
    said->seq = append(d, now_ms, from, &i);
    if (!said->seq) {
        snprintf(said->text, sizeof said->text,
                 "the disk takes nothing, and nothing more can be kept: say it again");
        return ERR_FULL;
    }
    see(d->inputs, &i, now_ms);
    tell_ledger(d, &i, now_ms);
    required_input(d, &i, config_roles(d->config, from->person));
    if (kind == INPUT_MAINTENANCE)
        service_turn(d, now_ms);
    chore_input(d, &i, config_roles(d->config, from->person));
    return ERR_OK;
}

/* --- over MQTT --- */

static json_t *reply_json(const json_t *message, int error, const struct inputs_said *said)
{
    const char *id = json_string_value(json_object_get(message, "id"));
    json_t *reply = json_pack("{s:b}", "ok", error == ERR_OK);
    if (id)
        json_object_set_new(reply, "id", json_string(id));
    if (error)
        json_object_set_new(reply, "error", json_string(said->text));
    else if (said->text[0])
        json_object_set_new(reply, "note", json_string(said->text));
    if (said->seq)
        json_object_set_new(reply, "seq", json_integer(said->seq));
    if (said->duplicate)
        json_object_set_new(reply, "duplicate", json_true());
    return reply;
}

static int pace_source(struct inputs *in, int source, struct inputs_said *said)
{
    struct bucket *b = &in->paces[source % SOURCES_PACED];
    if (bucket_wait_us(b, pace, clock_wire_us())) {
        snprintf(said->text, sizeof said->text, "busy: more than %d messages a second: say it again later",
                 pace.per_s);
        return ERR_FULL;
    }
    bucket_take(b, pace, clock_wire_us());
    return ERR_OK;
}

/* A message must have an id: without one a repeat could not be told from a second vehicle. */
static int take_message(struct dustd *d, const struct input_source *s, const char *kind_name,
                        const json_t *message, const char *fault, struct inputs_said *said)
{
    enum input_kind kind;
    struct inputs_from from = {s->name, s->person[0] ? config_person(d->config, s->person) : NULL, s->kinds,
                               false};
    *said = (struct inputs_said){0};
    if (input_kind_parse(kind_name, &kind) != ERR_OK)
        snprintf(said->text, sizeof said->text, "there is nothing of the kind \"%.40s\"", kind_name);
    else if (!message)
        snprintf(said->text, sizeof said->text, "not JSON: %.160s", fault);
    else if (!json_is_string(json_object_get(message, "id")))
        snprintf(said->text, sizeof said->text, "needs an \"id\", another one for each message");
    else if (pace_source(d->inputs, (int)(s - d->config->sources), said) == ERR_OK)
        return inputs_take(d, &from, kind, message, said);
    return ERR_FORMAT;
}

void inputs_reply(struct dustd *d, const char *source, const char *reply)
{
    char topic[64];
    snprintf(topic, sizeof topic, "reply/%s", source);
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->config->mqtt[i].inputs && d->uplinks[i].connected)
            mqtt_say(d->uplinks[i].mqtt, topic, reply);
}

void inputs_message(struct dustd *d, int uplink, const char *topic, const char *payload)
{
    char kind[32];
    const char *slash = strchr(topic, '/');
    const struct input_source *s = slash ? config_source(d->config, slash + 1) : NULL;
    if (!s || (size_t)(slash - topic) >= sizeof kind) {
        log_warning("broker %s: a message on in/%.80s, which is no source of ours",
                    d->uplinks[uplink].own->name, topic);
        return;
    }
    snprintf(kind, sizeof kind, "%.*s", (int)(slash - topic), topic);
    struct inputs_said said;
    json_error_t fault;
    json_t *message = json_loads(payload, JSON_REJECT_DUPLICATES, &fault);
    int error = take_message(d, s, kind, message, fault.text, &said);
    json_t *reply = reply_json(message, error, &said);
    char *text = json_dumps(reply, JSON_COMPACT);
    if (error)
        log_warning("source %s: %s refused: %s", s->name, kind, said.text);
    if (said.seq) {
        batch_reply(d, said.seq, s->name, text);
    } else {
        inputs_reply(d, s->name, text);
        mem_free(text);
    }
    json_decref(reply);
    json_decref(message);
}

/* --- over the control socket --- */

void inputs_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    enum input_kind kind;
    struct inputs_said said;
    struct inputs_from from = {.kinds = EVERYTHING};
    const char *name = json_string_value(json_object_get(request, "kind"));
    const json_t *message = json_object_get(request, "input");
    if (!name || !message || input_kind_parse(name, &kind) != ERR_OK) {
        verb_fail(d, client, "needs an \"input\" and a known \"kind\"");
        return;
    }
    struct attempt attempt = {.uid = uid, .did = "input", .about = name};
    from.person =
        verb_person(d, client, &attempt, json_string_value(json_object_get(request, "as")), &from.as_root);
    if (!from.person)
        return;
    from.source = from.person->name;
    int rc = inputs_take(d, &from, kind, message, &said);
    attempt.why = said.text;
    if (rc == ERR_DENIED) {
        verb_deny(d, client, &attempt);
    } else if (rc != ERR_OK) {
        verb_fail(d, client, said.text);
    } else if (said.duplicate) {
        verb_answer(d, client, json_pack("{s:b}", "duplicate", 1));
    } else {
        verb_waits(d, client, from.source, said.seq, "");
        batch_note(d, said.seq, said.text);
    }
}

/* --- at start --- */

/* Roles and organisation are those that the person has today. */
static void restore_one(struct dustd *d, const struct input *i, int64_t at_ms, const char *by)
{
    const struct person *p = by ? config_person(d->config, by) : NULL;
    see(d->inputs, i, at_ms);
    tell_ledger(d, i, at_ms);
    required_known(d, i, config_roles(d->config, p), at_ms);
    chore_input(d, i, config_roles(d->config, p));
}

static void restore_input(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    struct input i = {0};
    enum input_kind kind;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    if (body && input_kind_parse(row->kind, &kind) == ERR_OK && input_restore(kind, body, &i) == ERR_OK)
        restore_one(d, &i, row->at_ms, json_string_value(json_object_get(body, "by")));
    else if (row->body)
        log_error("row %lld is no %s of ours; it is left out", (long long)row->seq, row->kind);
    json_decref(body);
}

int inputs_scan(struct dustd *d)
{
    int rc = ERR_OK;
    for (int k = 0; k < INPUT__KINDS && rc == ERR_OK; k++)
        rc = store_scan_rows(d->store, input_kind_str((enum input_kind)k), INT64_MIN, restore_input, d);
    return rc == ERR_OK ? required_scan(d) : rc;
}
