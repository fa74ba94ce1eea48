#include "daemon/judge/input_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "daemon/base/schema.h"
#include "daemon/judge/input.h"
#include "daemon/judge/plate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SKEW_MS = 2 * CLOCK_MINUTE_MS };

/* --- reading --- */

struct reading {
    enum input_kind kind;
    struct input *out;
    bool lenient; /* a row of ours */
    char *why;
    size_t why_size;
};

static const struct field *find_field(enum input_kind kind, const char *key)
{
    for (int i = 0; i < INPUT_FIELDS && input_shapes[kind].fields[i].key; i++)
        if (strcmp(input_shapes[kind].fields[i].key, key) == 0)
            return &input_shapes[kind].fields[i];
    for (int i = 0; i < INPUT_COMMON; i++)
        if (strcmp(input_common[i].key, key) == 0)
            return &input_common[i];
    return NULL;
}

static int refuse_member(const struct reading *r, const char *key)
{
    const char *names[INPUT_FIELDS + INPUT_COMMON + 1] = {0};
    int n = 0;
    for (int i = 0; i < INPUT_FIELDS && input_shapes[r->kind].fields[i].key; i++)
        names[n++] = input_shapes[r->kind].fields[i].key;
    for (int i = 0; i < INPUT_COMMON; i++)
        names[n++] = input_common[i].key;
    const char *near = schema_suggest(key, names);
    int at = snprintf(r->why, r->why_size, "%s: there is no member \"%.40s\"", input_kind_str(r->kind), key);
    if (near)
        at += snprintf(r->why + at, r->why_size - (size_t)at, "; did you mean \"%s\"?", near);
    at += snprintf(r->why + at, r->why_size - (size_t)at, " It takes:");
    for (int i = 0; i < n; i++)
        at += snprintf(r->why + at, r->why_size - (size_t)at, " %s", names[i]);
    return ERR_FORMAT;
}

static int refuse_value(const struct reading *r, const struct field *f, const char *allowed)
{
    snprintf(r->why, r->why_size, "%s: \"%s\" must be %s", input_kind_str(r->kind), f->key, allowed);
    return ERR_FORMAT;
}

static int read_text(const struct reading *r, const struct field *f, const json_t *value)
{
    const char *text = json_string_value(value);
    char *to = (char *)r->out + f->offset;
    char allowed[64];
    snprintf(allowed, sizeof allowed, "a text of 1 to %zu bytes without control characters", f->size - 1);
    if (!text || !*text || strlen(text) != json_string_length(value) ||
        (f->type == FIELD_TEXT && strlen(text) >= f->size))
        return refuse_value(r, f, allowed);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return refuse_value(r, f, allowed);
    if (f->type == FIELD_PLATE && !r->lenient) {
        if (strlen(text) > 32)
            return refuse_value(r, f, "a number plate, at most 32 bytes");
        if (!plate_known(text))
            snprintf(r->why, r->why_size, "\"plate\" does not look like a number plate such as 晋J12345");
        plate_mask(text, to, f->size);
        return ERR_OK;
    }
    snprintf(to, f->size, "%s", text);
    return ERR_OK;
}

static int read_word(const struct reading *r, const struct field *f, const json_t *value)
{
    const char *text = json_string_value(value);
    char allowed[160] = "one of";
    for (int i = 0; f->words[i]; i++) {
        if (text && strcmp(text, f->words[i]) == 0) {
            snprintf((char *)r->out + f->offset, f->size, "%s", text);
            return ERR_OK;
        }
        snprintf(allowed + strlen(allowed), sizeof allowed - strlen(allowed), " %s", f->words[i]);
    }
    const char *near = text ? schema_suggest(text, f->words) : NULL;
    if (near)
        snprintf(allowed + strlen(allowed), sizeof allowed - strlen(allowed), "; did you mean %s?", near);
    return refuse_value(r, f, allowed);
}

static int read_field(const struct reading *r, const struct field *f, const json_t *value)
{
    void *to = (char *)r->out + f->offset;
    char allowed[80];
    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_PLATE: return read_text(r, f, value);
    case FIELD_WORD: return read_word(r, f, value);
    case FIELD_STAMP:
        if (!json_is_integer(value) || !clock_is_dated(json_integer_value(value)) ||
            json_integer_value(value) > (int64_t)4102444800000)
            return refuse_value(r, f, "a time in ms since 1970, such as 1795420800000");
        *(int64_t *)to = json_integer_value(value);
        return ERR_OK;
    case FIELD_NUMBER:
        snprintf(allowed, sizeof allowed, "a number from %g to %g", f->low, f->high);
        if (!json_is_number(value) ||
            !(json_number_value(value) >= f->low && json_number_value(value) <= f->high))
            return refuse_value(r, f, allowed);
        *(double *)to = json_number_value(value);
        return ERR_OK;
    }
    return ERR_FORMAT;
}

static int read_members(const struct reading *r, const json_t *message)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)message, key,
                        value) /* jansson's iterator wants it writable; it is not written */
    {
        const struct field *f = find_field(r->kind, key);
        if (!f && r->lenient)
            continue;
        int error = f ? read_field(r, f, value) : refuse_member(r, key);
        if (error)
            return error;
    }
    for (int i = 0; i < INPUT_FIELDS && input_shapes[r->kind].fields[i].key; i++) {
        const struct field *f = &input_shapes[r->kind].fields[i];
        if (f->required && !json_object_get(message, f->key)) {
            snprintf(r->why, r->why_size, "%s: \"%s\" is missing", input_kind_str(r->kind), f->key);
            return ERR_FORMAT;
        }
    }
    return ERR_OK;
}

/* A moment has no end; what may be open is, when nobody said one. */
static void complete(struct input *i)
{
    if (input_shapes[i->kind].length == MOMENT)
        i->to_ms = i->from_ms;
    else if (!i->to_ms)
        i->to_ms = INPUT_OPEN;
    if (i->kind == INPUT_BACKGROUND && strcmp(i->via, "mg/m3") == 0) {
        unit_convert(i->value, "mg/m3", "ug/m3", &i->value);
        snprintf(i->via, sizeof i->via, "ug/m3");
    }
}

static int check_times(const struct reading *r, int64_t now_ms)
{
    const struct input *i = r->out;
    const char *name = input_kind_str(i->kind);
    bool closed = i->to_ms != INPUT_OPEN;
    int64_t done_ms = input_shapes[i->kind].length == SPAN ? i->to_ms : i->from_ms;
    char text[32], longest[32];
    if (input_shapes[i->kind].length != MOMENT && closed && i->to_ms <= i->from_ms)
        snprintf(r->why, r->why_size, "%s: ends before it begins: \"to\" must be after %s", name,
                 input_shapes[i->kind].length == OPEN && i->kind == INPUT_INSPECTION ? "\"at\"" : "\"from\"");
    else if (input_shapes[i->kind].length != MOMENT && closed &&
             i->to_ms - i->from_ms > input_shapes[i->kind].longest_ms)
        snprintf(r->why, r->why_size, "%s: longer than %s", name,
                 duration_text(input_shapes[i->kind].longest_ms, longest));
    else if (!input_shapes[i->kind].planned && done_ms > now_ms + SKEW_MS)
        snprintf(r->why, r->why_size, "%s: %s is in the future: is the clock of the source right?", name,
                 clock_text(done_ms, 0, text));
    else if (i->from_ms > now_ms + INPUT_PLAN_DAYS * (int64_t)CLOCK_DAY_MS)
        snprintf(r->why, r->why_size, "%s: begins more than %d days ahead", name, INPUT_PLAN_DAYS);
    else if (i->from_ms < now_ms - INPUT_LATE_DAYS * (int64_t)CLOCK_DAY_MS)
        snprintf(r->why, r->why_size, "%s: %s is more than %d days ago: verdicts of that day stand", name,
                 clock_text(i->from_ms, 0, text), INPUT_LATE_DAYS);
    else
        return ERR_OK;
    return ERR_RANGE;
}

static int read_any(const struct reading *r, const json_t *message)
{
    *r->out = (struct input){.kind = r->kind, .value = NAN};
    r->why[0] = 0;
    if (!json_is_object(message)) {
        snprintf(r->why, r->why_size, "%s: not a JSON object", input_kind_str(r->kind));
        return ERR_FORMAT;
    }
    int error = read_members(r, message);
    if (!error)
        complete(r->out);
    return error;
}

int input_read(enum input_kind kind, const json_t *message, int64_t now_ms, struct input *out, char *why,
               size_t why_size)
{
    struct reading r = {.kind = kind, .out = out, .why_size = why_size};
    r.why = why;
    int error = read_any(&r, message);
    return error ? error : check_times(&r, now_ms);
}

int input_restore(enum input_kind kind, const json_t *body, struct input *out)
{
    char why[256];
    struct reading r = {kind, out, true, why, sizeof why};
    int error = read_any(&r, body);
    const char *source = json_string_value(json_object_get(body, "source"));
    snprintf(out->source, sizeof out->source, "%s", source ? source : "");
    return error;
}

/* --- writing --- */

static void write_field(const struct input *i, const struct field *f, json_t *body)
{
    const void *from = (const char *)i + f->offset;
    if (f->type == FIELD_STAMP && *(const int64_t *)from != INPUT_OPEN)
        json_object_set_new(body, f->key, json_integer(*(const int64_t *)from));
    else if (f->type == FIELD_NUMBER && !isnan(*(const double *)from))
        json_object_set_new(body, f->key, json_real(*(const double *)from));
    else if (f->type != FIELD_STAMP && f->type != FIELD_NUMBER && *(const char *)from)
        json_object_set_new(body, f->key, json_string(from));
}

void input_json(const struct input *i, json_t *body)
{
    json_object_set_new(body, "source", json_string(i->source));
    for (int k = 0; k < INPUT_COMMON; k++)
        write_field(i, &input_common[k], body);
    for (int k = 0; k < INPUT_FIELDS && input_shapes[i->kind].fields[k].key; k++)
        write_field(i, &input_shapes[i->kind].fields[k], body);
}

uint64_t input_identity(const struct input *i)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    const char *const parts[] = {input_kind_str(i->kind), i->source, i->id};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        for (const char *c = parts[k];; c++) {
            hash = (hash ^ (unsigned char)*c) * 1099511628211u;
            if (!*c)
                break;
        }
    return hash;
}
