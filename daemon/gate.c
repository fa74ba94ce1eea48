#include "daemon/gate.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/commands.h"
#include "daemon/control.h"
#include "daemon/dustd.h"

#include <string.h>

static bool is_of_type(const json_t *value, enum member_type type)
{
    return type == TEXT     ? json_is_string(value)
           : type == NUMBER ? json_is_integer(value)
           : type == OBJECT ? json_is_object(value)
                            : json_is_boolean(value);
}

static const struct member *find_member(const struct verb_row *v, const char *name)
{
    for (int i = 0; i < MEMBERS_MAX && v->takes[i].name; i++)
        if (strcmp(v->takes[i].name, name) == 0)
            return &v->takes[i];
    return NULL;
}

/* ERR_FORMAT with `why`: a member that the verb does not take, or of another type. */
static int check_members(const struct verb_row *v, json_t *request, char *why, size_t why_size)
{
    static const char *const types[] = {
        [TEXT] = "a text", [NUMBER] = "a whole number", [FLAG] = "true or false", [OBJECT] = "a JSON object"};
    const char *name;
    json_t *value;
    json_object_foreach(request, name, value)
    {
        const struct member *m = find_member(v, name);
        if (strcmp(name, "do") == 0 || (m && is_of_type(value, m->type)))
            continue;
        if (m) {
            snprintf(why, why_size, "%s: \"%s\" must be %s", v->name, name, types[m->type]);
            return ERR_FORMAT;
        }
        int n = snprintf(why, why_size, "%s: there is no member \"%.60s\"%s", v->name, name,
                         v->takes[0].name ? "; it takes:" : " here");
        for (int i = 0; i < MEMBERS_MAX && v->takes[i].name; i++)
            n += snprintf(why + n, why_size - (size_t)n, " %s", v->takes[i].name);
        return ERR_FORMAT;
    }
    return ERR_OK;
}

int gate_admit(struct dustd *d, const struct verb_row *v, uint64_t client, uid_t uid, json_t *request,
               struct rate_refusal *why)
{
    const struct rate_asker who = {client, uid, clock_wire_us()};
    int rc =
        commands_is(client) ? ERR_OK : rate_ask(&d->rates, v->class, &who, why); /* they have their own */
    if (rc != ERR_OK) {
        control_pause(d->control, client, why->wait_us);
        return rc;
    }
    rc = check_members(v, request, why->text, sizeof why->text);
    if (rc == ERR_OK && v->class == RATE_WRITE && d->writer.client) {
        snprintf(why->text, sizeof why->text, "busy: %s waits for the commit of a step: one writes at a time",
                 d->writer.who);
        rc = ERR_STATE;
    }
    return rc;
}
