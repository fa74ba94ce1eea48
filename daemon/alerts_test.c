/* Tests of channels, asked for by a person; and what waits. */
#include "daemon/acting.h"

#include "daemon/alert/outbox.h"
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/control.h"
#include "daemon/dustd.h"
#include "daemon/reload.h"
#include "daemon/rows.h"

#include <string.h>

enum { TEST_US = 20000000 }; /* a transfer takes 15 s at most */

void alerts_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid, (void)request;
    verb_answer(d, client,
                json_pack("{s:o,s:o}", "channels", alerts_channels_json(d, clock_site_ms()), "waiting",
                          alerts_queues_json(d)));
}

/* What is known of each channel of the person: nothing yet. */
static json_t *open_channels(const struct dustd *d, const struct person *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->nchannels; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s}", "channel", p->channels[i], "kind",
                                        channel_kind_str(config_channel(d->config, p->channels[i])->kind),
                                        "state", "waiting"));
    return list;
}

static struct alert_test *free_test(struct dustd *d)
{
    for (int i = 0; i < ALERT_TESTS; i++)
        if (!d->alerts.tests[i].client)
            return &d->alerts.tests[i];
    return NULL;
}

static int64_t append_test(struct dustd *d, const struct person *p, const struct author *by)
{
    int64_t now_ms = clock_site_ms();
    json_t *body = row_begin(d, now_ms, "alert", "");
    json_object_set_new(body, "step", json_string("test"));
    json_object_set_new(body, "level", json_string("general"));
    json_object_set_new(body, "to", json_pack("[s]", p->name));
    json_object_set_new(body, "title",
                        json_pack("{s:s,s:s}", "zh", "测试提醒（无需处理）", "en", "Test (nothing to do)"));
    json_object_set_new(
        body, "text", json_pack("{s:s+,s:s+}", "zh", "发起人：", by->name, "en", "Asked for by ", by->name));
    json_object_set_new(body, "by", json_string(by->name));
    if (by->as_root)
        json_object_set_new(body, "as_root", json_true());
    return row_append(d, now_ms, "alert", "", body);
}

/* Why this person cannot be sent a test now; NULL: he can. */
static const char *refusal(const struct dustd *d, const struct person *p, const struct alert_test *t)
{
    return !p                ? "there is no person of that name in the configuration"
           : !p->nchannels   ? "the person has no channels in the configuration"
           : d->hold.undated ? "the clock of this machine is not right yet: an alert would have no date"
           : !t              ? "other tests are under way: try again in 20 s"
                             : NULL;
}

void alert_test_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    const char *name = json_string_value(json_object_get(request, "person"));
    struct author by;
    if (!verb_author(d, client, uid, json_string_value(json_object_get(request, "as")), "testing alerts",
                     &by))
        return;
    const struct person *p = name ? config_person(d->config, name) : NULL;
    struct alert_test *t = free_test(d);
    const char *why = refusal(d, p, t);
    int64_t seq = why ? 0 : append_test(d, p, &by);
    if (!seq) {
        verb_fail(d, client, why ? why : "the disk takes nothing, and nothing more can be kept");
        return;
    }
    *t = (struct alert_test){
        .client = client, .seq = seq, .until_us = clock_wire_us() + TEST_US, .channels = open_channels(d, p)};
    snprintf(t->person, sizeof t->person, "%s", p->name);
}

static void finish(struct dustd *d, struct alert_test *t)
{
    verb_answer(
        d, t->client,
        json_pack("{s:s,s:I,s:o}", "person", t->person, "row", (json_int_t)t->seq, "channels", t->channels));
    *t = (struct alert_test){0};
}

static bool is_in(const struct outbox_verdict *v, int64_t seq)
{
    for (int i = 0; i < v->nrows; i++)
        if (v->rows[i] == seq)
            return true;
    return false;
}

/* Whether all channels are settled after this one. */
static bool note(struct alert_test *t, const struct outbox_verdict *v)
{
    size_t i;
    json_t *j;
    bool all = true;
    json_array_foreach(t->channels, i, j)
    {
        if (strcmp(json_string_value(json_object_get(j, "channel")), v->channel) == 0) {
            json_object_set_new(j, "state", json_string(v->ok ? "taken" : "refused"));
            if (!v->ok)
                json_object_set_new(j, "why", json_string(v->why));
        }
        all = all && strcmp(json_string_value(json_object_get(j, "state")), "waiting") != 0;
    }
    return all;
}

void alerts_test_verdict(struct dustd *d, const struct outbox_verdict *v)
{
    for (int i = 0; i < ALERT_TESTS; i++) {
        struct alert_test *t = &d->alerts.tests[i];
        if (t->client && strcmp(t->person, v->person) == 0 && is_in(v, t->seq) && note(t, v))
            finish(d, t);
    }
}

/* The reason that a channel has not taken it until now. */
static void add_reasons(const struct dustd *d, struct alert_test *t)
{
    size_t k;
    json_t *j;
    json_array_foreach(t->channels, k, j)
    {
        const char *name = json_string_value(json_object_get(j, "channel"));
        for (int i = 0; i < d->config->nchannels; i++) {
            struct outbox_channel s = outbox_channel(d->alerts.outbox, i);
            if (strcmp(d->config->channels[i].name, name) == 0 && s.why[0] && !json_object_get(j, "why"))
                json_object_set_new(j, "why", json_string(s.why));
        }
    }
}

void alerts_test_turn(struct dustd *d, int64_t now_us)
{
    for (int i = 0; i < ALERT_TESTS; i++) {
        struct alert_test *t = &d->alerts.tests[i];
        if (!t->client || (now_us < t->until_us && control_has(d->control, t->client)))
            continue;
        add_reasons(d, t);
        finish(d, t);
    }
}
