#include "daemon/config/change.h"

#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/config/broker.h"
#include "daemon/config/channel.h"
#include "daemon/config/config.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool same_point(const struct point *a, const struct point *b)
{
    return same_text(a->name, b->name) && same_text(a->unit, b->unit) && a->table == b->table &&
           a->address == b->address && a->type == b->type && a->order == b->order && a->bit == b->bit &&
           a->scale == b->scale && a->offset == b->offset && same_number(a->low, b->low) &&
           same_number(a->high, b->high) && same_number(a->spike, b->spike) && a->period_ms == b->period_ms &&
           a->watch == b->watch && a->ninvalid == b->ninvalid &&
           memcmp(a->invalid, b->invalid, (size_t)a->ninvalid * sizeof *a->invalid) == 0;
}

static bool same_profile(const struct profile *a, const struct profile *b)
{
    if (a->turnaround_ms != b->turnaround_ms || a->timeout_ms != b->timeout_ms ||
        a->max_registers != b->max_registers || a->npoints != b->npoints)
        return false;
    for (int i = 0; i < a->npoints; i++)
        if (!same_point(&a->points[i], &b->points[i]))
            return false;
    return true;
}

static bool same_unit(const struct device *a, const struct device *b)
{
    return same_text(a->name, b->name) && a->unit_id == b->unit_id && same_profile(a->profile, b->profile);
}

static bool same_line(const struct bus_config *a, const struct bus_config *b)
{
    return same_text(a->name, b->name) && a->transport == b->transport && same_text(a->path, b->path) &&
           same_text(a->host, b->host) && a->port == b->port && a->baud == b->baud &&
           a->parity == b->parity && a->data_bits == b->data_bits && a->stop_bits == b->stop_bits &&
           a->turnaround_ms == b->turnaround_ms && a->timeout_ms == b->timeout_ms &&
           a->timeout_floor_ms == b->timeout_floor_ms && a->rs485 == b->rs485 && a->echo == b->echo &&
           a->connect_ms == b->connect_ms && a->half_open_ms == b->half_open_ms &&
           a->keepalive_s == b->keepalive_s;
}

/* Also read as often. */
static bool same_schedule(const struct device *a, const struct device *b)
{
    return same_unit(a, b) && a->period_ms == b->period_ms;
}

bool same_bus(const struct bus_config *a, const struct bus_config *b)
{
    if (!same_line(a, b) || a->ndevices != b->ndevices)
        return false;
    for (int i = 0; i < a->ndevices; i++)
        if (!same_schedule(a->devices[i], b->devices[i]))
            return false;
    return true;
}

bool same_broker(const struct mqtt_config *a, const struct mqtt_config *b)
{
    return same_text(a->name, b->name) && same_text(a->host, b->host) && a->port == b->port &&
           same_text(a->client_id, b->client_id) && same_text(a->username, b->username) &&
           same_text(a->password_file, b->password_file) && same_text(a->ca_file, b->ca_file) &&
           same_text(a->cert_file, b->cert_file) && same_text(a->key_file, b->key_file) &&
           a->keepalive_s == b->keepalive_s && a->mqtt5 == b->mqtt5;
}

bool same_channel(const struct channel_config *a, const struct channel_config *b)
{
    return same_text(a->name, b->name) && a->kind == b->kind && same_text(a->url_file, b->url_file) &&
           same_text(a->secret_file, b->secret_file) && same_text(a->ca_file, b->ca_file) &&
           same_text(a->host, b->host) && a->port == b->port && a->tls == b->tls &&
           same_text(a->username, b->username) && same_text(a->password_file, b->password_file) &&
           same_text(a->from, b->from) && same_text(a->broker, b->broker);
}

bool needs_restart(const struct config *was, const struct config *is, char *text, size_t size)
{
    char sizes[4][32];
    const struct {
        const char *key, *was, *is;
    } fixed[] = {
        {"site.name", was->site.name, is->site.name},
        {"store.dir", was->store.dir, is->store.dir},
        {"store.max_size", size_text(was->store.max_size, sizes[0]), size_text(is->store.max_size, sizes[1])},
        {"store.ballast", size_text(was->store.ballast, sizes[2]), size_text(is->store.ballast, sizes[3])},
        {"control_socket", was->control_socket, is->control_socket},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (same_text(fixed[i].was, fixed[i].is))
            continue;
        snprintf(text, size, "%s is \"%.100s\" while dustd runs, found \"%.100s\"; a restart is needed",
                 fixed[i].key, fixed[i].was, fixed[i].is);
        return true;
    }
    if (was->site.zone_min == is->site.zone_min)
        return false;
    snprintf(text, size, "site.zone is %+d min from UTC while dustd runs, found %+d min; a restart is needed",
             was->site.zone_min, is->site.zone_min);
    return true;
}

int *points_before(const struct config *was, const struct config *is)
{
    int *before = mem_array((size_t)is->npoints, sizeof *before);
    for (int i = 0; i < is->npoints; i++) {
        const struct config_point *p = &is->points[i];
        before[i] = -1;
        for (int k = 0; k < was->npoints; k++)
            if (same_text(was->points[k].name, p->name) && same_point(was->points[k].point, p->point))
                before[i] = k;
    }
    return before;
}

int *buses_before(const struct config *was, const struct config *is)
{
    int *before = mem_array((size_t)is->nbuses, sizeof *before);
    for (int i = 0; i < is->nbuses; i++) {
        before[i] = -1;
        for (int k = 0; k < was->nbuses; k++)
            if (same_bus(&was->buses[k], &is->buses[i]))
                before[i] = k;
    }
    return before;
}

int *lines_before(const struct config *was, const struct config *is)
{
    int *before = mem_array((size_t)is->nbuses, sizeof *before);
    for (int i = 0; i < is->nbuses; i++) {
        before[i] = -1;
        for (int k = 0; k < was->nbuses; k++)
            if (same_line(&was->buses[k], &is->buses[i]) && !same_bus(&was->buses[k], &is->buses[i]))
                before[i] = k;
    }
    return before;
}

int *places_before(const struct bus_config *was, const struct bus_config *is)
{
    int *before = mem_array((size_t)is->ndevices, sizeof *before);
    for (int i = 0; i < is->ndevices; i++) {
        before[i] = -1;
        for (int k = 0; k < was->ndevices; k++)
            if (same_schedule(was->devices[k], is->devices[i]))
                before[i] = k;
    }
    return before;
}

static const char *bus_of(const struct config *c, const struct device *d)
{
    for (int i = 0; i < c->nbuses; i++)
        for (int k = 0; k < c->buses[i].ndevices; k++)
            if (c->buses[i].devices[k] == d)
                return c->buses[i].name;
    return "";
}

int *devices_before(const struct config *was, const struct config *is)
{
    int *before = mem_array((size_t)is->ndevices, sizeof *before);
    for (int i = 0; i < is->ndevices; i++) {
        const struct device *d = &is->devices[i];
        before[i] = -1;
        for (int k = 0; k < was->ndevices; k++)
            if (same_unit(&was->devices[k], d) && same_text(bus_of(was, &was->devices[k]), bus_of(is, d)))
                before[i] = k;
    }
    return before;
}

int *brokers_before(const struct config *was, const struct config *is)
{
    int *before = mem_array((size_t)is->nmqtt, sizeof *before);
    for (int i = 0; i < is->nmqtt; i++) {
        before[i] = -1;
        for (int k = 0; k < was->nmqtt; k++)
            if (same_text(was->mqtt[k].name, is->mqtt[i].name))
                before[i] = k;
    }
    return before;
}
