#include "daemon/ctl/source.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/chain.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/when.h"
#include "daemon/store/lines.h"
#include "daemon/store/rawblock.h"
#include "daemon/store/store.h"

#include <string.h>

/* Rows, and minutes of raw samples, that are asked for at a time. */
enum { PAGE_ROWS = 500, PAGE_MINUTES = 5 };

struct source {
    struct ctl *ctl;
    struct source_about about;
    struct store_copy *copy; /* NULL: the daemon */
};

const struct source_about *source_about(const struct source *s)
{
    return &s->about;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    json_decref(s->about.site);
    if (s->copy)
        store_copy_close(s->copy);
    mem_free(s);
}

/* ---- the daemon ---- */

struct receiver {
    source_row row;
    source_line line;
    void *arg;
    int rc; /* of the last call, or ERR_FORMAT */
};

static int receive_row(const char *text, const json_t *data, void *arg)
{
    struct receiver *to = arg;
    struct row row;
    (void)text;
    to->rc = ERR_FORMAT;
    if (row_of_line(data, &row) == ERR_OK) {
        to->rc = to->row(&row, to->arg);
        row_finish(&row);
    }
    return to->rc;
}

static int receive_line(const char *text, const json_t *data, void *arg)
{
    struct receiver *to = arg;
    (void)data;
    to->rc = to->line(text, to->arg);
    return to->rc;
}

static json_t *page_request(const char *verb, const struct span *span, int limit)
{
    json_t *request =
        json_pack("{s:s, s:I, s:i}", "do", verb, "after", (json_int_t)span->after, "limit", limit);
    if (span->kind && *span->kind)
        json_object_set_new(request, "kind", json_string(span->kind));
    if (span->from_ms != INT64_MIN)
        json_object_set_new(request, "from", json_integer(span->from_ms));
    if (span->to_ms != INT64_MAX)
        json_object_set_new(request, "to", json_integer(span->to_ms));
    return request;
}

/* Page after page until the daemon has no more, or the receiver wants none. */
static int ask_pages(struct source *s, const char *verb, struct span span, int limit, struct receiver *to)
{
    do {
        json_t *request = page_request(verb, &span, limit);
        json_t *final = to->row ? ctl_ask(s->ctl, request, receive_row, to)
                                : ctl_ask_text(s->ctl, request, receive_line, to);
        if (!final)
            return ERR_IO;
        int64_t next = int_of(final, "next");
        json_decref(final);
        if (next && next <= span.after)
            to->rc = ERR_FORMAT;
        span.after = next;
    } while (span.after && to->rc == ERR_OK);
    return to->rc;
}

static int no_row(const char *text, const json_t *data, void *arg)
{
    (void)text, (void)data, (void)arg;
    return ERR_CLOSED;
}

static void look_at_key(struct source_about *about, const json_t *object)
{
    if (!*text_of(object, "key"))
        return;
    snprintf(about->key, sizeof about->key, "%s", text_of(object, "key"));
    snprintf(about->fingerprint, sizeof about->fingerprint, "%s", text_of(object, "fingerprint"));
}

static int about_daemon(struct source *s)
{
    json_t *status = ctl_result(s->ctl, json_pack("{s:s}", "do", "status"));
    if (!status)
        return ERR_IO;
    s->about.now_ms = int_of(status, "now");
    s->about.simulated = is_true(status, "simulated");
    s->about.site = json_incref(json_object_get(status, "site"));
    look_at_key(&s->about, status);
    struct span last = {"", int_of(status, "committed"), INT64_MIN, INT64_MAX};
    json_decref(status);
    json_t *final = ctl_ask(s->ctl, page_request("rows", &last, 1), no_row, NULL);
    if (!final)
        return ERR_IO;
    const json_t *head = json_object_get(final, "head");
    struct journal *j = &s->about.head;
    snprintf(j->id, sizeof j->id, "%s", text_of(final, "journal"));
    j->seq = int_of(head, "seq");
    bool good = j->seq == 0 || hash_parse(text_of(head, "hash"), j->hash) == ERR_OK;
    json_decref(final);
    if (!good)
        complain("%s", say(s->ctl, "dustd 没有给出链头", "dustd does not say where its chain ends"));
    return good ? ERR_OK : ERR_FORMAT;
}

/* ---- a database ---- */

static int copy_rows(struct source *s, const struct span *span, source_row each, void *arg)
{
    struct question q = {
        .after = span->after, .from_ms = span->from_ms, .to_ms = span->to_ms, .limit = PAGE_ROWS};
    snprintf(q.kind, sizeof q.kind, "%s", span->kind ? span->kind : "");
    int rc = ERR_OK;
    do {
        struct page *page = store_copy_ask(s->copy, &q);
        rc = page->error;
        if (rc != ERR_OK)
            complain("%s: %s", s->ctl->db, err_str(rc));
        for (int i = 0; rc == ERR_OK && i < page->nrows; i++)
            rc = each(&page->rows[i], arg);
        q.after = page->next;
        page_free(page);
    } while (rc == ERR_OK && q.after);
    return rc;
}

static int copy_blocks(struct source *s, const struct span *span, source_block each, void *arg)
{
    struct question q = {.raw = true,
                         .after = span->after,
                         .from_ms = span->from_ms,
                         .to_ms = span->to_ms,
                         .limit = PAGE_MINUTES};
    int rc = ERR_OK;
    do {
        struct page *page = store_copy_ask(s->copy, &q);
        rc = page->error;
        if (rc != ERR_OK)
            complain("%s: %s", s->ctl->db, err_str(rc));
        for (int i = 0; rc == ERR_OK && i < page->nblocks; i++)
            rc = each(page->blocks[i].seq, page->blocks[i].data, page->blocks[i].length, arg);
        q.after = page->next;
        page_free(page);
    } while (rc == ERR_OK && q.after);
    return rc;
}

struct sample_printer {
    const struct span *span;
    int64_t seq;
    struct buf text;
    source_line each;
    void *arg;
    int rc;
};

static void print_sample(const struct raw_sample *sample, void *arg)
{
    struct sample_printer *p = arg;
    int64_t at_ms = sample->sample.at_ms;
    if (p->rc != ERR_OK || at_ms < p->span->from_ms || at_ms >= p->span->to_ms)
        return;
    buf_clear(&p->text);
    sample_line(sample, p->seq, &p->text);
    p->rc = p->each(p->text.data, p->arg);
}

static int print_block(int64_t seq, const void *data, size_t length, void *arg)
{
    struct sample_printer *p = arg;
    p->seq = seq;
    int rc = rawblock_decode(data, length, print_sample, p);
    if (rc != ERR_OK)
        complain("raw block of row %lld: %s", (long long)seq, err_str(rc));
    return rc != ERR_OK ? rc : p->rc;
}

static void print_chunk(const void *data, size_t length, void *arg)
{
    struct sample_printer *p = arg;
    if (p->rc == ERR_OK)
        p->rc = print_block(0, data, length, p);
}

/* A block is stamped with its minute's start: one that begins before `from` may reach into the range. */
static int copy_samples(struct source *s, const struct span *span, source_line each, void *arg)
{
    struct sample_printer p = {.span = span, .each = each, .arg = arg};
    struct span wider = *span;
    if (wider.from_ms != INT64_MIN)
        wider.from_ms -= CLOCK_MINUTE_MS;
    int rc = copy_blocks(s, &wider, print_block, &p);
    if (rc == ERR_OK)
        rc = store_copy_scan_samples(s->copy, print_chunk, &p);
    buf_finish(&p.text);
    return rc != ERR_OK ? rc : p.rc;
}

static int look_at_last(const struct row *row, void *arg)
{
    struct source_about *about = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    about->now_ms = row->at_ms;
    about->simulated = is_true(body, "simulated");
    json_decref(body);
    return ERR_OK;
}

/* The gateway's key: the last row of that kind counts. */
static int look_at_boot(const struct row *row, void *arg)
{
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    look_at_key(arg, body);
    json_decref(body);
    return ERR_OK;
}

/* The settings in force: the last row of that kind counts. */
static int look_at_settings(const struct row *row, void *arg)
{
    struct source *s = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    json_t *site = json_object_get(body, "site");
    ctl_learn(s->ctl, body);
    if (json_is_object(site)) {
        json_decref(s->about.site);
        s->about.site = json_incref(site);
    }
    json_decref(body);
    return ERR_OK;
}

static int about_copy(struct source *s)
{
    struct span settings = {"settings", 0, INT64_MIN, INT64_MAX}, boots = {"boot", 0, INT64_MIN, INT64_MAX};
    char why[256] = "";
    int rc = store_copy_open(s->ctl->db, &s->copy, &s->about.head, why, sizeof why);
    if (rc != ERR_OK) {
        complain("%s: %s", s->ctl->db, *why ? why : err_str(rc));
        return rc;
    }
    struct span last = {"", s->about.head.seq - 1, INT64_MIN, INT64_MAX};
    if (s->about.head.seq)
        rc = copy_rows(s, &last, look_at_last, &s->about);
    if (rc == ERR_OK)
        rc = copy_rows(s, &boots, look_at_boot, &s->about);
    return rc == ERR_OK ? copy_rows(s, &settings, look_at_settings, s) : rc;
}

/* ---- both ---- */

int source_open(struct ctl *c, struct source **out)
{
    struct source *s = mem_new(struct source);
    s->ctl = c;
    int rc = c->db ? about_copy(s) : about_daemon(s);
    if (rc == ERR_OK)
        *out = s;
    else
        source_close(s);
    return rc;
}

static int end_of_pages(const struct source *s, const struct receiver *to, int rc)
{
    if (rc == ERR_FORMAT)
        complain("%s", say(s->ctl, "dustd 的应答看不懂", "the answer of dustd cannot be read"));
    return to->rc != ERR_OK ? to->rc : rc;
}

int source_rows(struct source *s, const struct span *span, source_row each, void *arg)
{
    struct receiver to = {.row = each, .arg = arg};
    return s->copy ? copy_rows(s, span, each, arg)
                   : end_of_pages(s, &to, ask_pages(s, "rows", *span, PAGE_ROWS, &to));
}

struct row_printer {
    struct buf text;
    source_line each;
    void *arg;
};

static int print_row(const struct row *row, void *arg)
{
    struct row_printer *p = arg;
    buf_clear(&p->text);
    row_line(row, &p->text);
    return p->each(p->text.data, p->arg);
}

int source_row_lines(struct source *s, const struct span *span, source_line each, void *arg)
{
    struct receiver to = {.line = each, .arg = arg};
    struct row_printer p = {.each = each, .arg = arg};
    int rc = s->copy ? copy_rows(s, span, print_row, &p)
                     : end_of_pages(s, &to, ask_pages(s, "rows", *span, PAGE_ROWS, &to));
    buf_finish(&p.text);
    return rc;
}

int source_samples(struct source *s, const struct span *span, source_line each, void *arg)
{
    struct receiver to = {.line = each, .arg = arg};
    return s->copy ? copy_samples(s, span, each, arg)
                   : end_of_pages(s, &to, ask_pages(s, "samples", *span, PAGE_MINUTES, &to));
}

int source_blocks(struct source *s, const struct span *span, source_block each, void *arg)
{
    return s->copy ? copy_blocks(s, span, each, arg) : ERR_STATE;
}

static int read_time(const struct ctl *c, const struct source *s, const char *option, const char *text,
                     int64_t *at_ms)
{
    if (!text || when_parse(text, s->about.now_ms, c->zone_min, at_ms) == ERR_OK)
        return EXIT_OK;
    complain(say(c, "--%s %s：不是时间；可写 2026-11-23T08:15、2026-11-23、08:15、-2h、now",
                 "--%s %s: no time; write 2026-11-23T08:15, 2026-11-23, 08:15, -2h or now"),
             option, text);
    return EXIT_USAGE;
}

int source_range(const struct ctl *c, const struct source *s, struct span *span)
{
    if (read_time(c, s, "from", c->from, &span->from_ms) != EXIT_OK ||
        read_time(c, s, "to", c->to, &span->to_ms) != EXIT_OK)
        return EXIT_USAGE;
    if (span->from_ms < span->to_ms)
        return EXIT_OK;
    complain("%s", say(c, "起始时间不在结束时间之前", "the range is empty: from is not before to"));
    return EXIT_USAGE;
}
