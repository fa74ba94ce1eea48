#include "daemon/store/lines.h"

#include "daemon/base/err.h"
#include "daemon/base/json_text.h"
#include "daemon/base/mem.h"
#include "daemon/store/journal.h"
#include "daemon/store/rawblock.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>

void row_line(const struct row *r, struct buf *out)
{
    char sha256[65], hash[65];
    hash_hex(r->body_sha256, sha256);
    hash_hex(r->hash, hash);
    buf_text(out, "{");
    json_text_add_integer(out, "seq", r->seq);
    json_text_add_integer(out, "at", r->at_ms);
    json_text_add(out, "kind", r->kind);
    json_text_add(out, "subject", r->subject);
    json_text_add(out, "sha256", sha256);
    json_text_add(out, "hash", hash);
    if (r->body)
        json_text_add(out, "body", r->body);
    buf_text(out, "}");
}

int row_of_line(const json_t *line, struct row *row)
{
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const char *subject = json_string_value(json_object_get(line, "subject"));
    const char *sha256 = json_string_value(json_object_get(line, "sha256"));
    const char *hash = json_string_value(json_object_get(line, "hash"));
    *row = (struct row){.seq = json_integer_value(json_object_get(line, "seq")),
                        .at_ms = json_integer_value(json_object_get(line, "at"))};
    if (!kind || !subject || !sha256 || !hash || row->seq < 1 ||
        hash_parse(sha256, row->body_sha256) != ERR_OK || hash_parse(hash, row->hash) != ERR_OK)
        return ERR_FORMAT;
    row->kind = mem_string(kind);
    row->subject = mem_string(subject);
    row->body = mem_string(json_string_value(json_object_get(line, "body")));
    return ERR_OK;
}

void sample_line(const struct raw_sample *raw, int64_t seq, struct buf *out)
{
    const struct sample *s = &raw->sample;
    buf_text(out, "{");
    json_text_add_integer(out, "seq", seq);
    json_text_add_integer(out, "at", s->at_ms);
    json_text_add(out, "point", raw->name);
    json_text_add(out, "q", (const char[]){(char)s->quality, 0});
    bool has_value = s->quality == QUALITY_NORMAL || s->quality == QUALITY_OVER_RANGE;
    if (has_value && isfinite(s->value))
        buf_printf(out, ",\"v\":%.15g", s->value);
    json_text_add(out, "unit", raw->unit);
    buf_text(out, ",\"regs\":[");
    for (int i = 0; i < s->nreg && i < SAMPLE_REGISTERS_MAX; i++)
        buf_printf(out, "%s%u", i ? "," : "", s->reg[i]);
    buf_text(out, "]");
    if (s->why == WHY_EXCEPTION)
        buf_printf(out, ",\"why\":\"exception %u\"", s->exception);
    else if (s->why != WHY_NONE)
        json_text_add(out, "why", why_str(s->why));
    buf_text(out, "}");
}
