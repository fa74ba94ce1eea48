#include "drivers/scan.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "drivers/frame.h"
#include "drivers/line.h"

#include <errno.h>
#include <string.h>

enum {
    JAMMED_AFTER = 3, /* units in a row that only give garbage, and nothing else is heard */
    GARBLED_MOST = 3, /* garbled answers of one unit */
    SLOW_TRIES = 3,
    REST_MS =
        100, /* noise meters need so much between two questions, some units in the field half a second */
    LONG_REST_MS = 500,
    JAMMED_LINES = 4, /* settings in a row at which that is so: at no other it will be otherwise */
    CONFIRM = 2,      /* answers beside the first */
    PATIENT = 4,      /* times the time-out, for one whose answer came late */
    GATEWAY_SILENT = 11
};

struct scan {
    const struct scan_plan *plan;
    const struct bus_config *port;
    const struct scan_watch *watch;
    struct scan_result *out;
    int stop_fd;
    struct bus_config config; /* of the line, at the setting that runs */
    struct line *line;
    struct scan_heard *heard;
    int before; /* the unit asked before, whose answer may come late; 0: none */
    int jammed; /* units in a row that were garbled only */
    int round;
    int64_t done_us, all_us;
    bool stopped;
};

struct bus_config scan_line(const struct bus_config *port, const struct scan_setting *s, int timeout_ms)
{
    struct bus_config c = *port;
    c.baud = s->baud;
    c.parity = s->parity;
    c.data_bits = 8;
    c.stop_bits = s->stop_bits;
    c.timeout_ms = timeout_ms;
    return c;
}

/* ---- what was heard ---- */

/* What a line gives that is held at one level, or whose two wires are exchanged: all ones or all zeros, or
 * these cut by a start bit. */
static bool is_level(uint8_t byte)
{
    for (int shift = 0; shift <= 8; shift++)
        if (byte == (uint8_t)(0xFF << shift) || byte == (uint8_t)(0xFF >> shift))
            return true;
    return false;
}

/* A whole answer of any unit but `unit`, among what was heard; 0: none. */
static int overheard(const uint8_t *bytes, size_t n, int unit)
{
    enum modbus_table table;
    int length;
    for (int other = 1; n && other <= SCAN_UNIT_MAX; other++)
        if (other != unit && frame_next(other, bytes, n, 0, &table, &length))
            return other;
    return 0;
}

static void note_bytes(struct scan *s, const uint8_t *bytes, size_t n)
{
    s->heard->bytes += (int)n;
    for (size_t i = 0; i < n; i++)
        s->heard->levels += is_level(bytes[i]);
}

/* ---- questions ---- */

static bool stopped(struct scan *s)
{
    s->stopped = s->stopped || !s->watch->go_on(s->watch->arg);
    return s->stopped;
}

/* What came that was no answer. */
static void listen(struct scan *s, int unit)
{
    const uint8_t *bytes;
    size_t n = line_heard(s->line, &bytes);
    note_bytes(s, bytes, n);
    int other = s->heard->other_master ? 0 : overheard(bytes, n, unit);
    if (other && other != s->before)
        s->heard->other_master = other;
}

/* What is asked of whom, and how patiently. */
struct query {
    int unit;
    const struct request *request;
    int timeout_ms, gap_ms;
};

static bool is_answer(enum why why)
{
    return why == WHY_NONE || why == WHY_EXCEPTION;
}

static enum why ask(struct scan *s, const struct query *query, int *took_us)
{
    struct line_answer a;
    struct line_question q = {.unit = query->unit,
                              .request = query->request,
                              .timeout_us = query->timeout_ms * 1000,
                              .turnaround_us = query->gap_ms * 1000};
    line_ask(s->line, &q, &a);
    line_settle(s->line, q.timeout_us);
    enum why why = a.why;
    if (why == WHY_GARBLED)
        listen(s, query->unit);
    if (why == WHY_EXCEPTION && a.exception == GATEWAY_SILENT)
        why = WHY_NO_ANSWER; /* a gateway's word that nobody is there */
    s->heard->asked++;
    s->heard->answered += is_answer(why);
    s->heard->garbled += why == WHY_GARBLED || why == WHY_JAMMED;
    s->heard->echoes = s->heard->echoes || line_echoes(s->line);
    s->heard->silent += why == WHY_NO_ANSWER;
    if (why == WHY_LINE)
        errno = a.error;
    *took_us = a.rtt_us;
    return why;
}

/* What an answer looks like on the wire: its function, and its length, which an exception has not. */
static int shape(const struct request *r, enum why why)
{
    return why == WHY_EXCEPTION ? (int)r->table : 16 * frame_answer_bytes(r) + (int)r->table;
}

/* Two more answers, such that not all three look the same: a stuck frame is no unit. Some units need a rest
 * before they listen again; how long is seen here. */
static bool confirm(struct scan *s, const struct query *first, enum why first_why, int *gap_ms)
{
    const struct request *r = first->request;
    uint16_t more = plan_bits(r->table) ? 8 : 1;
    enum modbus_table other = r->table == TABLE_HOLDING ? TABLE_INPUT_REGISTER : TABLE_HOLDING;
    const struct {
        struct request request;
        int gap_ms;
    } tries[] = {
        {{r->table, r->address, (uint16_t)(r->count + more)}, 0},
        {{r->table, r->address, (uint16_t)(r->count + 2 * more)}, 0},
        {{other, r->address, 1}, REST_MS},
        {{r->table, r->address, (uint16_t)(r->count + 3 * more)}, REST_MS},
        {{other, r->address, 4}, LONG_REST_MS},
        {{r->table, r->address, (uint16_t)(r->count + 4 * more)}, LONG_REST_MS},
    };
    int good = 0, took_us;
    bool differ = false;
    for (size_t i = 0; i < sizeof tries / sizeof *tries && (good < CONFIRM || !differ) && !stopped(s); i++) {
        struct query q = {first->unit, &tries[i].request, first->timeout_ms, tries[i].gap_ms};
        enum why why = ask(s, &q, &took_us);
        if (!is_answer(why))
            continue;
        good++;
        differ = differ || shape(q.request, why) != shape(r, first_why);
        *gap_ms = good <= CONFIRM ? q.gap_ms : *gap_ms;
    }
    return good >= CONFIRM && differ;
}

/* Found already at this speed: some adapters heed no parity, and with those a unit answers at each. */
static bool is_known(const struct scan *s, int unit)
{
    for (int i = 0; i < s->out->nunits; i++)
        if (s->out->units[i].unit_id == unit && s->out->units[i].setting.baud == s->heard->setting.baud)
            return true;
    return false;
}

static void take(struct scan *s, const struct query *q, enum why why, int took_us)
{
    int gap_ms = 0;
    if (is_known(s, q->unit) || s->out->nunits == SCAN_UNITS_MAX)
        return;
    if (!confirm(s, q, why, &gap_ms)) {
        s->heard->unsure = s->heard->unsure ? s->heard->unsure : q->unit;
        return;
    }
    struct scan_unit *u = &s->out->units[s->out->nunits++];
    *u = (struct scan_unit){s->heard->setting, q->unit, took_us, gap_ms};
    s->watch->found(u, s->watch->arg);
}

/* It answers, but later than the time-out: what comes late of its earlier answers goes first. */
static int ask_patiently(struct scan *s, int unit)
{
    struct query q = {unit, &s->plan->knocks[0].request, PATIENT * s->plan->timeout_ms, 0};
    enum why why = WHY_NO_ANSWER;
    for (int i = 0, took_us; i < SLOW_TRIES && !is_answer(why) && !stopped(s); i++) {
        why = ask(s, &q, &took_us);
        if (is_answer(why))
            take(s, &q, why, took_us);
    }
    return why == WHY_LINE ? ERR_IO : ERR_OK;
}

/* Whether what was heard has an answer of a unit that is not found yet: it came too late for its question. */
static bool came_late(const struct scan *s, int unit)
{
    const uint8_t *bytes;
    enum modbus_table table;
    int length;
    size_t n = line_heard(s->line, &bytes);
    return unit && !is_known(s, unit) && frame_next(unit, bytes, n, 0, &table, &length);
}

/* The unit that was asked just now, or the one before it. */
static int heed_late(struct scan *s, int unit)
{
    int slow = came_late(s, unit) ? unit : came_late(s, s->before) ? s->before : 0;
    s->before = 0;
    return slow ? ask_patiently(s, slow) : ERR_OK;
}

/* Knocks until it answers; one that is garbled again and again is not asked more. ERR_IO: the line is gone.
 */
static int ask_unit(struct scan *s, int unit)
{
    struct request knocks[SCAN_KNOCKS_MAX];
    int nknocks = scan_knocks(s->plan, &s->heard->setting, unit, knocks);
    int asked = 0, garbled = 0, took_us, rc = ERR_OK;
    enum why why = WHY_NO_ANSWER;
    if (s->round == 2)
        nknocks = 1;
    while (asked < nknocks && garbled < GARBLED_MOST && rc == ERR_OK && !is_known(s, unit) && !stopped(s)) {
        struct query q = {unit, &knocks[asked++], s->plan->timeout_ms, 0};
        why = ask(s, &q, &took_us);
        garbled += why == WHY_GARBLED;
        if (why == WHY_LINE)
            return ERR_IO;
        if (is_answer(why)) {
            take(s, &q, why, took_us);
            break;
        }
        rc = heed_late(s, unit);
    }
    bool all = asked && garbled == asked && !is_known(s, unit);
    s->jammed = all ? s->jammed + 1 : 0;
    if (all && garbled > 1 && !s->heard->collides)
        s->heard->collides = unit;
    s->before = why == WHY_NO_ANSWER ? unit : 0;
    return line_is_open(s->line) ? rc : ERR_IO;
}

/* ---- one setting ---- */

/* Nothing but garbage, from whatever unit is asked; where bytes came unasked, one unit is enough to know. */
static bool is_jammed(const struct scan *s)
{
    const struct scan_heard *h = s->heard;
    bool garbage = s->jammed >= (h->unasked ? 1 : JAMMED_AFTER) && h->answered == 0 && h->silent == 0;
    return garbage || line_is_jammed(s->line);
}

static void tell(struct scan *s, int unit, int64_t spent_us)
{
    int64_t done_us = s->done_us + spent_us;
    struct scan_progress p = {.round = s->round,
                              .setting = &s->heard->setting,
                              .unit_id = unit,
                              .done_us = done_us,
                              .left_us = s->all_us > done_us ? s->all_us - done_us : 0};
    s->watch->progress(&p, s->watch->arg);
}

/* What came while the line was opened, when nobody had been asked. */
static void note_unasked(struct scan *s)
{
    const uint8_t *bytes;
    size_t n = line_heard(s->line, &bytes);
    s->heard->unasked += (int)n;
    note_bytes(s, bytes, n);
    if (!s->heard->other_master)
        s->heard->other_master = overheard(bytes, n, 0);
}

static int ask_all(struct scan *s, const uint8_t *units, int n, int64_t all_us)
{
    int rc = ERR_OK;
    s->before = s->jammed = 0;
    note_unasked(s);
    for (int i = 0; i < n && rc == ERR_OK && !s->heard->abandoned && !stopped(s); i++) {
        tell(s, units[i], all_us * i / n);
        rc = is_known(s, units[i]) ? ERR_OK : ask_unit(s, units[i]);
        s->heard->abandoned = is_jammed(s);
    }
    return rc;
}

static int scan_setting(struct scan *s, struct scan_heard *heard, const uint8_t *units, int n, int64_t all_us)
{
    s->heard = heard;
    s->config = scan_line(s->port, &heard->setting, s->plan->timeout_ms);
    s->line = line_create(&s->config, s->stop_fd);
    int rc = line_open(s->line);
    if (rc == ERR_OK)
        rc = ask_all(s, units, n, all_us);
    int error = errno;
    line_destroy(s->line);
    errno = error;
    s->line = NULL;
    s->done_us += all_us;
    return rc;
}

/* ---- the rounds ---- */

static int first_round(struct scan *s)
{
    const struct scan_plan *p = s->plan;
    int rc = ERR_OK, jammed = 0;
    s->round = 1;
    for (int i = 0; i < p->nsettings; i++)
        s->all_us += scan_first_us(p, &p->settings[i]);
    for (int i = 0; i < p->nsettings && rc == ERR_OK && jammed < JAMMED_LINES && !stopped(s); i++) {
        struct scan_heard *h = &s->out->heard[s->out->nheard++];
        *h = (struct scan_heard){.setting = p->settings[i]};
        rc = scan_setting(s, h, p->likely, p->nlikely, scan_first_us(p, &h->setting));
        jammed = h->abandoned ? jammed + 1 : 0;
    }
    s->stopped = s->stopped || jammed == JAMMED_LINES;
    return rc;
}

static bool deserves(const struct scan *s, const struct scan_heard *h)
{
    for (int i = 0; i < s->out->nunits; i++)
        if (scan_same(&s->out->units[i].setting, &h->setting))
            return true;
    return s->out->nunits == 0 && !h->abandoned;
}

static int second_round(struct scan *s)
{
    const struct scan_plan *p = s->plan;
    bool chosen[SCAN_SETTINGS_MAX] = {false};
    int rc = ERR_OK;
    s->round = 2;
    s->done_us = s->all_us = 0;
    for (int i = 0; i < s->out->nheard; i++) {
        chosen[i] = p->nothers && deserves(s, &s->out->heard[i]);
        s->all_us += chosen[i] ? scan_second_us(p, &s->out->heard[i].setting) : 0;
    }
    for (int i = 0; i < s->out->nheard && rc == ERR_OK && !stopped(s); i++)
        if (chosen[i])
            rc = scan_setting(s, &s->out->heard[i], p->others, p->nothers,
                              scan_second_us(p, &s->out->heard[i].setting));
    return rc;
}

int scan_run(const struct scan_plan *plan, const struct bus_config *port, int stop_fd,
             const struct scan_watch *watch, struct scan_result *out)
{
    struct scan s = {.plan = plan, .port = port, .watch = watch, .out = out, .stop_fd = stop_fd};
    *out = (struct scan_result){0};
    int rc = first_round(&s);
    if (rc == ERR_OK && !s.stopped)
        rc = second_round(&s);
    out->whole = rc == ERR_OK && !s.stopped;
    return rc;
}
