#include "daemon/command.h"

#include "daemon/base/err.h"
#include "daemon/base/schema.h"
#include "daemon/uplink/mqtt.h"

#include <stdio.h>
#include <string.h>

/* What a command is on the control socket: the verb, and the member that names the thing with its value. */
struct shape {
    const char *name, *verb, *member, *value;
    const char *takes; /* NULL: its kind of input says it */
    const char *since; /* of an input: the member that is now when it is absent */
};

static const char act[] = "issue text person due", opening[] = "category place way text person level";

static const struct shape shapes[] = {
    {"issue.open", "open", NULL, NULL, opening, NULL},
    {"issue.confirm", "act", "verb", "confirm", act, NULL},
    {"issue.assign", "act", "verb", "assign", act, NULL},
    {"issue.accept", "act", "verb", "accept", act, NULL},
    {"issue.answer", "act", "verb", "answer", act, NULL},
    {"issue.rectify", "act", "verb", "rectify", act, NULL},
    {"issue.inspect", "act", "verb", "inspect", act, NULL},
    {"issue.return", "act", "verb", "return", act, NULL},
    {"issue.close", "act", "verb", "close", act, NULL},
    {"issue.dismiss", "act", "verb", "dismiss", act, NULL},
    {"issue.note", "act", "verb", "note", act, NULL},
    {COMMAND_PHOTO, "photo_part", NULL, NULL, "issue photo part of data name when text", NULL},
    {"inspect", "input", "kind", "inspection", NULL, "at"},
    {"stage", "input", "kind", "stage", NULL, "from"},
    {"calendar", "input", "kind", "calendar", NULL, "from"},
    {"warning", "input", "kind", "warning", NULL, "from"},
    {"maintain", "input", "kind", "maintenance", NULL, "from"},
    {"event.passage", "input", "kind", "passage", NULL, "at"},
    {"event.camera", "input", "kind", "camera", NULL, "at"},
    {"event.background", "input", "kind", "background", NULL, "from"},
};

enum { NSHAPES = sizeof shapes / sizeof shapes[0] };

static int find_shape(const json_t *message, const struct shape **out, char why[static COMMAND_WHY_SIZE])
{
    const char *name = json_string_value(json_object_get(message, "do")), *names[NSHAPES + 1] = {0};
    for (int i = 0; i < NSHAPES; i++) {
        names[i] = shapes[i].name;
        if (name && strcmp(names[i], name) == 0) {
            *out = &shapes[i];
            return ERR_OK;
        }
    }
    const char *near = name ? schema_suggest(name, names) : NULL;
    int n = near ? snprintf(why, COMMAND_WHY_SIZE, "there is no \"%.40s\"; did you mean \"%s\"? ", name, near)
                 : 0;
    n += snprintf(why + n, COMMAND_WHY_SIZE - (size_t)n, "\"do\" must be one of:");
    for (int i = 0; i < NSHAPES; i++)
        n += snprintf(why + n, COMMAND_WHY_SIZE - (size_t)n, " %s", names[i]);
    return ERR_FORMAT;
}

/* Whether `word` is one of the words. */
static bool is_among(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; length && !strchr(word, ' ') && (at = strstr(at, word)) != NULL;
         at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

/* The members of the command itself stay behind, the others go on. */
static int copy_members(const json_t *message, const struct shape *s, json_t *to,
                        char why[static COMMAND_WHY_SIZE])
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)message, key, value) /* not written: jansson's iterator has no const */
    {
        if (is_among("id expires do", key))
            continue;
        if (s->takes && !is_among(s->takes, key)) {
            snprintf(why, COMMAND_WHY_SIZE, "%s: there is no member \"%.60s\"; it takes: id expires do %s",
                     s->name, key, s->takes);
            return ERR_FORMAT;
        }
        json_object_set(to, key, value);
    }
    return ERR_OK;
}

/* An input keeps the command's id: what comes twice is one. */
static json_t *input_request(const struct command *c, const struct shape *s, json_t *input, int64_t now_ms)
{
    json_object_set_new(input, "id", json_string(c->id));
    if (!json_object_get(input, s->since))
        json_object_set_new(input, s->since, json_integer(now_ms));
    return json_pack("{s:s,s:s,s:o}", "do", s->verb, s->member, s->value, "input", input);
}

static int make_request(const json_t *message, int64_t now_ms, struct command *out,
                        char why[static COMMAND_WHY_SIZE])
{
    const struct shape *s = NULL;
    int error = find_shape(message, &s, why);
    if (error)
        return error;
    json_t *members = json_object();
    error = copy_members(message, s, members, why);
    if (error) {
        json_decref(members);
        return error;
    }
    out->name = s->name;
    if (!s->takes) {
        out->request = input_request(out, s, members, now_ms);
        return ERR_OK;
    }
    json_object_set_new(members, "do", json_string(s->verb));
    if (s->member)
        json_object_set_new(members, s->member, json_string(s->value));
    out->request = members;
    return ERR_OK;
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    return true;
}

static int read_id(const json_t *message, struct command *out, char why[static COMMAND_WHY_SIZE])
{
    const char *id = json_string_value(json_object_get(message, "id"));
    if (id && *id && strlen(id) <= COMMAND_ID_MAX && is_plain(id) &&
        strlen(id) == json_string_length(json_object_get(message, "id"))) {
        snprintf(out->id, sizeof out->id, "%s", id);
        return ERR_OK;
    }
    snprintf(why, COMMAND_WHY_SIZE,
             "needs an \"id\", a text of 1 to %d bytes without blanks, another one for each command",
             COMMAND_ID_MAX);
    return ERR_FORMAT;
}

static int read_expiry(const json_t *message, int64_t now_ms, struct command *out,
                       char why[static COMMAND_WHY_SIZE])
{
    const json_t *expires = json_object_get(message, "expires");
    if (!json_is_integer(expires)) {
        snprintf(why, COMMAND_WHY_SIZE,
                 "needs \"expires\": a time in ms since 1970 at most %d minutes ahead, after which it is not "
                 "to be carried out",
                 COMMAND_AHEAD_MS / 60000);
        return ERR_FORMAT;
    }
    out->expires_ms = json_integer_value(expires);
    return command_check_time(out, now_ms, why);
}

int command_check_time(const struct command *c, int64_t now_ms, char why[static COMMAND_WHY_SIZE])
{
    why[0] = 0;
    if (c->expires_ms <= now_ms)
        snprintf(why, COMMAND_WHY_SIZE, "it has expired: \"expires\" is %lld, now is %lld",
                 (long long)c->expires_ms, (long long)now_ms);
    else if (c->expires_ms > now_ms + COMMAND_AHEAD_MS)
        snprintf(why, COMMAND_WHY_SIZE,
                 "\"expires\" is more than %d minutes ahead: it is %lld, now is %lld; is the sender's clock "
                 "right?",
                 COMMAND_AHEAD_MS / 60000, (long long)c->expires_ms, (long long)now_ms);
    return why[0] ? ERR_RANGE : ERR_OK;
}

/* Only a part of a photo needs more than an input may have. */
static int check_length(const char *text, struct command *c, char why[static COMMAND_WHY_SIZE])
{
    if (command_is_part(c) || strlen(text) <= MQTT_INPUT_MAX)
        return ERR_OK;
    snprintf(why, COMMAND_WHY_SIZE, "%s: longer than %d bytes", c->name, MQTT_INPUT_MAX);
    json_decref(c->request);
    c->request = NULL;
    return ERR_FORMAT;
}

bool command_is_part(const struct command *c)
{
    return strcmp(c->name, COMMAND_PHOTO) == 0;
}

int command_read(const char *text, int64_t now_ms, struct command *out, char why[static COMMAND_WHY_SIZE])
{
    json_error_t fault;
    *out = (struct command){.name = ""};
    why[0] = 0;
    if (!text) {
        snprintf(why, COMMAND_WHY_SIZE, "empty, no text, or longer than %d bytes", MQTT_COMMAND_MAX);
        return ERR_FORMAT;
    }
    json_t *message = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_object(message)) {
        snprintf(why, COMMAND_WHY_SIZE, "not a JSON object%s%.160s", message ? "" : ": ",
                 message ? "" : fault.text);
        json_decref(message);
        return ERR_FORMAT;
    }
    int error = read_id(message, out, why);
    if (!error)
        error = read_expiry(message, now_ms, out, why);
    if (!error)
        error = make_request(message, now_ms, out, why);
    if (!error)
        error = check_length(text, out, why);
    json_decref(message);
    return error;
}
