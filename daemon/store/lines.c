#include "daemon/store/lines.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>

static int add_to_buf(const char *text, size_t length, void *arg)
{
    buf_add(arg, text, length);
    return 0;
}

static void add_string(struct buf *out, const char *name, const char *text)
{
    json_t *value = json_string(text);
    buf_printf(out, ",\"%s\":", name);
    json_dump_callback(value ? value : json_null(), add_to_buf, out, JSON_ENCODE_ANY);
    json_decref(value);
}

void row_line(const struct row *r, struct buf *out)
{
    char sha256[65], hash[65];
    hash_hex(r->body_sha256, sha256);
    hash_hex(r->hash, hash);
    buf_printf(out, "{\"seq\":%" PRId64 ",\"at\":%" PRId64, r->seq, r->at_ms);
    add_string(out, "kind", r->kind);
    add_string(out, "subject", r->subject);
    add_string(out, "sha256", sha256);
    add_string(out, "hash", hash);
    if (r->body)
        add_string(out, "body", r->body);
    buf_text(out, "}");
}

void sample_line(const struct raw_sample *raw, int64_t seq, struct buf *out)
{
    const struct sample *s = &raw->sample;
    buf_printf(out, "{\"seq\":%" PRId64 ",\"at\":%" PRId64, seq, s->at_ms);
    add_string(out, "point", raw->name);
    add_string(out, "q", (const char[]){(char)s->quality, 0});
    bool has_value = s->quality == QUALITY_NORMAL || s->quality == QUALITY_OVER_RANGE;
    if (has_value && isfinite(s->value))
        buf_printf(out, ",\"v\":%.15g", s->value);
    add_string(out, "unit", raw->unit);
    buf_text(out, ",\"regs\":[");
    for (int i = 0; i < s->nreg && i < SAMPLE_REGISTERS_MAX; i++)
        buf_printf(out, "%s%u", i ? "," : "", s->reg[i]);
    buf_text(out, "]");
    if (s->why == WHY_EXCEPTION)
        buf_printf(out, ",\"why\":\"exception %u\"", s->exception);
    else if (s->why != WHY_NONE)
        add_string(out, "why", why_str(s->why));
    buf_text(out, "}");
}
