#include "drivers/scan_plan.h"

#include "drivers/line.h"
#include "drivers/port.h"

#include <string.h>

/* Margins of one question, as line.c has them: on top of the time-out, and to hear that the line is quiet. */
enum { MARGIN_US = 50000, FEW_UNITS = 2, NEIGHBOURS = 10, FACTORY_UNIT = 1 };

/* The order where profiles do not say another. 9600 8N1 and 4800 8N1 are what most dust meters and wind
 * sensors leave the factory with, 19200 8E1 is the default of MODBUS over Serial Line V1.02 (2.5.1, 3.3.1);
 * the rest by how many common converters and meters offer it. */
static const struct scan_setting common[] = {
    {9600, 'N', 1},  {4800, 'N', 1},   {19200, 'E', 1}, {19200, 'N', 1}, {115200, 'N', 1},
    {9600, 'E', 1},  {38400, 'N', 1},  {2400, 'N', 1},  {57600, 'N', 1}, {4800, 'E', 1},
    {38400, 'E', 1}, {115200, 'E', 1}, {9600, 'O', 1},  {19200, 'O', 1}, {1200, 'N', 1},
};
static const char parities[] = "NEO";

bool scan_same(const struct scan_setting *a, const struct scan_setting *b)
{
    return a->baud == b->baud && a->parity == b->parity;
}

/* ---- settings ---- */

static bool wanted(const struct scan_wish *wish, const struct scan_setting *s)
{
    bool baud = wish->nbauds == 0, format = wish->nformats == 0;
    for (int i = 0; i < wish->nbauds; i++)
        baud = baud || wish->bauds[i] == s->baud;
    for (int i = 0; i < wish->nformats; i++)
        format = format || wish->formats[i].parity == s->parity;
    return baud && format;
}

static void add_setting(struct scan_plan *p, const struct scan_wish *wish, struct scan_setting s)
{
    if (s.baud == 0 || !wanted(wish, &s) || p->nsettings == SCAN_SETTINGS_MAX)
        return;
    for (int i = 0; i < wish->nformats; i++)
        if (wish->formats[i].parity == s.parity)
            s.stop_bits = wish->formats[i].stop_bits;
    for (int i = 0; i < p->nsettings; i++)
        if (scan_same(&p->settings[i], &s))
            return;
    p->settings[p->nsettings++] = s;
}

/* A profile's factory setting; baud 0 when it says none that we can have. */
static struct scan_setting factory(const struct profile *p)
{
    bool whole = p->parity && strlen(p->parity) == 3 && p->parity[0] == '8';
    if (!p->baud || !port_speed_known(p->baud) || (p->parity && p->parity[0] && !whole))
        return (struct scan_setting){0};
    struct scan_setting s = {p->baud, 'N', 1};
    if (whole)
        s.parity = p->parity[1];
    return s;
}

/* What several profiles have, that most of them have first. A single one says little: `least` 2. */
static void add_factory(struct scan_plan *out, const struct scan_wish *wish,
                        const struct profile *const *profiles, int n, int least)
{
    for (int count = n; count >= least; count--)
        for (int i = 0; i < n; i++) {
            struct scan_setting s = factory(profiles[i]);
            int same = 0;
            for (int k = 0; k < n; k++) {
                struct scan_setting other = factory(profiles[k]);
                same += scan_same(&s, &other);
            }
            if (same == count)
                add_setting(out, wish, s);
        }
}

static void add_asked(struct scan_plan *out, const struct scan_wish *wish)
{
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < wish->nbauds; i++)
            add_setting(out, wish, (struct scan_setting){wish->bauds[i], parities[k], 1});
}

/* ---- units ---- */

static void add_unit(struct scan_plan *p, bool *taken, const struct scan_wish *wish, int unit)
{
    if (unit < 1 || unit > SCAN_UNIT_MAX || taken[unit] || (wish->limited && !wish->only[unit]))
        return;
    taken[unit] = true;
    p->likely[p->nlikely++] = (uint8_t)unit;
}

static void plan_units(struct scan_plan *out, const struct scan_wish *wish,
                       const struct profile *const *profiles, int n)
{
    bool taken[SCAN_UNIT_MAX + 1] = {false};
    int asked = 0;
    for (int unit = 1; unit <= SCAN_UNIT_MAX; unit++) {
        asked += wish->limited && wish->only[unit];
        out->thorough[unit] = wish->known[unit];
        if (wish->known[unit])
            add_unit(out, taken, wish, unit);
    }
    add_unit(out, taken, wish, FACTORY_UNIT);
    for (int i = 0; i < n; i++)
        add_unit(out, taken, wish, profiles[i]->unit_id);
    for (int unit = 2; unit <= NEIGHBOURS; unit++)
        add_unit(out, taken, wish, unit);
    out->everywhere = asked && asked <= FEW_UNITS;
    for (int unit = 1; unit <= SCAN_UNIT_MAX; unit++) {
        if (out->everywhere)
            add_unit(out, taken, wish, unit);
        out->thorough[unit] = out->thorough[unit] || (out->everywhere && wish->only[unit]);
        if (!taken[unit] && (!wish->limited || wish->only[unit]))
            out->others[out->nothers++] = (uint8_t)unit;
    }
}

/* ---- knocks ---- */

static void add_knock(struct scan_plan *p, struct scan_knock knock)
{
    if (p->nknocks < SCAN_KNOCKS_MAX)
        p->knocks[p->nknocks++] = knock;
}

/* Most units answer a register that they do not have with an exception, but some are silent: so of a device
 * as it leaves the factory each profile's first registers are asked for too. */
static void plan_knocks(struct scan_plan *out, const struct profile *const *profiles, int n)
{
    add_knock(out, (struct scan_knock){{TABLE_HOLDING, 0, 1}, 0, 0});
    add_knock(out, (struct scan_knock){{TABLE_INPUT_REGISTER, 0, 1}, 0, FACTORY_UNIT});
    for (int i = 0; i < n; i++) {
        const struct point *first = &profiles[i]->points[0];
        struct request request = {first->table, first->address, (uint16_t)point_registers(first)};
        add_knock(out, (struct scan_knock){request, factory(profiles[i]).baud,
                                           profiles[i]->unit_id ? profiles[i]->unit_id : FACTORY_UNIT});
    }
}

static bool is_for(const struct scan_plan *p, const struct scan_knock *k, const struct scan_setting *s,
                   int unit)
{
    bool here = (k->baud == 0 || k->baud == s->baud) && (k->unit_id == 0 || k->unit_id == unit);
    return here || (p->thorough[unit] && (p->everywhere || scan_same(s, &p->settings[0])));
}

int scan_knocks(const struct scan_plan *p, const struct scan_setting *s, int unit,
                struct request out[static SCAN_KNOCKS_MAX])
{
    int n = 0;
    for (int i = 0; i < p->nknocks; i++) {
        const struct request *r = &p->knocks[i].request;
        bool had = !is_for(p, &p->knocks[i], s, unit);
        for (int k = 0; k < n && !had; k++)
            had = out[k].table == r->table && out[k].address == r->address;
        if (!had)
            out[n++] = *r;
    }
    return n;
}

void scan_plan(const struct scan_wish *wish, const struct profile *const *profiles, int n,
               struct scan_plan *out)
{
    *out = (struct scan_plan){.timeout_ms = wish->timeout_ms ? wish->timeout_ms : SCAN_TIMEOUT_MS};
    add_setting(out, wish, wish->first);
    add_factory(out, wish, profiles, n, 2);
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        add_setting(out, wish, common[i]);
    add_factory(out, wish, profiles, n, 1);
    add_asked(out, wish);
    plan_units(out, wish, profiles, n);
    plan_knocks(out, profiles, n);
}

/* ---- time ---- */

int64_t scan_question_us(const struct scan_plan *p, const struct scan_setting *s)
{
    struct bus_config line = {
        .baud = s->baud, .parity = s->parity, .data_bits = 8, .stop_bits = s->stop_bits};
    return line_exchange_us(&line, &p->knocks[0].request, 0) + (int64_t)p->timeout_ms * 1000 + MARGIN_US;
}

int64_t scan_first_us(const struct scan_plan *p, const struct scan_setting *s)
{
    struct request knocks[SCAN_KNOCKS_MAX];
    int questions = 0;
    for (int i = 0; i < p->nlikely; i++)
        questions += scan_knocks(p, s, p->likely[i], knocks);
    return questions * scan_question_us(p, s) + (int64_t)p->timeout_ms * 1000;
}

int64_t scan_second_us(const struct scan_plan *p, const struct scan_setting *s)
{
    return p->nothers * scan_question_us(p, s) + (int64_t)p->timeout_ms * 1000;
}
