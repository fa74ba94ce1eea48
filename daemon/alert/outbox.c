/* What waits: configuration, rows in, how it is. */
#include "daemon/alert/outbox_queue.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"

#include <string.h>

enum {
    TEXT_BYTES = 2 * 1024 * 1024, /* beyond it alerts keep their titles alone */
    OVER_AT_ONCE = 512,
};

static int channel_index(const struct config *c, const char *name)
{
    for (int i = 0; i < c->nchannels; i++)
        if (strcmp(c->channels[i].name, name) == 0)
            return i;
    return -1;
}

static void make_queues(struct outbox *o)
{
    const struct config *c = o->config;
    int n = 0;
    for (int i = 0; i < c->npeople; i++)
        n += c->people[i].nchannels;
    o->queues = mem_array((size_t)n, sizeof *o->queues);
    o->nqueues = 0;
    for (int i = 0; i < c->npeople; i++)
        for (int k = 0; k < c->people[i].nchannels; k++)
            o->queues[o->nqueues++] = (struct queue){.person = &c->people[i],
                                                     .channel = channel_index(c, c->people[i].channels[k]),
                                                     .sent_ms = INT64_MIN};
    o->lanes = mem_array((size_t)c->nchannels, sizeof *o->lanes);
    for (int i = 0; i < c->nchannels; i++)
        o->lanes[i].flying = -1;
}

struct outbox *outbox_create(const struct config *c)
{
    struct outbox *o = mem_new(struct outbox);
    o->config = c;
    make_queues(o);
    return o;
}

/* The queue of the same names; the lane's flight is told the new number. */
static void move_queue(struct outbox *o, const struct config *was, struct queue *from, struct lane *lane,
                       int number)
{
    for (int i = 0; i < o->nqueues; i++) {
        struct queue *q = &o->queues[i];
        if (strcmp(q->person->name, from->person->name) != 0 ||
            strcmp(o->config->channels[q->channel].name, was->channels[from->channel].name) != 0)
            continue;
        struct queue moved = *from;
        moved.person = q->person;
        moved.channel = q->channel;
        *q = moved;
        if (lane->flying == number)
            o->lanes[q->channel].flying = i;
        *from = (struct queue){0};
        return;
    }
    queue_finish(from);
}

void outbox_configure(struct outbox *o, const struct config *is, const bool *restarted)
{
    struct outbox was = *o;
    o->config = is;
    make_queues(o);
    for (int i = 0; i < is->nchannels; i++) {
        int k = channel_index(was.config, is->channels[i].name);
        if (k >= 0)
            o->lanes[i] = was.lanes[k];
        o->lanes[i].flying = -1;
    }
    for (int i = 0; i < was.nqueues; i++)
        move_queue(o, was.config, &was.queues[i], &was.lanes[was.queues[i].channel], i);
    for (int i = 0; i < is->nchannels; i++) {
        struct lane *lane = &o->lanes[i];
        if (restarted[i] && lane->flying >= 0) {
            queue_land(&o->queues[lane->flying]);
            lane->flying = -1;
        }
        if (restarted[i]) { /* its settings are others: what was wrong may be right */
            lane->next_ms = 0;
            lane->failed = 0;
            lane->why[0] = 0;
        }
    }
    mem_free(was.queues);
    mem_free(was.lanes);
    outbox_count(o);
}

void outbox_free(struct outbox *o)
{
    if (!o)
        return;
    for (int i = 0; i < o->nqueues; i++)
        queue_finish(&o->queues[i]);
    mem_free(o->queues);
    mem_free(o->lanes);
    mem_free(o);
}

/* ---- in ---- */

/* The oldest of the fullest queue, as many at once as make it worth walking. */
static void make_room(struct outbox *o)
{
    struct queue *fullest = &o->queues[0];
    for (int i = 1; i < o->nqueues; i++)
        if (o->queues[i].n > fullest->n)
            fullest = &o->queues[i];
    bool urgent_too = fullest->urgent == fullest->n;
    for (int i = 0, left = OVER_AT_ONCE; i < fullest->n && left; i++) {
        struct entry *e = &fullest->list[i];
        if (e->over || e->flying || (e->alert->urgent && !urgent_too))
            continue;
        e->over = true;
        o->over++;
        left--;
    }
}

static bool is_to(const json_t *to, const char *person)
{
    size_t i;
    json_t *name;
    json_array_foreach(to, i, name)
    {
        const char *text = json_string_value(name);
        if (text && strcmp(text, person) == 0)
            return true;
    }
    return false;
}

int outbox_alert(struct outbox *o, int64_t seq, const json_t *body)
{
    bool zh = strcmp(o->config->language, "zh") == 0;
    struct alert *a = alert_make(seq, body, zh, o->text_bytes < TEXT_BYTES);
    if (!a)
        return ERR_FORMAT;
    a->refs = 1; /* ours, while it is given out */
    for (int i = 0; i < o->nqueues; i++)
        if (is_to(json_object_get(body, "to"), o->queues[i].person->name)) {
            queue_add(&o->queues[i], a);
            o->entries++;
        }
    o->text_bytes += a->refs > 1 ? strlen(a->text) : 0;
    alert_drop(a);
    if (o->entries - o->over > OUTBOX_MOST)
        make_room(o);
    return ERR_OK;
}

static struct queue *queue_named(struct outbox *o, const char *person, const char *channel)
{
    for (int i = 0; person && channel && i < o->nqueues; i++)
        if (strcmp(o->queues[i].person->name, person) == 0 &&
            strcmp(o->config->channels[o->queues[i].channel].name, channel) == 0)
            return &o->queues[i];
    return NULL;
}

/* In ascending numbers. */
static bool in_rows(const struct entry *e, const void *rows)
{
    size_t low = 0, high = json_array_size(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        json_int_t row = json_integer_value(json_array_get(rows, middle));
        if (row == e->alert->seq)
            return true;
        if (row < e->alert->seq)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

void outbox_alerted(struct outbox *o, const json_t *body)
{
    struct queue *q = queue_named(o, json_string_value(json_object_get(body, "subject")),
                                  json_string_value(json_object_get(body, "channel")));
    const json_t *rows = json_object_get(body, "rows");
    if (!q || !json_is_array(rows))
        return;
    queue_take(q, in_rows, rows, o->rows, OUTBOX_LETTER);
    outbox_count(o);
}

/* ---- how it is ---- */

static void add_queue(const struct queue *q, int *waiting, int *urgent, int64_t *oldest_ms)
{
    *waiting += q->n;
    *urgent += q->urgent;
    if (q->n && (!*oldest_ms || q->list[0].alert->at_ms < *oldest_ms))
        *oldest_ms = q->list[0].alert->at_ms;
}

struct outbox_channel outbox_channel(const struct outbox *o, int channel)
{
    const struct lane *l = &o->lanes[channel];
    struct outbox_channel s = {.taken = l->taken,
                               .refused = l->refused,
                               .failed = l->failed,
                               .next_ms = l->next_ms,
                               .sending = l->flying >= 0};
    snprintf(s.why, sizeof s.why, "%s", l->why);
    for (int i = 0; i < o->nqueues; i++)
        if (o->queues[i].channel == channel)
            add_queue(&o->queues[i], &s.waiting, &s.urgent, &s.oldest_ms);
    return s;
}

bool outbox_queue(const struct outbox *o, int i, struct outbox_queue *out)
{
    if (i >= o->nqueues)
        return false;
    *out = (struct outbox_queue){.person = o->queues[i].person->name,
                                 .channel = o->config->channels[o->queues[i].channel].name};
    add_queue(&o->queues[i], &out->waiting, &out->urgent, &out->oldest_ms);
    return true;
}
