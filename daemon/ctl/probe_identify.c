/* What each unit is: read by every profile, in the other word orders too where none of its own fits well. */
#include "daemon/ctl/probe.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "drivers/line.h"
#include "drivers/profile.h"
#include "drivers/reader.h"

#include <errno.h>
#include <string.h>

enum { READ_TIMES = 4 }; /* times as long as it took to answer first, a unit may take to answer */

/* Keeps the best; what falls out is freed. */
static void rank(struct probe_unit *u, struct probe_candidate candidate)
{
    int at = u->ncandidates;
    while (at > 0 && u->candidates[at - 1].match.score < candidate.match.score)
        at--;
    if (at == PROBE_CANDIDATES_MAX) {
        mem_free(candidate.samples);
        return;
    }
    if (u->ncandidates == PROBE_CANDIDATES_MAX)
        mem_free(u->candidates[--u->ncandidates].samples);
    for (int i = u->ncandidates; i > at; i--)
        u->candidates[i] = u->candidates[i - 1];
    u->candidates[at] = candidate;
    u->ncandidates++;
}

static void keep_raws(struct probe_unit *u, const struct reader *r)
{
    enum { ROOM = sizeof u->raws / sizeof *u->raws, VALUES = sizeof u->raws[0].values / sizeof(uint16_t) };
    for (int i = 0; i < r->nanswers && u->nraws < ROOM; i++) {
        const struct reader_answer *a = &r->answers[i];
        if (a->why != WHY_NONE)
            continue;
        struct probe_raw *raw = &u->raws[u->nraws++];
        raw->request = a->request;
        size_t n = a->request.count < VALUES ? a->request.count : VALUES;
        memcpy(raw->values, a->values, n * sizeof *raw->values);
    }
}

static int read_as(const struct probe_unit *u, struct reader *r, const struct profile *profile,
                   struct probe_candidate *c)
{
    c->samples = mem_array((size_t)profile->npoints, sizeof *c->samples);
    int rc = reader_read(r, profile, c->samples);
    c->match = match_profile(profile, c->samples, &u->at.setting, u->at.unit_id);
    return rc;
}

static void consider(struct probe_unit *u, struct probe_candidate c, bool worth)
{
    if (worth)
        rank(u, c);
    else
        mem_free(c.samples);
}

/* What the same registers mean in the other word orders: no new question is asked. An order that fits much
 * better than the profile's own is a finding. */
static void try_orders(struct probe_unit *u, struct reader *r, const struct probe_profile *of, int own_score)
{
    struct profile other = *of->profile;
    bool wide = false;
    other.points = mem_array((size_t)other.npoints, sizeof *other.points);
    memcpy(other.points, of->profile->points, (size_t)other.npoints * sizeof *other.points);
    for (int i = 0; i < other.npoints; i++)
        wide = wide || point_registers(&other.points[i]) > 1;
    for (int order = 0; order < ORDER__COUNT && wide; order++) {
        struct probe_candidate c = {.of = of, .order = order_str((enum word_order)order)};
        for (int i = 0; i < other.npoints; i++)
            if (point_registers(&other.points[i]) > 1)
                other.points[i].order = (enum word_order)order;
        bool read = read_as(u, r, &other, &c) == ERR_OK;
        consider(u, c, read && c.match.score >= MATCH_LIKELY && c.match.score >= own_score + MATCH_CLEAR);
    }
    mem_free(other.points);
}

static int read_unit(struct probe *p, struct line *line, const struct bus_config *config,
                     struct probe_unit *u)
{
    struct reader *r = mem_new(struct reader);
    int timeout_ms = READ_TIMES * u->at.answer_us / 1000, rc = ERR_OK;
    r->line = line;
    r->config = config;
    r->unit_id = u->at.unit_id;
    r->gap_ms = u->at.gap_ms;
    r->timeout_ms = timeout_ms > p->plan.timeout_ms ? timeout_ms : p->plan.timeout_ms;
    for (int i = 0; i < p->nprofiles && rc == ERR_OK && probe_goes_on(p); i++) {
        struct probe_candidate c = {.of = &p->profiles[i]};
        rc = read_as(u, r, c.of->profile, &c);
        int score = c.match.score;
        consider(u, c, rc == ERR_OK && score >= MATCH_POSSIBLE);
        if (rc == ERR_OK && score < MATCH_LIKELY)
            try_orders(u, r, &p->profiles[i], score);
    }
    keep_raws(u, r);
    reader_finish(r);
    mem_free(r);
    return rc;
}

static int identify(struct probe *p, struct probe_unit *u)
{
    struct bus_config config = scan_line(&p->port, &u->at.setting, p->plan.timeout_ms);
    struct line *line = line_create(&config, p->signals);
    int rc = line_open(line);
    if (rc == ERR_OK)
        rc = read_unit(p, line, &config, u);
    int error = errno;
    line_destroy(line);
    errno = error;
    return rc;
}

static const char *known_as(const struct probe *p, int unit_id)
{
    size_t i;
    json_t *device;
    json_array_foreach(json_object_get(p->lent, "devices"), i, device)
    {
        if (int_of(device, "unit_id") == unit_id)
            return text_of(device, "name");
    }
    return NULL;
}

void probe_identify(struct probe *p)
{
    p->nunits = p->result.nunits;
    p->units = mem_array((size_t)p->nunits + 1, sizeof *p->units);
    for (int i = 0; i < p->nunits; i++) {
        p->units[i].at = p->result.units[i];
        p->units[i].known = known_as(p, p->units[i].at.unit_id);
    }
    for (int i = 0; i < p->nunits && p->nprofiles && probe_goes_on(p); i++) {
        probe_reading(p, i + 1, p->nunits);
        if (identify(p, &p->units[i]) != ERR_OK && p->end == PROBE_WHOLE)
            probe_fail_line(p, errno);
    }
}
