/* Whose turn it is, and what goes into the message. */
#include "daemon/alert/outbox_queue.h"

#include "daemon/base/hours.h"
#include "daemon/config/config.h"

#include <limits.h>

enum {
    MINUTE_MS = 60000,
    RESERVE = 5, /* the last 1/RESERVE of a minute's messages is for urgent alerts */
};

/* Messages of the last 60 s. */
static int used(const struct lane *l, int64_t now_ms)
{
    int n = 0;
    while (n < l->nsent && n < OUTBOX_RATE_MOST &&
           now_ms - l->sent_ms[(l->nsent - 1 - n) % OUTBOX_RATE_MOST] < MINUTE_MS)
        n++;
    return n;
}

/* How many more messages may go in this minute; 0 too while the last one is too near. */
static int places(const struct outbox *o, int channel, int64_t now_ms)
{
    const struct channel_config *c = &o->config->channels[channel];
    const struct lane *l = &o->lanes[channel];
    if (l->nsent && now_ms - l->sent_ms[(l->nsent - 1) % OUTBOX_RATE_MOST] < robot_of(c->kind)->gap_ms)
        return 0;
    int left = c->per_minute - used(l, now_ms);
    return !c->per_minute ? INT_MAX : left > 0 ? left : 0;
}

/* What may go into a message. */
struct choice {
    int64_t committed;
    bool urgent, others, quiet;
};

static bool fits(const struct entry *e, const void *arg)
{
    const struct choice *c = arg;
    bool wanted = e->alert->urgent ? c->urgent : c->others && !(c->quiet && e->alert->level == LEVEL_GENERAL);
    return wanted && e->alert->seq <= c->committed && !e->over;
}

static const struct entry *oldest(const struct queue *q, const struct choice *c)
{
    if (!c->others && !q->urgent)
        return NULL;
    for (int i = 0; i < q->n; i++)
        if (fits(&q->list[i], c))
            return &q->list[i];
    return NULL;
}

/* Whether more is waited for: not where a message would be full. */
static bool gathers(const struct outbox *o, const struct queue *q, int64_t now_ms)
{
    return q->sent_ms != INT64_MIN && now_ms - q->sent_ms < o->config->alerts.gather_ms &&
           q->n - q->urgent < OUTBOX_LETTER;
}

/* The queue of the channel whose turn it is: that of the oldest; -1: none's. */
static int turn_of(const struct outbox *o, int channel, const struct choice *c, int64_t now_ms)
{
    int best = -1;
    int64_t best_seq = INT64_MAX;
    for (int i = 0; i < o->nqueues; i++) {
        const struct queue *q = &o->queues[i];
        if (q->channel != channel)
            continue;
        if (!c->urgent && gathers(o, q, now_ms))
            continue;
        const struct entry *e = oldest(q, c);
        if (e && e->alert->seq < best_seq) {
            best = i;
            best_seq = e->alert->seq;
        }
    }
    return best;
}

static int urgent_of(const struct outbox *o, int channel)
{
    int n = 0;
    for (int i = 0; i < o->nqueues; i++)
        n += o->queues[i].channel == channel ? o->queues[i].urgent : 0;
    return n;
}

static int mark(struct queue *q, const struct choice *c, int most)
{
    int marked = 0;
    for (int i = 0; i < q->n && marked < most; i++)
        if (!q->list[i].flying && fits(&q->list[i], c)) {
            q->list[i].flying = true;
            marked++;
        }
    return marked;
}

/* At most `most` of the queue into the message: urgent ones rather than others, the gravest first. */
static void fill(struct outbox *o, struct queue *q, struct choice c, int most, struct outbox_letter *out)
{
    int n = 0, rows = 0, marked = 0;
    struct choice urgent = c;
    urgent.others = false;
    marked = mark(q, &urgent, most);
    marked += mark(q, &c, most - marked);
    for (int i = 0; i < q->n && rows < marked; i++)
        if (q->list[i].flying)
            o->rows[rows++] = q->list[i].alert->seq;
    for (int level = LEVEL_CRITICAL; level >= LEVEL_GENERAL; level--)
        for (int i = 0; i < q->n && n < marked; i++) {
            const struct alert *a = q->list[i].alert;
            if (q->list[i].flying && (int)a->level == level)
                o->texts[n++] = (struct alert_text){a->at_ms, a->level, a->subject, a->title, a->text};
        }
    *out = (struct outbox_letter){q->person, o->texts, o->rows, n, o->texts[0].level};
}

/* An urgent one by itself; where more of them wait than there are places, everything of its person. */
static int choose(const struct outbox *o, int channel, struct outbox_time now, struct choice *c, int *most)
{
    int left = places(o, channel, now.wire_ms), spare = o->config->channels[channel].per_minute / RESERVE;
    bool full = urgent_of(o, channel) > left;
    *most = full ? OUTBOX_LETTER : 1;
    c->urgent = true;
    int turn = left ? turn_of(o, channel, c, now.wire_ms) : -1;
    c->others = full;
    if (turn >= 0 || left <= spare)
        return turn;
    *most = OUTBOX_LETTER;
    c->urgent = false;
    c->others = true;
    return turn_of(o, channel, c, now.wire_ms);
}

bool outbox_next(struct outbox *o, int channel, struct outbox_time now, struct outbox_letter *out)
{
    struct lane *l = &o->lanes[channel];
    const struct config *c = o->config;
    if (l->flying >= 0 || now.wire_ms < l->next_ms)
        return false;
    int most;
    struct choice choice = {.committed = now.committed};
    hours_until(c->alerts.quiet, c->alerts.nquiet, c->site.zone_min, now.site_ms, now.site_ms, &choice.quiet);
    int turn = choose(o, channel, now, &choice, &most);
    if (turn < 0)
        return false;
    fill(o, &o->queues[turn], choice, most, out);
    l->flying = turn;
    l->sent_ms[l->nsent++ % OUTBOX_RATE_MOST] = now.wire_ms;
    return true;
}
