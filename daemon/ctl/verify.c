#include "daemon/ctl/chain.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/signed.h"
#include "daemon/ctl/when.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Rows are on the disk a moment after the daemon counted them: how long to wait for the last. */
enum { TAIL_TRIES = 50, TAIL_WAIT_MS = 100 };

/* A head is signed every 10 minutes; this much later, in site time, the newest one is too old. */
enum { RECENT_MS = 20 * CLOCK_MINUTE_MS };

/* What a minute's row says of its raw block. */
struct promise {
    int64_t seq;
    uint8_t sha256[HASH_SIZE];
};

struct raw_check {
    struct promise *items;
    size_t count, room, next;
    int64_t checked;
    int64_t damaged; /* seq of the first block that differs, 0 none */
};

struct verification {
    struct ctl *ctl;
    struct source *source;
    struct noted_list noted;
    struct signed_heads heads;
    struct chain chain;
    struct raw_check raw;
};

/* ---- raw blocks ---- */

static void remember_raw(struct raw_check *raw, const struct row *row)
{
    json_t *body = row->body ? json_loads(row->body, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *raw_hex = json_string_value(json_object_get(body, "raw"));
    uint8_t sha256[HASH_SIZE];
    if (raw_hex && hash_parse(raw_hex, sha256) == ERR_OK) {
        if (raw->count == raw->room) {
            raw->room = raw->room ? raw->room * 2 : 1024;
            raw->items = mem_resize(raw->items, raw->room, sizeof *raw->items);
        }
        raw->items[raw->count].seq = row->seq;
        memcpy(raw->items[raw->count++].sha256, sha256, HASH_SIZE);
    }
    json_decref(body);
}

/* A block without a row that promises it, or with another content, is damage; a promised block that is gone
 * is retention's work. */
static int check_block(int64_t seq, const void *data, size_t length, void *arg)
{
    struct raw_check *raw = arg;
    uint8_t sha256[HASH_SIZE];
    while (raw->next < raw->count && raw->items[raw->next].seq < seq)
        raw->next++;
    hash_bytes(data, length, sha256);
    raw->checked++;
    bool good = raw->next < raw->count && raw->items[raw->next].seq == seq &&
                memcmp(raw->items[raw->next].sha256, sha256, HASH_SIZE) == 0;
    if (!good)
        raw->damaged = seq;
    return good ? ERR_OK : ERR_DAMAGED;
}

/* ---- the walk ---- */

static int take_row(const struct row *row, void *arg)
{
    struct verification *v = arg;
    int rc = chain_row(&v->chain, row);
    if (rc == ERR_OK && v->ctl->db && strcmp(row->kind, "minute") == 0)
        remember_raw(&v->raw, row);
    return rc;
}

static void give_up(struct chain *k, const char *why_zh, const char *why_en)
{
    k->damaged = k->head.seq + 1;
    k->why_zh = why_zh;
    k->why_en = why_en;
}

/* All rows up to the head that the source named. ERR_OK also for a damaged chain. */
static int walk(struct verification *v)
{
    const struct journal *head = &source_about(v->source)->head;
    int rc = ERR_OK;
    chain_begin(&v->chain, head->id, v->ctl->heads ? &v->noted : NULL, &v->heads);
    for (int i = 0; rc == ERR_OK && i < TAIL_TRIES; i++) {
        struct span span = {"", v->chain.head.seq, INT64_MIN, INT64_MAX};
        rc = source_rows(v->source, &span, take_row, v);
        if (v->ctl->db || v->chain.head.seq >= head->seq)
            break;
        nanosleep(&(struct timespec){.tv_nsec = TAIL_WAIT_MS * 1000000L}, NULL);
    }
    if (v->chain.damaged)
        return ERR_OK;
    if (rc == ERR_DAMAGED || v->ctl->damaged) { /* the store serves no row that does not follow */
        give_up(&v->chain, "与前面的记录不衔接，无法读出",
                "it does not follow from the rows before and is not handed out");
        return ERR_OK;
    }
    if (rc == ERR_OK && v->chain.head.seq < head->seq)
        give_up(&v->chain, "链头之前的记录缺失", "rows before the head are missing");
    struct span all = {"", 0, INT64_MIN, INT64_MAX};
    chain_end(&v->chain);
    if (rc == ERR_OK && v->ctl->db)
        rc = source_blocks(v->source, &all, check_block, &v->raw);
    return v->raw.damaged ? ERR_OK : rc;
}

/* ---- the verdict ---- */

static bool is_damaged(const struct verification *v)
{
    return v->chain.damaged || v->raw.damaged || v->chain.differed || v->heads.stranger;
}

static bool is_recent(const struct verification *v)
{
    int64_t now_ms = source_about(v->source)->now_ms; /* 0: a daemon whose clock is not right */
    return v->heads.count && now_ms && now_ms - v->heads.at_ms <= RECENT_MS;
}

/* Rows after the one that carries the newest signature. */
static int64_t uncovered(const struct verification *v)
{
    return v->chain.head.seq - v->heads.seq - (v->heads.count ? 1 : 0);
}

/* By what it was given to compare with: all of it must be good. */
static int verdict(const struct verification *v)
{
    const struct ctl *c = v->ctl;
    if (is_damaged(v))
        return EXIT_FAILED;
    bool proven = (c->key || c->heads) && (!c->key || is_recent(v)) && (!c->heads || v->chain.agreed);
    return proven ? EXIT_OK : EXIT_UNPROVEN;
}

static void print_strangers(const struct verification *v)
{
    const struct ctl *c = v->ctl;
    for (int i = 0; c->key && i < v->heads.nkeys; i++)
        if (!v->heads.keys[i].wanted)
            printf(say(c, "第 %lld 至 %lld 条之间有别的密钥的签名：%s\n",
                       "rows %lld to %lld: signed with ANOTHER key, %s\n"),
                   (long long)v->heads.keys[i].first, (long long)v->heads.keys[i].last,
                   v->heads.keys[i].fingerprint);
}

/* Whose word it is, up to where, and what nobody has signed for. */
static void print_signed(const struct verification *v)
{
    const struct ctl *c = v->ctl;
    const struct signed_heads *h = &v->heads;
    char at[32];
    if (!h->count) {
        puts(say(c, "没有签名的链头", "no head is signed"));
        return;
    }
    printf(say(c, "签名：%lld 个链头的签名有效，最近一个在 %s，密钥指纹 %s%s\n",
               "signed: %lld heads verify, the newest of %s with the key %s%s\n"),
           (long long)h->count, when_text(h->at_ms, c->zone_min, at), h->fingerprint,
           c->key ? "" : say(c, "：请核对指纹，再用 --key 指定", ": compare it, then give it with --key"));
    print_strangers(v);
    if (uncovered(v))
        printf(say(c, "第 %lld 至 %lld 条在最近的签名之后，签名未覆盖\n",
                   "rows %lld to %lld come after it: not covered by a signature\n"),
               (long long)h->seq + 2, (long long)v->chain.head.seq);
    if (c->key && !is_recent(v))
        puts(say(c, "最近的签名太旧：此后的记录可能已被截掉，未得到证明",
                 "the newest signature is too old: rows after it may have been cut off, nothing is proven"));
}

static void print_noted(const struct verification *v)
{
    const struct ctl *c = v->ctl;
    const struct chain *k = &v->chain;
    if (!c->heads && c->key)
        return;
    if (!c->heads) {
        puts(say(c, "没有与任何指纹或外部记下的链头比对：不能证明整条链没有被重造过（见 --key、--heads）",
                 "not compared with any fingerprint or noted head: the whole chain could have been made anew "
                 "(see --key, --heads)"));
        return;
    }
    printf(say(c, "外部链头：%d 个一致，%d 个不一致，%d 个属于别的日志\n",
               "noted heads: %d agree, %d differ, %d are of another journal\n"),
           k->agreed, k->differed, k->foreign);
    if (k->differed)
        printf(say(c, "第一个不一致的是第 %lld 条\n", "the first that differs is that of row %lld\n"),
               (long long)k->first_differing);
    else if (!k->agreed)
        puts(say(c, "没有一个可以比对：未得到证明", "none could be compared: nothing is proven"));
}

static void print_raw(const struct verification *v)
{
    const struct ctl *c = v->ctl;
    long long absent = (long long)v->raw.count - v->raw.checked;
    if (!c->db)
        puts(say(c, "原始采样块未核验：通过控制套接字取不到，请用 --db",
                 "raw blocks not checked: the control socket does not hand them out, use --db"));
    else if (v->raw.damaged)
        printf(say(c, "原始采样块损坏：第 %lld 条的采样与其 SHA-256 不符\n",
                   "raw block DAMAGED: the samples of row %lld do not have the SHA-256 in the row\n"),
               (long long)v->raw.damaged);
    else
        printf(say(c, "原始采样块：%lld 个与记录一致，%lld 个已按保存期限删除\n",
                   "raw blocks: %lld agree with their rows, %lld are gone (retention)\n"),
               (long long)v->raw.checked, absent);
}

static void print_text(const struct verification *v)
{
    const struct ctl *c = v->ctl;
    const struct chain *k = &v->chain;
    char hex[65];
    hash_hex(k->head.hash, hex);
    if (k->damaged) {
        printf(say(c, "日志 %s 在第 %lld 条损坏：%s\n", "journal %s is DAMAGED at row %lld: %s\n"),
               k->head.id, (long long)k->damaged, say(c, k->why_zh, k->why_en));
        return;
    }
    printf(say(c, "日志 %s 完整：%lld 条，链头 %s\n", "journal %s is unbroken: %lld rows, head %s\n"),
           k->head.id, (long long)k->rows, hex);
    if (k->without_body)
        printf(
            say(c, "其中 %lld 条的正文已按保存期限删除\n", "%lld of them have lost their body (retention)\n"),
            (long long)k->without_body);
    print_raw(v);
    print_signed(v);
    print_noted(v);
}

static json_t *signed_json(const struct verification *v)
{
    const struct signed_heads *h = &v->heads;
    json_t *keys = json_array();
    for (int i = 0; i < h->nkeys; i++)
        json_array_append_new(keys, json_pack("{s:s,s:I,s:I,s:b}", "fingerprint", h->keys[i].fingerprint,
                                              "first", (json_int_t)h->keys[i].first, "last",
                                              (json_int_t)h->keys[i].last, "given", h->keys[i].wanted));
    return json_pack("{s:I,s:o,s:I,s:I,s:I,s:b}", "heads", (json_int_t)h->count, "keys", keys, "seq",
                     (json_int_t)h->seq, "ts", (json_int_t)h->at_ms, "uncovered", (json_int_t)uncovered(v),
                     "recent", is_recent(v));
}

static void print_as_json(const struct verification *v)
{
    const struct chain *k = &v->chain;
    char hex[65];
    hash_hex(k->head.hash, hex);
    json_t *result =
        json_pack("{s:s, s:b, s:b, s:I, s:I, s:{s:I, s:s}}", "journal", k->head.id, "unbroken", !k->damaged,
                  "proven", verdict(v) == EXIT_OK, "rows", (json_int_t)k->rows, "without_body",
                  (json_int_t)k->without_body, "head", "seq", (json_int_t)k->head.seq, "hash", hex);
    if (k->damaged)
        json_object_set_new(result, "damaged",
                            json_pack("{s:I, s:s}", "seq", (json_int_t)k->damaged, "why", k->why_en));
    json_object_set_new(result, "signed", signed_json(v));
    if (v->ctl->heads)
        json_object_set_new(result, "heads",
                            json_pack("{s:i, s:i, s:i, s:I}", "agree", k->agreed, "differ", k->differed,
                                      "foreign", k->foreign, "first_differing",
                                      (json_int_t)k->first_differing));
    if (v->ctl->db)
        json_object_set_new(result, "raw",
                            json_pack("{s:I, s:I, s:I}", "promised", (json_int_t)v->raw.count, "checked",
                                      (json_int_t)v->raw.checked, "damaged", (json_int_t)v->raw.damaged));
    print_json(result);
    json_decref(result);
}

static int read_heads(struct verification *v)
{
    const struct ctl *c = v->ctl;
    int bad_line = 0;
    FILE *in = c->heads ? fopen(c->heads, "re") : NULL;
    if (!c->heads)
        return EXIT_OK;
    if (!in) {
        complain("%s: %s", c->heads, strerror(errno));
        return EXIT_USAGE;
    }
    int rc = noted_read(in, &v->noted, &bad_line);
    fclose(in);
    if (rc == ERR_OK)
        return EXIT_OK;
    complain(say(c, "%s:%d：不是含 journal、seq、hash 的 JSON 行",
                 "%s:%d: no JSON line with journal, seq and hash"),
             c->heads, bad_line);
    return EXIT_USAGE;
}

static int read_key(struct verification *v)
{
    const struct ctl *c = v->ctl;
    if (!c->key || signed_want(&v->heads, c->key) == ERR_OK)
        return EXIT_OK;
    complain(say(c, "--key %s：指纹是 64 个十六进制数字（每四个一组），几个指纹用逗号隔开",
                 "--key %s: a fingerprint is 64 hex digits (in groups of four), several have commas between"),
             c->key);
    return EXIT_USAGE;
}

static int run(struct verification *v)
{
    struct ctl *c = v->ctl;
    int rc = read_key(v);
    if (rc == EXIT_OK)
        rc = read_heads(v);
    if (rc != EXIT_OK)
        return rc;
    if (source_open(c, &v->source) != ERR_OK || walk(v) != ERR_OK)
        return EXIT_FAILED;
    if (c->json)
        print_as_json(v);
    else
        print_text(v);
    return verdict(v);
}

int verb_verify(struct ctl *c)
{
    struct verification v = {.ctl = c};
    int rc = run(&v);
    source_close(v.source);
    noted_finish(&v.noted);
    signed_finish(&v.heads);
    mem_free(v.raw.items);
    return rc;
}
