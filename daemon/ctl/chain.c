#include "daemon/ctl/chain.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/signed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { NOTED_LINE_MAX = 64 * 1024 };

/* ---- noted heads ---- */

static bool noted_parse(const char *text, size_t length, struct noted *n)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *journal = json_string_value(json_object_get(object, "journal"));
    bool row = json_object_get(object, "hash"); /* else what the topic `head` says */
    const char *hash = json_string_value(json_object_get(object, row ? "hash" : "head_hash"));
    const json_t *seq = json_object_get(object, row ? "seq" : "head_seq");
    bool good = journal && strlen(journal) == JOURNAL_ID_SIZE - 1 && json_is_integer(seq) &&
                json_integer_value(seq) > 0 && hash && hash_parse(hash, n->hash) == ERR_OK;
    if (good) {
        memcpy(n->journal, journal, JOURNAL_ID_SIZE);
        n->seq = json_integer_value(seq);
    }
    json_decref(object);
    return good;
}

static int by_seq(const void *a, const void *b)
{
    const struct noted *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int noted_read(FILE *in, struct noted_list *list, int *bad_line)
{
    char *line = mem_array(NOTED_LINE_MAX, 1);
    int rc = ERR_OK;
    for (int n = 1; rc == ERR_OK && fgets(line, NOTED_LINE_MAX, in); n++) {
        size_t length = strlen(line);
        if (strspn(line, " \t\r\n") == length)
            continue;
        if (list->count == list->room) {
            list->room = list->room ? list->room * 2 : 64;
            list->items = mem_resize(list->items, (size_t)list->room, sizeof *list->items);
        }
        struct noted *head = &list->items[list->count];
        *head = (struct noted){.line = n};
        if (noted_parse(line, length, head)) {
            list->count++;
        } else {
            *bad_line = n;
            rc = ERR_FORMAT;
        }
    }
    mem_free(line);
    if (list->count)
        qsort(list->items, (size_t)list->count, sizeof *list->items, by_seq);
    return rc;
}

void noted_finish(struct noted_list *list)
{
    mem_free(list->items);
    *list = (struct noted_list){0};
}

/* ---- the walk ---- */

void chain_begin(struct chain *c, const char *journal, const struct noted_list *noted,
                 struct signed_heads *heads)
{
    *c = (struct chain){.noted = noted, .heads = heads};
    snprintf(c->head.id, sizeof c->head.id, "%s", journal);
}

static void compare(struct chain *c, const struct noted *n, const uint8_t *hash)
{
    if (strcmp(n->journal, c->head.id) != 0) {
        c->foreign++;
    } else if (hash && memcmp(n->hash, hash, HASH_SIZE) == 0) {
        c->agreed++;
    } else {
        c->differed++;
        c->first_differing = c->first_differing ? c->first_differing : n->seq;
    }
}

/* What exactly journal_check did not like. */
static void name_damage(struct chain *c, const struct row *row)
{
    uint8_t body[HASH_SIZE];
    c->damaged = c->head.seq + 1;
    if (row->seq != c->head.seq + 1) {
        c->why_zh = "缺少这条记录";
        c->why_en = "the row is missing";
        return;
    }
    if (row->body)
        hash_bytes(row->body, strlen(row->body), body);
    if (row->body && memcmp(body, row->body_sha256, HASH_SIZE) != 0) {
        c->why_zh = "正文与其 SHA-256 不符";
        c->why_en = "the body does not have the SHA-256 beside it";
        return;
    }
    struct journal trial = c->head;
    struct row bare = *row;
    bare.body = NULL;
    bool linked = journal_check(&trial, &bare) == ERR_OK;
    c->why_zh = linked ? "时间、类别或对象与正文不符" : "哈希与上一条不衔接";
    c->why_en = linked ? "time, kind or subject differ from the body"
                       : "the hash does not follow from the row before";
}

/* Retention deletes bodies of minutes only, and says which in a row before it does. */
static int take_body(struct chain *c, const struct row *row)
{
    if (!row->body) {
        c->without_body++;
        c->last_without = row->seq;
        if (strcmp(row->kind, "minute") == 0)
            return ERR_OK;
        c->damaged = row->seq;
        c->why_zh = "正文缺失，而保存期限从不删除这类记录";
        c->why_en = "its body is gone, of a kind that retention never deletes";
        return ERR_DAMAGED;
    }
    if (strcmp(row->kind, "retention") != 0 || strcmp(row->subject, "minute") != 0)
        return ERR_OK;
    json_t *body = json_loads(row->body, JSON_REJECT_DUPLICATES, NULL);
    int64_t to = json_integer_value(json_object_get(body, "to"));
    c->named = to > c->named ? to : c->named;
    json_decref(body);
    return ERR_OK;
}

int chain_row(struct chain *c, const struct row *row)
{
    struct journal before = c->head;
    if (journal_check(&c->head, row) != ERR_OK) {
        name_damage(c, row);
        return ERR_DAMAGED;
    }
    if (c->heads && strcmp(row->kind, "head") == 0 && signed_take(c->heads, &before, row) != ERR_OK) {
        c->damaged = row->seq;
        c->why_zh = "签名不符：它签的不是前一条的链头，或签名有假";
        c->why_en = "its signature is false, or not for the row before it";
        return ERR_DAMAGED;
    }
    c->rows++;
    for (; c->noted && c->next < c->noted->count && c->noted->items[c->next].seq <= row->seq; c->next++)
        compare(c, &c->noted->items[c->next], row->hash);
    return take_body(c, row);
}

void chain_end(struct chain *c)
{
    for (; c->noted && c->next < c->noted->count; c->next++)
        compare(c, &c->noted->items[c->next], NULL);
    if (c->damaged || c->last_without <= c->named)
        return;
    c->damaged = c->last_without;
    c->why_zh = "正文缺失，而没有任何一条保存期限记录说明已删除";
    c->why_en = "its body is gone, and no retention row says that it was deleted";
}
