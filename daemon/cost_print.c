/* dustd --check: what a configuration costs and cannot do, as an installer reads it. */
#include "daemon/cost.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/credential.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/config/broker.h"
#include "daemon/config/channel.h"
#include "daemon/config/config.h"
#include "daemon/config/escalation.h"
#include "daemon/config/input_kind.h"
#include "daemon/config/limits.h"
#include "daemon/config/lookup.h"
#include "daemon/config/stage.h"
#include "daemon/config/stage_words.h"
#include "drivers/device.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

struct report {
    const struct config *c;
    FILE *out;
    struct buf warnings;
    int nwarnings;
};

static void warn(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct report *r, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    buf_printf(&r->warnings, "  %s\n", text);
    r->nwarnings++;
}

static double megabytes(int64_t bytes)
{
    return (double)bytes / 1e6;
}

/* --- buses --- */

/* A minute with less than 75 % of its samples is unknown. */
static const double enough_share = 0.75;

static void warn_of_bus(struct report *r, const struct bus_config *b, const struct cost_bus *cost)
{
    if (cost->load >= 1) {
        char *faster = cost->enough_baud ? mem_printf(", or %d baud", cost->enough_baud) : mem_string("");
        warn(r,
             "bus %s cannot keep its schedule: it needs %.0f %% of the wire. Periods %.2g times as long%s.",
             b->name, 100 * cost->load, ceil(cost->load * 12.5) / 10, faster);
        if (cost->load * enough_share > 1)
            warn(r, "bus %s: less than 75 %% of what is due can be read: its minutes would be unknown.",
                 b->name);
        mem_free(faster);
    } else if (cost->answer_ms < 20) {
        warn(r, "bus %s keeps its schedule only while its units answer within %.1f ms on the average.",
             b->name, cost->answer_ms);
    }
    if (b->transport == TRANSPORT_RTU && strncmp(b->path, "/dev/ttyUSB", 11) == 0)
        warn(r, "bus %s: %s may be another port after the next boot: take its name in /dev/serial/by-id.",
             b->name, b->path);
}

static void print_buses(struct report *r)
{
    fprintf(r->out, "\nBuses: %-17s %10s %7s %14s\n", "", "requests/s", "load", "answers within");
    for (int i = 0; i < r->c->nbuses; i++) {
        const struct bus_config *b = &r->c->buses[i];
        struct cost_bus cost;
        cost_bus(b, &cost);
        fprintf(r->out, "  %-22s %10.2f %5.0f %% ", b->name, cost.requests_per_s, 100 * cost.load);
        if (cost.load < 1)
            fprintf(r->out, "%11.0f ms\n", cost.answer_ms);
        else
            fprintf(r->out, "%14s\n", "-");
        warn_of_bus(r, b, &cost);
    }
}

/* --- disk and uplinks --- */

static void print_disk(struct report *r, const struct cost_message *m, int n)
{
    char size[32], keep[32];
    int64_t keep_ms = r->c->store.keep_raw_ms;
    double days = cost_days_until(m, n, r->c->store.max_size, keep_ms);
    size_text(r->c->store.max_size, size);
    fprintf(r->out,
            "\nDisk: about %.0f MB a year (rows as they are built; raw blocks as docs/benchmarks.md measured "
            "them)\n  max_size, %s, is reached after about %.0f days: from then on the oldest goes earlier\n",
            megabytes(cost_disk_year(m, n)), size, days);
    if (days * (double)CLOCK_DAY_MS < (double)keep_ms)
        warn(r, "store: max_size, %s, is reached after about %.0f days: raw samples go before keep_raw, %s.",
             size, days, duration_text(keep_ms, keep));
}

static void warn_of_file(struct report *r, const struct mqtt_config *b, const char *setting, const char *name)
{
    char path[CREDENTIAL_PATH_MAX];
    if (name[0] && access(credential_path(name, path), R_OK) != 0)
        warn(r, "broker %s: %s %s cannot be read by this user here and now.", b->name, setting, path);
}

static void warn_of_uplink(struct report *r, const struct mqtt_config *b, const struct cost_uplink *cost)
{
    char plan[32];
    if (b->data_plan_bytes && cost->all > b->data_plan_bytes)
        warn(r,
             "broker %s: %.0f MB a month are more than its data_plan, %s; live messages are %.0f MB of it "
             "(live_every).",
             b->name, megabytes(cost->all), size_text(b->data_plan_bytes, plan), megabytes(cost->live));
    if (!b->mqtt5)
        warn(r, "broker %s: MQTT 3.1.1 gives no reasons: what it refuses counts as taken.", b->name);
    if (!b->ca_file[0] && b->password_file[0])
        warn(r, "broker %s: the password travels in the clear: no ca_file, no TLS.", b->name);
    warn_of_file(r, b, "password_file", b->password_file);
    warn_of_file(r, b, "ca_file", b->ca_file);
    warn_of_file(r, b, "cert_file", b->cert_file);
    warn_of_file(r, b, "key_file", b->key_file);
}

static void print_uplinks(struct report *r, const struct cost_message *m, int n)
{
    if (r->c->nmqtt)
        fprintf(r->out, "\nUplinks, MB a month: %-3s %6s %6s %6s %6s %s\n", "", "rows", "live", "rest", "all",
                "data_plan");
    for (int i = 0; i < r->c->nmqtt; i++) {
        const struct mqtt_config *b = &r->c->mqtt[i];
        struct cost_uplink cost;
        char plan[32] = "-";
        cost_uplink(b, r->c->site.name, m, n, &cost);
        cost.rest += cost_alerts(r->c, b);
        cost.all += cost_alerts(r->c, b);
        if (b->data_plan_bytes)
            size_text(b->data_plan_bytes, plan);
        fprintf(r->out, "  %-22s %6.0f %6.0f %6.0f %6.0f %s\n", b->name, megabytes(cost.rows),
                megabytes(cost.live), megabytes(cost.rest), megabytes(cost.all), plan);
        warn_of_uplink(r, b, &cost);
    }
}

/* How many alerts there will be nobody knows; what so many take can be said. */
static void print_alerts(struct report *r)
{
    if (r->c->nchannels)
        fprintf(r->out, "\nAlerts, MB a month at %d a day for each person: %s\n", COST_ALERTS_A_DAY,
                "people     all");
    for (int i = 0; i < r->c->nchannels; i++) {
        const struct channel_config *k = &r->c->channels[i];
        struct cost_channel cost;
        cost_channel(r->c, k, &cost);
        fprintf(r->out, "  %-43s %8d %7.2f%s%s\n", k->name, cost.people, megabytes(cost.all),
                k->kind == CHANNEL_MQTT ? ", in the rest of " : "", k->kind == CHANNEL_MQTT ? k->broker : "");
    }
}

/* --- limits --- */

static void warn_of_range(struct report *r, const struct limit *l)
{
    for (int i = 0; i < r->c->npoints; i++) {
        const struct point *p = r->c->points[i].point;
        if (strcmp(p->role, l->role) == 0 && p->high < l->value)
            warn(r,
                 "limit %s: %s measures up to %g %s, the limit is %g: a breach of it cannot be seen there.",
                 l->id, r->c->points[i].name, p->high, p->unit, l->value);
    }
}

static bool somebody_says(const struct config *c, enum input_kind kind)
{
    for (int i = 0; i < c->nsources; i++)
        if (c->sources[i].kinds & 1u << kind)
            return true;
    return false;
}

/* What a limit needs that no meter gives. */
static void warn_of_needs(struct report *r, const struct limit *l)
{
    if (l->minus)
        warn(r,
             "limit %s needs the background of %s from outside%s: a window without it within %lld min is "
             "unknown, never passed.",
             l->id, l->role, somebody_says(r->c, INPUT_BACKGROUND) ? "" : ", and no source may send it",
             (long long)(l->background_wait_ms / CLOCK_MINUTE_MS));
    if (!l->stages)
        return;
    warn(
        r,
        "limit %s needs the stage of the work, which a person tells: until then it is unknown, never passed.",
        l->id);
    for (const struct word *w = stage_words; w->text; w++)
        if (l->uncovered & (unsigned)w->value)
            warn(r, "limit %s: in the stage %s nothing of its file judges %s: it is unknown then.", l->id,
                 w->text, l->role);
}

static bool has_role(const struct config *c, const char *role)
{
    for (int i = 0; i < c->npoints; i++)
        if (strcmp(c->points[i].point->role, role) == 0)
            return true;
    return false;
}

/* A source that says it and that it watches. */
static bool has_source(const struct config *c, enum input_kind kind)
{
    unsigned both = 1u << kind | 1u << INPUT_ALIVE;
    for (int i = 0; i < c->nsources; i++)
        if ((c->sources[i].kinds & both) == both)
            return true;
    return false;
}

/* Evidence that this site will not have: the check is then unknown, which never passes. */
static void warn_of_check(struct report *r, const struct requirement *q, const struct check *k)
{
    bool vehicles = k->kind == CHECK_PASSAGE || k->vehicle_ms;
    bool pictures = k->kind == CHECK_SHARE || (k->kind == CHECK_PASSAGE && k->need == NEED_COVER);
    bool water = k->kind == CHECK_RESPONSE || k->kind == CHECK_DUTY;
    const char *lacks = (k->kind == CHECK_DURING || k->kind == CHECK_RESPONSE) && !has_role(r->c, k->role)
                            ? k->role
                        : water && !has_role(r->c, "flow") ? "flow"
                                                           : NULL;
    if (lacks)
        warn(r, "check %s/%s stays unknown: no point has the role %s. Leave it out (leave_out), or add one.",
             q->name, k->name, lacks);
    if (vehicles && !has_source(r->c, INPUT_PASSAGE))
        warn(r, "check %s/%s stays unknown: no source says passage and alive.", q->name, k->name);
    if (pictures && !has_source(r->c, INPUT_CAMERA))
        warn(r, "check %s/%s stays unknown: no source says camera and alive.", q->name, k->name);
    if (k->kind == CHECK_PASSAGE && k->need == NEED_WASH && !has_role(r->c, "wash"))
        warn(r, "check %s/%s: no point has the role wash: each passage must say wash_s.", q->name, k->name);
}

static void warn_of_requirements(struct report *r)
{
    const struct requirements *all = &r->c->requirements;
    for (int i = 0; i < all->n; i++)
        for (int k = 0; k < all->list[i].nchecks; k++)
            warn_of_check(r, &all->list[i], &all->list[i].checks[k]);
}

static void warn_of_limits(struct report *r, int64_t now_ms)
{
    char day[32];
    for (int i = 0; i < r->c->nunjudged; i++)
        warn(r, "limit %s is not judged: no point has the role %s.", r->c->unjudged[i].id,
             r->c->unjudged[i].role);
    for (int i = 0; i < r->c->nlimits; i++) {
        const struct limit *l = &r->c->limits[i];
        if (l->valid_to_ms <= now_ms)
            warn(r, "limit %s is not judged: it held until %.10s.", l->id,
                 clock_text(l->valid_to_ms - 1, r->c->site.zone_min, day));
        if (l->valid_from_ms > now_ms)
            warn(r, "limit %s is not judged before %.10s, when it begins to hold.", l->id,
                 clock_text(l->valid_from_ms, r->c->site.zone_min, day));
        warn_of_range(r, l);
        warn_of_needs(r, l);
    }
    if (!r->c->nlimits)
        warn(r, "no limit applies: readings are recorded, and nothing is judged.");
}

/* A step that is told to nobody would be noticed when it is too late. */
static void warn_of_escalation(struct report *r)
{
    for (int i = 0; i < r->c->nescalation; i++) {
        const struct escalation_step *s = &r->c->escalation[i];
        const char *whom;
        for (int k = 0; (whom = config_unheard(r->c, s, k)) != NULL; k++)
            warn(r, "escalation %s: nobody of people is of %s.", s->name, whom);
    }
}

void cost_print(const struct config *c, int64_t now_ms, FILE *out)
{
    struct report r = {.c = c, .out = out};
    struct cost_message *messages;
    int n = cost_messages(c, &messages);
    fprintf(out, "configuration OK: %d devices, %d points, %d limits\n", c->ndevices, config_measured(c),
            c->nlimits);
    print_buses(&r);
    print_disk(&r, messages, n);
    print_uplinks(&r, messages, n);
    print_alerts(&r);
    warn_of_limits(&r, now_ms);
    warn_of_requirements(&r);
    warn_of_escalation(&r);
    if (r.nwarnings)
        fprintf(out, "\nWarnings: %d\n%s", r.nwarnings, r.warnings.data);
    buf_finish(&r.warnings);
    mem_free(messages);
}
