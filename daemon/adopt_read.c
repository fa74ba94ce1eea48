#include "daemon/adopt.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/head.h"
#include "daemon/store/lines.h"

#include <stdarg.h>
#include <string.h>

enum {
    LINE_SIZE = 256 * 1024, /* a row's body, each byte of it escaped, and more */
    ROW_MEMBERS = 7         /* row_line */
};

struct reading {
    FILE *in;
    const char *name;
    char *text; /* of the line */
    int line;
    struct journal claimed; /* the head in the first line */
    bool met;               /* its row has come, with its hash */
    bool samples;           /* no more rows */
    int64_t nrows, nsamples, minutes;
    struct journal head;
    struct adopted *a;
    char *why;
    size_t why_size;
};

static int refuse(struct reading *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(struct reading *r, int code, const char *format, ...)
{
    char what[160];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    snprintf(r->why, r->why_size, "%s:%d: %s", r->name, r->line, what);
    return code;
}

/* The next line as JSON, a new reference; NULL after a word of refusal. */
static json_t *next_line(struct reading *r)
{
    r->line++;
    if (!fgets(r->text, LINE_SIZE, r->in)) {
        refuse(r, ERR_DAMAGED, "the export ends here, without its last line: it is not whole");
        return NULL;
    }
    size_t length = strlen(r->text);
    json_t *line = length && r->text[length - 1] == '\n'
                       ? json_loadb(r->text, length, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    if (!json_is_object(line)) {
        refuse(r, ERR_DAMAGED, "no line of an export of dustctl: it is damaged or not whole");
        json_decref(line);
        return NULL;
    }
    return line;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int take_first(struct reading *r, const json_t *line)
{
    const json_t *head = json_object_get(line, "head");
    const char *id = text_of(line, "journal");
    uint8_t bytes[(JOURNAL_ID_SIZE - 1) / 2];
    if (number_of(line, "export") != 1 || hex_parse(id, bytes, sizeof bytes) != ERR_OK ||
        hash_parse(text_of(head, "hash"), r->claimed.hash) != ERR_OK)
        return refuse(r, ERR_FORMAT, "no export of dustctl");
    if (json_object_get(line, "from") || json_object_get(line, "to"))
        return refuse(r, ERR_FORMAT, "an export of a part (--from, --to): all rows are needed");
    r->claimed.seq = number_of(head, "seq");
    snprintf(r->head.id, sizeof r->head.id, "%s", id);
    r->a->simulated = json_is_true(json_object_get(line, "simulated"));
    return ERR_OK;
}

/* A head that is signed must be so for the row before it. */
static int take_head(struct reading *r, const struct journal *before, const struct row *row)
{
    struct signed_head h;
    json_t *body = row->body ? json_loads(row->body, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int rc = head_read(body, before->id, &h);
    json_decref(body);
    if (rc != ERR_OK || h.head.seq != before->seq || memcmp(h.head.hash, before->hash, HASH_SIZE) != 0 ||
        !head_verifies(&h))
        return refuse(r, ERR_DAMAGED, "row %lld: its signature is false, or not for the row before it",
                      (long long)row->seq);
    sign_fingerprint(h.key, r->a->fingerprint);
    r->a->signed_seq = before->seq;
    return ERR_OK;
}

static void keep_step(struct adopted *a, struct row *row)
{
    a->steps = mem_resize(a->steps, (size_t)a->nsteps + 1, sizeof *a->steps);
    a->steps[a->nsteps++] = *row;
    *row = (struct row){0};
}

/* The row becomes the reader's, or is freed. */
static int take_row(struct reading *r, struct row *row)
{
    struct journal before = r->head;
    int rc = ERR_OK;
    bool minute = strcmp(row->kind, "minute") == 0;
    if (journal_check(&r->head, row) != ERR_OK)
        return refuse(r, ERR_DAMAGED, "row %lld is damaged, or rows before it are missing",
                      (long long)row->seq);
    if (!row->body && !minute) /* retention deletes the bodies of minutes only */
        return refuse(r, ERR_DAMAGED, "row %lld has lost its body", (long long)row->seq);
    r->nrows++;
    r->minutes += minute;
    if (minute || !r->minutes)
        r->a->until_ms = row->at_ms + (minute ? CLOCK_MINUTE_MS : 0);
    if (row->seq == r->claimed.seq)
        r->met = memcmp(row->hash, r->claimed.hash, HASH_SIZE) == 0;
    if (strcmp(row->kind, "head") == 0)
        rc = take_head(r, &before, row);
    else if (strcmp(row->kind, "issue") == 0 && row->body)
        keep_step(r->a, row);
    return rc;
}

static int take_end(struct reading *r, const json_t *line)
{
    if (number_of(line, "rows") != r->nrows || number_of(line, "samples") != r->nsamples)
        return refuse(r, ERR_DAMAGED, "the last line counts other rows or samples: lines are missing");
    if (r->nrows == 0)
        return refuse(r, ERR_FORMAT, "an export without rows");
    if (!r->met)
        return refuse(r, ERR_DAMAGED, "row %lld, which the first line names, is not there as it says",
                      (long long)r->claimed.seq);
    if (fgetc(r->in) != EOF)
        return refuse(r, ERR_DAMAGED, "something follows the last line");
    r->a->head = r->head;
    return ERR_OK;
}

/* A line between the first and the last: a row or a sample. `end`: it was the last. */
static int take_line(struct reading *r, const json_t *line, bool *end)
{
    struct row row = {0};
    *end = json_is_true(json_object_get(line, "end"));
    if (*end)
        return take_end(r, line);
    if (json_object_get(line, "point")) {
        r->samples = true;
        r->nsamples++;
        return ERR_OK;
    }
    if (r->samples || row_of_line(line, &row) != ERR_OK)
        return refuse(r, ERR_DAMAGED, "neither a row nor a sample");
    /* a body under another name would pass for one that retention has deleted */
    bool strange = json_object_size(line) != (row.body ? ROW_MEMBERS : ROW_MEMBERS - 1);
    int rc = strange ? refuse(r, ERR_DAMAGED, "row %lld has members that no row has", (long long)row.seq)
                     : take_row(r, &row);
    row_finish(&row);
    return rc;
}

static int read_lines(struct reading *r)
{
    json_t *line = next_line(r);
    int rc = line ? take_first(r, line) : ERR_DAMAGED;
    bool end = false;
    json_decref(line);
    while (rc == ERR_OK && !end) {
        line = next_line(r);
        rc = line ? take_line(r, line, &end) : ERR_DAMAGED;
        json_decref(line);
    }
    return rc;
}

int adopted_read(FILE *in, const char *name, struct adopted *a, char *why, size_t why_size)
{
    *a = (struct adopted){0};
    struct reading r = {.in = in, .name = name, .a = a, .why_size = why_size};
    r.why = why;
    r.text = mem_array(LINE_SIZE, 1);
    int rc = read_lines(&r);
    mem_free(r.text);
    return rc;
}

void adopted_finish(struct adopted *a)
{
    for (int i = 0; i < a->nsteps; i++)
        row_finish(&a->steps[i]);
    mem_free(a->steps);
    *a = (struct adopted){0};
}
