#include "daemon/commands.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/utf8.h"
#include "daemon/command.h"
#include "daemon/commands_seen.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/dustd.h"
#include "daemon/rows.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <string.h>

enum { USER_MAX = 64, BROKER_MAX = 64, UNKNOWN_KEY = 1 };

/* Who asked, and what is to be told to whom. */
struct asking {
    char user[USER_MAX + 1]; /* as the topic has it; longer ones are nobody's */
    char broker[BROKER_MAX + 1];
    struct command command;
};

struct commands {
    struct asking queue[COMMANDS_WAITING]; /* in the order in which they came */
    int waiting;
    struct asking now; /* being carried out */
    uint64_t client;   /* its number; 0: none is */
    int64_t wrote;     /* the row it became; 0: none yet */
    uint64_t given;
    struct commands_seen seen;
    struct rate_book rates;
    struct bucket said; /* lines in the log */
    uint64_t carried_out, refused, unanswered;
    char why[160]; /* of the last one that was refused */
};

static const struct rate log_pace = {1, 10};

struct commands *commands_create(void)
{
    return mem_new(struct commands);
}

static void finish(struct asking *a)
{
    json_decref(a->command.request);
    a->command.request = NULL;
}

void commands_destroy(struct commands *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->waiting; i++)
        finish(&c->queue[i]);
    finish(&c->now);
    seen_finish(&c->seen);
    mem_free(c);
}

/* --- answers --- */

/* What quotes somebody may be cut within a character. */
static json_t *text_json(const char *text)
{
    char *copy = mem_string(text), *at = copy;
    for (size_t left = strlen(copy); left;) {
        uint32_t code;
        size_t n = utf8_next(at, left, &code);
        if (!n)
            *at = '?';
        at += n ? n : 1;
        left -= n ? n : 1;
    }
    json_t *json = json_string(copy);
    mem_free(copy);
    return json;
}

static int find_broker(const struct dustd *d, const char *name)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if (strcmp(d->config->mqtt[i].name, name) == 0)
            return i;
    return -1;
}

/* To the broker it came from: what others keep apart there is not known. Takes the reply. */
static void reply(struct dustd *d, const struct asking *a, json_t *json)
{
    char topic[USER_MAX + 8];
    int i = find_broker(d, a->broker);
    if (a->command.id[0])
        json_object_set_new(json, "id", json_string(a->command.id));
    char *text = json_dumps(json, JSON_COMPACT);
    snprintf(topic, sizeof topic, "reply/%s", a->user);
    if (i >= 0 && d->uplinks[i].connected && a->user[0])
        mqtt_say(d->uplinks[i].mqtt, topic, text);
    mem_free(text);
    json_decref(json);
}

/* A number for the pace of a user; all who are nobody share one. */
static uint32_t pace_key(const struct dustd *d, const char *user)
{
    return config_person_at_broker(d->config, user) ? (uint32_t)seen_key(user, "") | 2u : UNKNOWN_KEY;
}

/* One for each `class`: RATE_WRITE commands, RATE_PAGE parts of photos, RATE_READ refusals that are answered.
 */
static int pace(struct dustd *d, const struct asking *a, enum rate_class class, struct rate_refusal *why)
{
    uint32_t key = pace_key(d, a->user);
    const struct rate_asker who = {key, key, clock_wire_us()};
    return rate_ask(&d->commands->rates, class, &who, why);
}

static void count_refusal(struct dustd *d, const struct asking *a, const char *why)
{
    struct commands *c = d->commands;
    c->refused++;
    snprintf(c->why, sizeof c->why, "%s", why);
    c->why[utf8_cut(c->why, strlen(c->why), sizeof c->why - 1)] = 0;
    if (bucket_wait_us(&c->said, log_pace, clock_wire_us()))
        return;
    bucket_take(&c->said, log_pace, clock_wire_us());
    log_warning("broker %s: command of %s refused, %llu by now: %s", a->broker, *a->user ? a->user : "nobody",
                (unsigned long long)c->refused, why);
}

/* Refused before it was carried out; `repeats` is the row that it has become before, 0 none. */
static void refuse(struct dustd *d, const struct asking *a, const char *why, int64_t repeats)
{
    struct rate_refusal often;
    count_refusal(d, a, why);
    if (pace(d, a, RATE_READ, &often) != ERR_OK) {
        d->commands->unanswered++;
        return;
    }
    json_t *json = json_pack("{s:b,s:o}", "ok", 0, "error", text_json(why));
    if (repeats)
        json_object_set_new(json, "repeats", json_integer(repeats));
    reply(d, a, json);
}

/* --- what comes in --- */

static bool is_repeated(struct dustd *d, const struct asking *a, char why[static COMMAND_WHY_SIZE],
                        int64_t *row)
{
    const struct commands *c = d->commands;
    const struct asking *same = NULL;
    *row = seen_row(&c->seen, a->user, a->command.id);
    for (int i = 0; i < c->waiting; i++)
        if (strcmp(c->queue[i].user, a->user) == 0 && strcmp(c->queue[i].command.id, a->command.id) == 0)
            same = &c->queue[i];
    if (c->client && strcmp(c->now.user, a->user) == 0 && strcmp(c->now.command.id, a->command.id) == 0)
        same = &c->now;
    if (*row)
        snprintf(why, COMMAND_WHY_SIZE,
                 "repeated: a command with this id has become row %lld; another one takes another id",
                 (long long)*row);
    else if (same)
        snprintf(why, COMMAND_WHY_SIZE, "repeated: a command with this id waits for its turn");
    return *row || same;
}

/* What is wrong with it beside what it says. NULL: nothing. */
static const char *objection(struct dustd *d, const struct asking *a, bool retained,
                             struct rate_refusal *often)
{
    if (!config_person_at_broker(d->config, a->user))
        return "nobody in people has this mqtt_user";
    if (pace(d, a, command_is_part(&a->command) ? RATE_PAGE : RATE_WRITE, often) != ERR_OK)
        return often->text;
    if (retained)
        return "retained: a command is carried out once; send it without the retained flag, and clear its "
               "topic";
    if (d->hold.undated)
        return "the clock of this machine is not right yet: whether it has expired is not known";
    if (d->commands->waiting == COMMANDS_WAITING || !seen_has_room(&d->commands->seen, clock_site_ms()))
        return "busy: too many commands wait: send it again later, with the same id";
    return NULL;
}

void commands_message(struct dustd *d, int uplink, const struct mqtt_event *e)
{
    struct asking a = {.user = ""};
    struct rate_refusal often;
    char why[COMMAND_WHY_SIZE];
    int64_t row = 0;
    snprintf(a.broker, sizeof a.broker, "%s", d->uplinks[uplink].own->name);
    if (strlen(e->text) <= USER_MAX)
        memcpy(a.user, e->text, strlen(e->text));
    int error = command_read(e->payload, clock_site_ms(), &a.command, why);
    const char *against = objection(d, &a, e->limit, &often);
    if (!against && (error || is_repeated(d, &a, why, &row)))
        against = why;
    if (against) {
        refuse(d, &a, against, row);
        finish(&a);
        return;
    }
    d->commands->queue[d->commands->waiting++] = a;
}

void commands_guarded(struct dustd *d, int uplink, const struct mqtt_event *e)
{
    struct uplink_now *u = &d->uplinks[uplink];
    u->commands = (enum mqtt_commands)e->limit;
    snprintf(u->commands_why, sizeof u->commands_why, "%s", e->text);
}

/* --- carrying out --- */

static struct asking take_out(struct commands *c, int i)
{
    struct asking a = c->queue[i];
    c->waiting--;
    memmove(&c->queue[i], &c->queue[i + 1], (size_t)(c->waiting - i) * sizeof a);
    return a;
}

static enum mqtt_commands guard_of(const struct dustd *d, const struct asking *a)
{
    int i = find_broker(d, a->broker);
    return i < 0 ? COMMANDS_UNSAFE : d->uplinks[i].connected ? d->uplinks[i].commands : COMMANDS_CHECKING;
}

/* The verb answers at once, or once its row is on the disk. */
static void carry_out(struct dustd *d, const struct asking *a)
{
    struct commands *c = d->commands;
    c->now = *a;
    c->wrote = 0;
    c->client = COMMAND_CLIENT | ++c->given;
    verb_request(c->client, (uid_t)-1, c->now.command.request, d);
}

/* One that has waited for too long, or of a broker that turned out open, is refused; else carried out. */
static void settle(struct dustd *d, const struct asking *a, enum mqtt_commands guard)
{
    char why[COMMAND_WHY_SIZE];
    if (command_check_time(&a->command, clock_site_ms(), why) == ERR_OK && guard == COMMANDS_CLOSED) {
        carry_out(d, a);
        return;
    }
    struct asking copy = *a;
    if (!why[0])
        snprintf(why, sizeof why, "commands are not taken from this broker: %s",
                 guard == COMMANDS_OPEN ? "its ACL lets anybody write below cmd/" : "its line is not safe");
    refuse(d, &copy, why, 0);
    finish(&copy);
}

void commands_turn(struct dustd *d)
{
    struct commands *c = d->commands;
    char why[COMMAND_WHY_SIZE];
    for (int i = 0; i < c->waiting && !d->writer.client && !c->client;) {
        enum mqtt_commands guard = guard_of(d, &c->queue[i]);
        bool over = command_check_time(&c->queue[i].command, clock_site_ms(), why) != ERR_OK;
        if (!over && (guard == COMMANDS_CHECKING || guard == COMMANDS_OFF)) {
            i++;
            continue;
        }
        struct asking a = take_out(c, i);
        settle(d, &a, guard);
    }
}

/* --- for the verbs --- */

bool commands_is(uint64_t client)
{
    return client & COMMAND_CLIENT;
}

const char *commands_user(const struct dustd *d, uint64_t client)
{
    return commands_is(client) && client == d->commands->client ? d->commands->now.user : "";
}

const struct person *commands_person(const struct dustd *d, uint64_t client)
{
    return config_person_at_broker(d->config, commands_user(d, client));
}

void commands_wrote(struct dustd *d, uint64_t client, int64_t seq)
{
    struct commands *c = d->commands;
    const struct person *p = commands_person(d, client);
    int64_t now_ms = clock_site_ms();
    if (!p)
        return;
    c->wrote = seq;
    seen_add(&c->seen, c->now.user, c->now.command.id, c->now.command.expires_ms, seq);
    json_t *body = row_begin(d, now_ms, "command", p->name);
    json_object_set_new(body, "id", json_string(c->now.command.id));
    json_object_set_new(body, "do", json_string(c->now.command.name));
    json_object_set_new(body, "user", text_json(c->now.user));
    json_object_set_new(body, "broker", json_string(c->now.broker));
    json_object_set_new(body, "expires", json_integer(c->now.command.expires_ms));
    json_object_set_new(body, "row", json_integer(seq));
    row_append(d, now_ms, "command", p->name, body);
}

/* {"ok","error"} or {"ok","result","seq"}: what else the control socket says is not for here. */
void commands_finish(struct dustd *d, uint64_t client, json_t *final)
{
    struct commands *c = d->commands;
    if (client != c->client) { /* of a run of ours before: cannot be */
        json_decref(final);
        return;
    }
    bool ok = json_is_true(json_object_get(final, "ok"));
    json_t *json = json_pack("{s:b}", "ok", ok);
    json_object_set(json, ok ? "result" : "error", json_object_get(final, ok ? "result" : "error"));
    if (c->wrote)
        json_object_set_new(json, "seq", json_integer(c->wrote));
    if (ok)
        c->carried_out++;
    else
        count_refusal(d, &c->now, json_string_value(json_object_get(final, "error")));
    reply(d, &c->now, json);
    json_decref(final);
    finish(&c->now);
    c->client = 0;
}

/* --- at start, and how it is --- */

static void restore(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const char *user = json_string_value(json_object_get(body, "user"));
    const char *id = json_string_value(json_object_get(body, "id"));
    json_int_t expires_ms = json_integer_value(json_object_get(body, "expires"));
    if (user && id)
        seen_add(&d->commands->seen, user, id, expires_ms, json_integer_value(json_object_get(body, "row")));
    json_decref(body);
}

/* A day more than any can be valid: the clock may have been set back. */
int commands_scan(struct dustd *d)
{
    return store_scan_rows(d->store, "command", clock_site_ms() - CLOCK_DAY_MS, restore, d);
}

json_t *commands_json(const struct dustd *d)
{
    const struct commands *c = d->commands;
    bool taken = false;
    for (int i = 0; i < d->config->nmqtt; i++)
        taken = taken || d->config->mqtt[i].commands;
    if (!taken)
        return NULL;
    json_t *json =
        json_pack("{s:i,s:I,s:I,s:I}", "waiting", c->waiting, "carried_out", (json_int_t)c->carried_out,
                  "refused", (json_int_t)c->refused, "unanswered", (json_int_t)c->unanswered);
    if (c->why[0])
        json_object_set_new(json, "why", text_json(c->why));
    return json;
}

const char *commands_state_str(enum mqtt_commands is)
{
    static const char *const names[] = {[COMMANDS_OFF] = "off",
                                        [COMMANDS_CHECKING] = "checking",
                                        [COMMANDS_OPEN] = "open",
                                        [COMMANDS_CLOSED] = "closed",
                                        [COMMANDS_UNSAFE] = "unsafe"};
    return names[is];
}
