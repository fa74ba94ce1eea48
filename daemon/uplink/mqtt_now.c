/* Now-messages: the waiting ones merged by topic, and those in flight. A site has some hundreds of topics,
 * all of them waiting only right after a connect: a walk over the array does. */
#include "daemon/uplink/mqtt_parts.h"

#include "daemon/base/mem.h"

#include <string.h>

static void message_finish(struct now_message *n)
{
    mem_free(n->topic);
    mem_free(n->payload);
    *n = (struct now_message){0};
}

static struct now_message *waiting_of(struct pending *p, const char *topic)
{
    for (int i = 0; i < p->count; i++)
        if (!p->waiting[i].once && strcmp(p->waiting[i].topic, topic) == 0)
            return &p->waiting[i];
    return NULL;
}

static struct now_message *one_more(struct pending *p)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 64;
        p->waiting = mem_resize(p->waiting, (size_t)p->room, sizeof *p->waiting);
    }
    return &p->waiting[p->count++];
}

void pending_put(struct pending *p, char *topic, char *payload, int qos)
{
    struct now_message *n = waiting_of(p, topic);
    if (n)
        message_finish(n);
    else
        n = one_more(p);
    *n = (struct now_message){.qos = qos};
    n->topic = topic;
    n->payload = payload;
}

struct now_message *pending_say(struct pending *p, char *topic, char *payload, int most)
{
    struct now_message n = {.qos = 1, .once = true}, *kept = NULL;
    n.topic = topic;
    n.payload = payload;
    if (p->count < most)
        kept = one_more(p);
    if (kept)
        *kept = n;
    else
        message_finish(&n);
    return kept;
}

struct now_message *pending_first(struct pending *p)
{
    return p->count ? &p->waiting[0] : NULL;
}

static struct now_message take_first(struct pending *p)
{
    struct now_message first = p->waiting[0];
    p->count--;
    memmove(p->waiting, p->waiting + 1, (size_t)p->count * sizeof *p->waiting);
    return first;
}

void pending_sent(struct pending *p, int mid)
{
    struct now_message n = take_first(p);
    if (n.qos == 0) {
        message_finish(&n);
        return;
    }
    n.mid = mid;
    p->flight[p->in_flight++] = n;
}

void pending_drop(struct pending *p)
{
    struct now_message n = take_first(p);
    message_finish(&n);
}

struct now_message *pending_flying(struct pending *p, int mid)
{
    for (int i = 0; i < p->in_flight; i++)
        if (p->flight[i].mid == mid)
            return &p->flight[i];
    return NULL;
}

void pending_answered(struct pending *p, int mid, enum mqtt_answer answer)
{
    struct now_message *at = pending_flying(p, mid);
    if (!at)
        return;
    struct now_message n = *at;
    *at = p->flight[--p->in_flight];
    if (answer == ANSWER_LATER && n.once)
        *one_more(p) = n;
    else if (answer == ANSWER_LATER && !waiting_of(p, n.topic))
        pending_put(p, n.topic, n.payload, n.qos);
    else
        message_finish(&n);
}

void pending_clear(struct pending *p)
{
    for (int i = 0; i < p->count; i++)
        message_finish(&p->waiting[i]);
    for (int i = 0; i < p->in_flight; i++)
        message_finish(&p->flight[i]);
    p->count = p->in_flight = 0;
}

void pending_finish(struct pending *p)
{
    pending_clear(p);
    mem_free(p->waiting);
    *p = (struct pending){0};
}
