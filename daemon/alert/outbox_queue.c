#include "daemon/alert/outbox_queue.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/utf8.h"
#include "daemon/ledger/issue.h"

#include <stdio.h>
#include <string.h>

enum { TITLE_MOST = 240, TITLE_ALONE = 120 };

static const char *text_of(const json_t *body, const char *key)
{
    const char *text = json_string_value(json_object_get(body, key));
    return text ? text : "";
}

/* In the language of the site; the other one where that says nothing. */
static char *words_of(const json_t *body, const char *key, bool zh, size_t most)
{
    const json_t *both = json_object_get(body, key);
    const char *text = text_of(both, zh ? "zh" : "en");
    if (!text[0])
        text = text_of(both, zh ? "en" : "zh");
    return mem_string_n(text, utf8_cut(text, strlen(text), most));
}

/* As much of a short text as there is room for. */
static void keep(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%.*s", (int)utf8_cut(text, strlen(text), size - 1), text);
}

struct alert *alert_make(int64_t seq, const json_t *body, bool zh, bool keep_text)
{
    enum level level;
    const char *step = text_of(body, "step"), *said = text_of(body, "level");
    if (!step[0] || level_parse(said, &level) != ERR_OK || !json_is_array(json_object_get(body, "to")))
        return NULL;
    struct alert *a = mem_new(struct alert);
    a->seq = seq;
    a->at_ms = json_integer_value(json_object_get(body, "ts"));
    a->level = level;
    a->urgent = level == LEVEL_CRITICAL || strcmp(step, "test") == 0;
    keep(a->subject, sizeof a->subject, text_of(body, "subject"));
    a->title = words_of(body, "title", zh, keep_text ? TITLE_MOST : TITLE_ALONE);
    a->text = words_of(body, "text", zh, keep_text ? OUTBOX_TEXT_MOST : 0);
    return a;
}

void alert_drop(struct alert *a)
{
    if (--a->refs > 0)
        return;
    mem_free(a->title);
    mem_free(a->text);
    mem_free(a);
}

void queue_add(struct queue *q, struct alert *a)
{
    if (q->n && q->list[q->n - 1].alert == a)
        return;
    if (q->n == q->room) {
        q->room = q->room ? q->room * 2 : 8;
        q->list = mem_resize(q->list, (size_t)q->room, sizeof *q->list);
    }
    q->list[q->n++] = (struct entry){.alert = a};
    q->urgent += a->urgent;
    a->refs++;
}

int queue_take(struct queue *q, bool (*out_of)(const struct entry *e, const void *arg), const void *arg,
               int64_t *rows, int most)
{
    int kept = 0, taken = 0;
    for (int i = 0; i < q->n; i++) {
        struct entry e = q->list[i];
        if (taken == most || !out_of(&e, arg)) {
            q->list[kept++] = e;
            continue;
        }
        rows[taken++] = e.alert->seq;
        q->urgent -= e.alert->urgent;
        alert_drop(e.alert);
    }
    q->n = kept;
    if (!kept) { /* after a storm its room goes too */
        mem_free(q->list);
        q->list = NULL;
        q->room = 0;
    }
    return taken;
}

void queue_finish(struct queue *q)
{
    for (int i = 0; i < q->n; i++)
        alert_drop(q->list[i].alert);
    mem_free(q->list);
    *q = (struct queue){0};
}

void queue_land(struct queue *q)
{
    for (int i = 0; i < q->n; i++)
        q->list[i].flying = false;
}

void outbox_count(struct outbox *o)
{
    o->entries = o->over = 0;
    for (int i = 0; i < o->nqueues; i++) {
        o->entries += o->queues[i].n;
        for (int k = 0; k < o->queues[i].n; k++)
            o->over += o->queues[i].list[k].over;
    }
    if (!o->entries)
        o->text_bytes = 0;
}
