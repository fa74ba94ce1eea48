/* A reload's state: everything that main keeps by the number of a point, a device or a broker gets the
 * numbers of another configuration. */
#include "daemon/dustd.h"

#include "daemon/base/mem.h"
#include "daemon/carry.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/judge/judge.h"
#include "daemon/now.h"
#include "daemon/registers.h"
#include "daemon/required.h"
#include "daemon/uplink_now.h"

#include <math.h>
#include <string.h>

/* Where each point has gone, the other way round. -1: it is no more. */
static int *points_after(const struct config *was, const struct config *is, const int *before)
{
    int *after = mem_array((size_t)was->npoints, sizeof *after);
    for (int i = 0; i < was->npoints; i++)
        after[i] = -1;
    for (int i = 0; i < is->npoints; i++)
        if (before[i] >= 0)
            after[before[i]] = i;
    return after;
}

static void carry_samples(struct dustd *d, const struct config *is, const int *before)
{
    int *after = points_after(d->config, is, before);
    size_t kept = 0;
    for (size_t i = 0; i < d->nsamples; i++) {
        int point = after[d->samples[i].point];
        if (point < 0)
            continue; /* none: leave_points has taken them */
        d->samples[kept] = d->samples[i];
        d->samples[kept++].point = (uint16_t)point;
    }
    d->nsamples = kept;
    mem_free(after);
}

void carry_points(struct dustd *d, const struct config *is, const int *before)
{
    size_t n = (size_t)is->npoints;
    carry_samples(d, is, before);
    unsaid_carry(d, is, before);
    struct judge *judge = judge_carry(d->judge, is, before);
    required_configure(d->required, is);
    struct sample *now = mem_array(n, sizeof *now);
    bool *said_bad = mem_array(n, sizeof *said_bad);
    struct register_now *registers = mem_array(n, sizeof *registers);
    for (int i = 0; i < is->npoints; i++) {
        now[i].value = NAN;
        if (before[i] < 0)
            continue;
        now[i] = d->now[before[i]];
        now[i].point = (uint16_t)i;
        said_bad[i] = d->said_bad[before[i]];
        registers[i] = d->registers[before[i]];
    }
    judge_destroy(d->judge);
    mem_free(d->now);
    mem_free(d->said_bad);
    mem_free(d->registers);
    mem_free(d->means);
    d->judge = judge;
    d->now = now;
    d->said_bad = said_bad;
    d->registers = registers;
    d->means = mem_array(n, sizeof *d->means);
}

void carry_devices(struct dustd *d, const struct config *is, const int *before)
{
    struct device_now *devices = mem_array((size_t)is->ndevices, sizeof *devices);
    for (int i = 0; i < is->ndevices; i++)
        if (before[i] >= 0)
            devices[i] = d->devices[before[i]];
    mem_free(d->devices);
    d->devices = devices;
}

/* A broker that those batches did not know stands where the disk has it. */
void carry_cursors(struct dustd *d, const struct config *is, const int *before)
{
    int was = d->config->nmqtt, n = is->nmqtt;
    struct store_cursor *handed = mem_array((size_t)d->nhanded * (size_t)n, sizeof *handed);
    for (int b = 0; b < d->nhanded; b++)
        for (int i = 0; i < n; i++) {
            struct store_cursor *c = &handed[b * n + i];
            if (before[i] >= 0)
                *c = d->handed[b * was + before[i]];
            else
                c->seq = d->uplinks[i].persisted;
        }
    mem_free(d->handed);
    d->handed = handed;
}

static bool has_device(const struct config *c, const char *name)
{
    for (int i = 0; i < c->ndevices; i++)
        if (strcmp(c->devices[i].name, name) == 0)
            return true;
    return false;
}

void carry_removed(struct dustd *d, const struct config *is)
{
    int kept = 0;
    for (int i = 0; i < d->nremoved; i++) {
        if (has_device(is, d->removed[i]))
            mem_free(d->removed[i]);
        else
            d->removed[kept++] = d->removed[i];
    }
    d->nremoved = kept;
    for (int i = 0; i < d->config->ndevices; i++) {
        const char *name = d->config->devices[i].name;
        if (has_device(is, name))
            continue;
        now_clear(d, -1, name);
        d->removed = mem_resize(d->removed, (size_t)d->nremoved + 1, sizeof *d->removed);
        d->removed[d->nremoved++] = mem_string(name);
    }
}
