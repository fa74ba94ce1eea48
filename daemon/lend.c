#include "daemon/acting.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/control.h"
#include "daemon/device_now.h"
#include "daemon/dustd.h"
#include "daemon/reload.h"
#include "daemon/rows.h"

#include <string.h>
#include <sys/stat.h>

enum { SHORTEST_S = 10 };

/* ---- who, which bus, how long ---- */

static bool same_port(const char *path, const char *other)
{
    struct stat a, b;
    if (strcmp(path, other) == 0)
        return true;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && S_ISCHR(a.st_mode) && a.st_rdev == b.st_rdev;
}

/* The bus of that name, or on that port; -1: none. */
static int find_bus(const struct config *c, const char *what)
{
    for (int i = 0; i < c->nbuses; i++) {
        const struct bus_config *b = &c->buses[i];
        if (strcmp(b->name, what) == 0 || (b->transport == TRANSPORT_RTU && same_port(b->path, what)))
            return i;
    }
    return -1;
}

static const char *refusal(const struct dustd *d, int bus)
{
    if (d->config->buses[bus].transport != TRANSPORT_RTU)
        return "only a serial line can be lent";
    if (d->buses[bus].loan.state != LOAN_NONE)
        return "the bus is lent already";
    return d->store_stuck ? "the disk takes nothing: a loan would have no row" : NULL;
}

/* ---- switching off ---- */

static bool switches_water(const struct point *p)
{
    return p->writable && p->table == TABLE_COIL && strcmp(p->role, "spray_command") == 0;
}

/* Queues the orders to switch off, and then the one to close the line. ERR_FULL. */
static int order_all(struct dustd *d, int bus, struct loan *loan)
{
    const struct bus_config *c = &d->config->buses[bus];
    int rc = ERR_OK;
    loan->off_first = d->last_order + 1;
    for (int i = 0; i < c->ndevices; i++) {
        const struct profile *p = c->devices[i]->profile;
        for (int k = 0; k < p->npoints && rc == ERR_OK; k++) {
            if (!switches_water(&p->points[k]))
                continue;
            struct bus_order off = {.id = ++d->last_order,
                                    .device = i,
                                    .order = {ORDER_COIL, p->points[k].address, 1, {0}},
                                    .read_back = true};
            rc = bus_order(d->buses[bus].bus, &off);
        }
    }
    loan->off_end = d->last_order + 1;
    return rc == ERR_OK ? bus_order(d->buses[bus].bus, &(struct bus_order){.kind = BUS_LEND}) : rc;
}

void lend_obeyed(struct dustd *d, int bus, int device, const struct bus_obeyed *outcome)
{
    struct loan *loan = &d->buses[bus].loan;
    if (loan->state != LOAN_ASKED || outcome->id < loan->off_first || outcome->id >= loan->off_end)
        return;
    if (outcome->read_back || loan->not_off[0])
        return;
    snprintf(loan->not_off, sizeof loan->not_off, "%s", d->config->buses[bus].devices[device]->name);
    loan->not_off_why = outcome->why;
    if (device_fails(d->devices[d->config->buses[bus].devices[device]->index].state))
        loan->not_off_why = WHY_NONE; /* it was down before: nothing more can be had, the row says so */
}

/* ---- asking ---- */

void lend_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    struct author by;
    const char *what = json_string_value(json_object_get(request, "bus"));
    json_int_t seconds = json_integer_value(json_object_get(request, "seconds"));
    if (!what || seconds < SHORTEST_S || seconds > LOAN_LONGEST_S) {
        verb_fail(d, client, "needs \"bus\", a name or a port, and \"seconds\", 10 to 900");
        return;
    }
    int bus = find_bus(d->config, what);
    if (bus < 0) {
        verb_answer(d, client, json_pack("{s:b}", "held", 0));
        return;
    }
    if (!verb_author(d, client, uid, json_string_value(json_object_get(request, "as")), "lending a bus", &by))
        return;
    const char *no = refusal(d, bus);
    if (no) {
        verb_fail(d, client, no);
        return;
    }
    struct loan *loan = &d->buses[bus].loan;
    *loan = (struct loan){.state = LOAN_ASKED, .client = client, .as_root = by.as_root};
    loan->until_us = seconds * 1000000; /* from when it is had */
    snprintf(loan->by, sizeof loan->by, "%s", by.name);
    if (order_all(d, bus, loan) != ERR_OK) {
        verb_fail(d, client, "busy: too many orders wait for this bus");
        loan->client = 0;
        loan->state = LOAN_ENDING;
    }
}

/* ---- rows ---- */

static json_t *row(struct dustd *d, int64_t at_ms, int bus, const char *state)
{
    const struct loan *loan = &d->buses[bus].loan;
    json_t *body = row_begin(d, at_ms, "loan", d->config->buses[bus].name);
    json_object_set_new(body, "state", json_string(state));
    json_object_set_new(body, "by", json_string(loan->by));
    if (loan->as_root)
        json_object_set_new(body, "as_root", json_true());
    return body;
}

static void begin_row(struct dustd *d, int bus)
{
    struct loan *loan = &d->buses[bus].loan;
    json_t *body = row(d, loan->from_ms, bus, "lent");
    json_object_set_new(body, "until", json_integer(loan->until_ms));
    json_object_set_new(body, "switched_off", json_integer((json_int_t)(loan->off_end - loan->off_first)));
    if (loan->not_off[0])
        json_object_set_new(body, "not_off", json_string(loan->not_off));
    loan->seq = row_append(d, loan->from_ms, "loan", d->config->buses[bus].name, body);
    log_warning("bus %s: lent to %s", d->config->buses[bus].name, loan->by);
}

/* ---- the end ---- */

/* The thread is told in lend_turn: its queue may be full. A loan that was had ends in a row. */
static void end(struct dustd *d, int bus, const char *why)
{
    struct loan *loan = &d->buses[bus].loan;
    if (loan->state == LOAN_WRITTEN || loan->state == LOAN_OUT) {
        int64_t now_ms = clock_site_ms();
        json_t *body = row(d, now_ms, bus, "returned");
        json_object_set_new(body, "why", json_string(why));
        row_append(d, now_ms, "loan", d->config->buses[bus].name, body);
        log_info("bus %s: back from %s: %s", d->config->buses[bus].name, loan->by, why);
    }
    loan->client = 0;
    loan->state = LOAN_ENDING;
}

static void refuse(struct dustd *d, int bus)
{
    struct loan *loan = &d->buses[bus].loan;
    char why[160];
    snprintf(why, sizeof why, "%s could not be switched off (%s): its bus is not lent", loan->not_off,
             why_str(loan->not_off_why));
    verb_fail(d, loan->client, why);
    end(d, bus, why);
}

void lend_told(struct dustd *d, int bus, bool lent)
{
    struct loan *loan = &d->buses[bus].loan;
    if (!lent)
        *loan = (struct loan){.state = LOAN_NONE};
    if (!lent || loan->state != LOAN_ASKED)
        return;
    if (loan->not_off[0] && loan->not_off_why != WHY_NONE) {
        refuse(d, bus);
        return;
    }
    loan->from_ms = clock_site_ms();
    loan->until_ms = loan->from_ms + loan->until_us / 1000 * clock_rate();
    loan->until_us += clock_wire_us();
    loan->state = LOAN_WRITTEN;
    begin_row(d, bus);
    if (loan->seq || d->hold.undated)
        return;
    verb_fail(d, loan->client, "the disk takes nothing: a loan would have no row");
    end(d, bus, "no row");
}

static const char *parity_word(char parity)
{
    return parity == 'E' ? "even" : parity == 'O' ? "odd" : "none";
}

/* What the borrower must know of the line, and of whom dustd knows on it. */
static void tell(struct dustd *d, int bus)
{
    struct loan *loan = &d->buses[bus].loan;
    const struct bus_config *c = &d->config->buses[bus];
    json_t *devices = json_array();
    for (int i = 0; i < c->ndevices; i++)
        json_array_append_new(devices,
                              json_pack("{s:s,s:i,s:s}", "name", c->devices[i]->name, "unit_id",
                                        c->devices[i]->unit_id, "profile", c->devices[i]->profile->name));
    json_t *line = json_pack("{s:s,s:{s:s,s:s,s:i,s:s,s:i,s:b,s:I,s:o}}", "language", d->config->language,
                             "lent", "bus", c->name, "path", c->path, "baud", c->baud, "parity",
                             parity_word(c->parity), "stop_bits", c->stop_bits, "rs485", c->rs485, "seconds",
                             (json_int_t)((loan->until_us - clock_wire_us()) / 1000000), "devices", devices);
    char *text = json_dumps(line, JSON_COMPACT);
    control_line(d->control, loan->client, text);
    mem_free(text);
    json_decref(line);
    loan->state = LOAN_OUT;
}

static bool is_open(const struct loan *loan)
{
    return loan->state == LOAN_ASKED || loan->state == LOAN_WRITTEN || loan->state == LOAN_OUT;
}

static void turn(struct dustd *d, int bus, int64_t now_us)
{
    struct loan *loan = &d->buses[bus].loan;
    if (is_open(loan) && !control_has(d->control, loan->client))
        end(d, bus, "given back");
    if (loan->state == LOAN_WRITTEN && d->committed >= loan->seq)
        tell(d, bus);
    if (loan->state == LOAN_OUT && now_us >= loan->until_us) {
        verb_answer(d, loan->client, json_pack("{s:s}", "ended", "time"));
        end(d, bus, "its time was over");
    }
    if (loan->state == LOAN_ENDING &&
        bus_order(d->buses[bus].bus, &(struct bus_order){.kind = BUS_TAKE_BACK}) == ERR_OK)
        loan->state = LOAN_BACK;
}

void lend_turn(struct dustd *d, int64_t now_us)
{
    for (int i = 0; i < d->config->nbuses; i++)
        turn(d, i, now_us);
}

void lend_stop(struct dustd *d)
{
    for (int i = 0; i < d->config->nbuses; i++)
        if (is_open(&d->buses[i].loan))
            end(d, i, "dustd stops");
}

json_t *lend_json(const struct dustd *d, int bus)
{
    const struct loan *loan = &d->buses[bus].loan;
    if (loan->state != LOAN_OUT && loan->state != LOAN_WRITTEN)
        return NULL;
    json_t *j = json_pack("{s:s,s:b}", "by", loan->by, "as_root", loan->as_root);
    if (clock_is_dated(loan->from_ms)) {
        json_object_set_new(j, "since", json_integer(loan->from_ms));
        json_object_set_new(j, "until", json_integer(loan->until_ms));
    }
    return j;
}
