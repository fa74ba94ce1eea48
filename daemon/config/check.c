/* What settings say about each other. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/broker.h"
#include "daemon/config/input_kind.h"
#include "daemon/config/limits.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>

/* A minute of all points is one journal row and one message of at most 12 KiB: a point takes its name and
 * about this much. */
enum { POINT_BYTES = 96, ROW_BYTES = 12288, HEAD_BYTES = 400, BUSES_MAX = 64 };

static int check_coordinates(const struct loading *l)
{
    const struct config *c = &l->l->c;
    if (isnan(c->site.longitude) == isnan(c->site.latitude))
        return ERR_OK;
    return yaml_complain(l->doc, yaml_get(yaml_root(l->doc), "site"), l->why,
                         "found only one of longitude and latitude; allowed: both or none");
}

/* A raw block without the minute that promises it could not be verified. */
static int check_keeping(const struct loading *l)
{
    const struct config *c = &l->l->c;
    const struct yaml_node *store = yaml_get(yaml_root(l->doc), "store");
    if (c->store.keep_minutes_ms >= c->store.keep_raw_ms)
        return ERR_OK;
    const struct yaml_node *at = yaml_get(store, "keep_minutes");
    return yaml_complain(
        l->doc, at ? at : store, l->why,
        "found minutes kept for a shorter time than raw samples; allowed: keep_minutes of at "
        "least keep_raw");
}

/* Two buses must not fight for one line. */
static int check_buses(const struct loading *l)
{
    const struct config *c = &l->l->c;
    if (c->nbuses > BUSES_MAX)
        return yaml_complain(l->doc, place(l, "buses", c->buses[BUSES_MAX].name, NULL), l->why,
                             "found %d buses; allowed: at most %d, each is a thread", c->nbuses, BUSES_MAX);
    for (int i = 0; i < c->nbuses; i++) {
        const struct bus_config *a = &c->buses[i];
        for (int j = 0; j < i; j++) {
            const struct bus_config *b = &c->buses[j];
            bool rtu = a->transport == TRANSPORT_RTU && b->transport == TRANSPORT_RTU;
            bool net = a->transport != TRANSPORT_RTU && b->transport != TRANSPORT_RTU;
            if (rtu && strcmp(a->path, b->path) == 0)
                return yaml_complain(l->doc, place(l, "buses", a->name, "path"), l->why,
                                     "found the port of bus %s again; allowed: one bus for a port", b->name);
            if (net && strcmp(a->host, b->host) == 0 && a->port == b->port)
                return yaml_complain(l->doc, place(l, "buses", a->name, "host"), l->why,
                                     "found the host and port of bus %s again; allowed: one bus for each",
                                     b->name);
        }
        bool used = false;
        for (int k = 0; k < l->l->ndevices && !used; k++)
            used = strcmp(l->l->devices[k].bus, a->name) == 0;
        if (!used)
            return yaml_complain(l->doc, place(l, "buses", a->name, NULL), l->why,
                                 "found the bus %s without a device; allowed: a bus that a device names",
                                 a->name);
    }
    return ERR_OK;
}

static int check_units(const struct loading *l)
{
    const struct loaded *d = l->l;
    for (int i = 0; i < d->ndevices; i++)
        for (int j = 0; j < i; j++) {
            const struct device_entry *a = &d->devices[i], *b = &d->devices[j];
            if (strcmp(a->bus, b->bus) == 0 && a->device.unit_id == b->device.unit_id)
                return yaml_complain(
                    l->doc, place(l, "devices", a->device.name, "unit_id"), l->why,
                    "found unit_id %d again, device %s on bus %s has it; allowed: each once on a "
                    "bus, 1 to 255",
                    a->device.unit_id, b->device.name, b->bus);
        }
    return ERR_OK;
}

static int check_points(const struct loading *l)
{
    const struct config *c = &l->l->c;
    size_t bytes = HEAD_BYTES;
    int fit = 0, all = config_measured(c);
    for (int i = 0; i < c->npoints; i++) {
        if (c->points[i].point->watch)
            continue; /* it is in no message of a minute */
        bytes += strlen(c->points[i].name) + POINT_BYTES;
        if (bytes <= ROW_BYTES)
            fit++;
        else
            return yaml_complain(
                l->doc, place(l, "devices", c->points[i].device->name, "profile"), l->why,
                "found %d points, more than a minute's message of 12 KiB can hold; allowed: about %d "
                "with these names",
                all, fit);
    }
    return ERR_OK;
}

/* What is for persons only comes in a person's name; he must have the role, which main looks at each time. */
static int check_sources(const struct loading *l)
{
    const struct config *c = &l->l->c;
    for (int i = 0; i < c->nsources; i++) {
        const struct input_source *s = &c->sources[i];
        if (!s->kinds)
            return yaml_complain(l->doc, place(l, "sources", s->name, "kinds"), l->why,
                                 "found no kind; allowed: at least one");
        if (s->person[0] && !config_person(c, s->person))
            return yaml_complain(l->doc, place(l, "sources", s->name, "person"), l->why,
                                 "found %s, who is not in people; allowed: a name in people", s->person);
    }
    return ERR_OK;
}

/* By its name; what the name leads to is looked at when the line is up. */
static bool on_this_machine(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcmp(host, "localhost") == 0;
}

/* Who speaks is known by the topic alone: nobody on the way may write another. */
static int check_commands(const struct loading *l, const struct mqtt_config *m)
{
    const struct config *c = &l->l->c;
    int known = 0;
    for (int i = 0; i < c->npeople; i++)
        known += c->people[i].mqtt_user[0] != 0;
    if (m->commands && !m->ca_file[0] && !on_this_machine(m->host))
        return yaml_complain(l->doc, place(l, "mqtt", m->name, "commands"), l->why,
                             "found commands over a line without TLS to %s; allowed: with ca_file, or from a "
                             "broker on this machine",
                             m->host);
    if (m->commands && !known)
        return yaml_complain(l->doc, place(l, "mqtt", m->name, "commands"), l->why,
                             "found commands, but nobody in people has a mqtt_user; allowed: with at least "
                             "one");
    return ERR_OK;
}

static int check_broker(const struct loading *l, const struct mqtt_config *m)
{
    if (m->password_file[0] && !m->username[0])
        return yaml_complain(l->doc, place(l, "mqtt", m->name, "password_file"), l->why,
                             "found a password_file without username; allowed: both, or username alone");
    if (!m->cert_file[0] != !m->key_file[0])
        return yaml_complain(l->doc, place(l, "mqtt", m->name, m->cert_file[0] ? "cert_file" : "key_file"),
                             l->why, "found only one of cert_file and key_file; allowed: both or none");
    if (m->cert_file[0] && !m->ca_file[0])
        return yaml_complain(
            l->doc, place(l, "mqtt", m->name, "cert_file"), l->why,
            "found a cert_file without ca_file; allowed: with ca_file, which switches TLS on");
    return check_commands(l, m);
}

static int check_brokers(const struct loading *l)
{
    const struct config *c = &l->l->c;
    for (int i = 0; i < c->nmqtt; i++) {
        const struct mqtt_config *a = &c->mqtt[i];
        int error = check_broker(l, a);
        if (error)
            return error;
        for (int j = 0; j < i; j++) {
            const struct mqtt_config *b = &c->mqtt[j];
            if (strcmp(a->host, b->host) == 0 && a->port == b->port &&
                strcmp(a->client_id, b->client_id) == 0)
                return yaml_complain(
                    l->doc, place(l, "mqtt", a->name, "client_id"), l->why,
                    "found broker and client_id of %s again, they would throw each other out; allowed: "
                    "another client_id",
                    b->name);
        }
    }
    return ERR_OK;
}

/* Whether a source may send it, or somebody of these roles may say it. */
static bool can_come(const struct config *c, enum input_kind kind, unsigned roles)
{
    for (int i = 0; i < c->nsources; i++)
        if (c->sources[i].kinds & 1u << kind)
            return true;
    for (int i = 0; i < c->npeople; i++) {
        unsigned has = config_roles(c, &c->people[i]);
        if (has & roles && !(has & ROLES_UNIT))
            return true;
    }
    return false;
}

/* What no meter gives comes later, or never if there is nobody to say it: then the rule can never be judged.
 */
int check_needs(const struct loading *l)
{
    const struct config *c = &l->l->c;
    bool stage = can_come(c, INPUT_STAGE, ROLES_DECIDE),
         background = can_come(c, INPUT_BACKGROUND, ROLES_WITNESS);
    for (int i = 0; i < c->nlimits; i++) {
        const struct limit *limit = &c->limits[i];
        const char *lacks = limit->minus && !background ? "background"
                            : limit->stages && !stage   ? "stage"
                                                        : NULL;
        if (!lacks)
            continue;
        char *file = mem_printf("%.*s", (int)strcspn(limit->id, "/"), limit->id);
        int error = yaml_complain(
            l->doc, place(l, "limits", file, NULL), l->why,
            "found %s, which can never be judged: it needs the %s, and nobody may say it; allowed: with a "
            "source "
            "of the kind %s, or a person of community%s",
            limit->id, limit->minus && !background ? "background of the county" : "stage of the work", lacks,
            limit->minus && !background ? ", office or inspector" : " or office");
        mem_free(file);
        return error;
    }
    return ERR_OK;
}

int check_site(const struct loading *l)
{
    int (*const checks[])(const struct loading *) = {check_coordinates, check_keeping, check_buses,
                                                     check_units,       check_points,  check_people,
                                                     check_sources,     check_brokers, check_channels};
    int error = ERR_OK;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks) && !error; i++)
        error = checks[i](l);
    return error;
}
