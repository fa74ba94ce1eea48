#include "daemon/judge/input.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "daemon/base/schema.h"
#include "daemon/judge/plate.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
    UNIT = ROLE_SITE | ROLE_CONTRACTOR,
    DECIDE = ROLE_COMMUNITY | ROLE_OFFICE,
    WITNESS = DECIDE | ROLE_INSPECTOR,
    SKEW_MS = 2 * CLOCK_MINUTE_MS,
    PLAN_DAYS = 366, /* what is planned may begin so far ahead */
    WORDS_MAX = 8,
};

enum field_type { FIELD_TEXT, FIELD_WORD, FIELD_STAMP, FIELD_NUMBER, FIELD_PLATE };

struct field {
    const char *key; /* NULL ends the list */
    enum field_type type;
    bool required;
    size_t offset, size;
    double low, high;
    const char *words[WORDS_MAX + 1];
};

#define TO(member) offsetof(struct input, member), sizeof((struct input *)0)->member
#define FROM(need)                                    \
    {                                                 \
        "from", FIELD_STAMP, need, TO(from_ms), 0, 0, \
        {                                             \
            0                                         \
        }                                             \
    }
#define AT(need)                                    \
    {                                               \
        "at", FIELD_STAMP, need, TO(from_ms), 0, 0, \
        {                                           \
            0                                       \
        }                                           \
    }
#define UNTIL(need)                               \
    {                                             \
        "to", FIELD_STAMP, need, TO(to_ms), 0, 0, \
        {                                         \
            0                                     \
        }                                         \
    }
#define PLATE                                         \
    {                                                 \
        "plate", FIELD_PLATE, false, TO(about), 0, 0, \
        {                                             \
            0                                         \
        }                                             \
    }

enum length { MOMENT, SPAN, OPEN }; /* has no length; ends; may be open */

static const struct {
    unsigned roles;
    bool machine; /* a source that is nobody's may say it */
    enum length length;
    bool planned; /* may lie ahead */
    int64_t longest_ms;
    struct field fields[6];
} kinds[INPUT__KINDS] = {
    [INPUT_ALIVE] = {WITNESS, true, SPAN, false, CLOCK_DAY_MS, {FROM(true), UNTIL(true)}},
    [INPUT_BACKGROUND] = {WITNESS,
                          true,
                          SPAN,
                          false,
                          CLOCK_DAY_MS,
                          {FROM(true),
                           UNTIL(true),
                           {"role", FIELD_WORD, true, TO(what), 0, 0, {"pm10", "pm25", "tsp"}},
                           {"value", FIELD_NUMBER, true, TO(value), 0, 1e5, {0}},
                           {"unit", FIELD_WORD, true, TO(via), 0, 0, {"ug/m3", "mg/m3"}}}},
    [INPUT_CALENDAR] =
        {DECIDE,
         false,
         SPAN,
         true,
         (int64_t)CLOCK_DAY_MS *PLAN_DAYS,
         {FROM(true),
          UNTIL(true),
          {"what", FIELD_WORD, true, TO(what), 0, 0, {"holiday", "suspended", "rain", "work"}}}},
    [INPUT_CAMERA] = {WITNESS,
                      true,
                      MOMENT,
                      false,
                      0,
                      {AT(true),
                       {"what", FIELD_WORD, true, TO(what), 0, 0, {"soil", "fence_gap", "uncovered"}},
                       {"value", FIELD_NUMBER, false, TO(value), 0, 1e6, {0}},
                       PLATE}},
    [INPUT_INSPECTION] = {UNIT | WITNESS,
                          false,
                          OPEN,
                          false,
                          (int64_t)CLOCK_DAY_MS *PLAN_DAYS,
                          {AT(true),
                           UNTIL(false),
                           {"about", FIELD_TEXT, true, TO(about), 0, 0, {0}},
                           {"value", FIELD_NUMBER, true, TO(value), 0, 100, {0}}}},
    [INPUT_MAINTENANCE] = {UNIT | WITNESS,
                           false,
                           SPAN,
                           true,
                           4 * (int64_t)CLOCK_HOUR_MS, /* ends by itself after at most 4 h [proposal] */
                           {FROM(true),
                            UNTIL(true),
                            {"device", FIELD_TEXT, true, TO(about), 0, 0, {0}},
                            {"what", FIELD_WORD, true, TO(what), 0, 0, {"maintenance", "calibration"}}}},
    [INPUT_PASSAGE] = {WITNESS,
                       true,
                       MOMENT,
                       false,
                       0,
                       {AT(true),
                        {"direction", FIELD_WORD, true, TO(what), 0, 0, {"in", "out"}},
                        PLATE,
                        {"via", FIELD_WORD, false, TO(via), 0, 0, {"wash", "bypass"}},
                        {"wash_s", FIELD_NUMBER, false, TO(value), 0, 86400, {0}}}},
    [INPUT_STAGE] = {DECIDE,
                     false,
                     OPEN,
                     true,
                     INPUT_OPEN,
                     {FROM(true),
                      {"stage",
                       FIELD_WORD,
                       true,
                       TO(what),
                       0,
                       0,
                       {"demolition", "earthwork", "foundation", "structure", "finishing", "suspended"}}}},
    [INPUT_WARNING] = {DECIDE,
                       true,
                       OPEN,
                       true,
                       INPUT_OPEN,
                       {FROM(true),
                        UNTIL(false),
                        {"level", FIELD_WORD, true, TO(what), 0, 0, {"none", "yellow", "orange", "red"}}}},
};

enum { FIELDS_MAX = sizeof kinds[0].fields / sizeof kinds[0].fields[0] };

static const struct field common[] = {
    {"id", FIELD_TEXT, false, TO(id), 0, 0, {0}},
    {"reason", FIELD_TEXT, false, TO(reason), 0, 0, {0}},
};

enum { COMMON = sizeof common / sizeof common[0] };

/* --- who --- */

bool input_may(unsigned roles, enum input_kind kind)
{
    unsigned allowed = kinds[kind].roles;
    return (allowed & UNIT || !(roles & UNIT)) && roles & allowed;
}

bool input_machine(enum input_kind kind)
{
    return kinds[kind].machine;
}

const char *input_who(enum input_kind kind)
{
    return kinds[kind].roles == DECIDE    ? "community, office"
           : kinds[kind].roles == WITNESS ? "community, office, inspector"
                                          : "every person with a role";
}

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
    for (int i = 0; i < FIELDS_MAX && kinds[kind].fields[i].key; i++)
        if (strcmp(kinds[kind].fields[i].key, key) == 0)
            return &kinds[kind].fields[i];
    for (int i = 0; i < COMMON; i++)
        if (strcmp(common[i].key, key) == 0)
            return &common[i];
    return NULL;
}

static int refuse_member(const struct reading *r, const char *key)
{
    const char *names[FIELDS_MAX + COMMON + 1] = {0};
    int n = 0;
    for (int i = 0; i < FIELDS_MAX && kinds[r->kind].fields[i].key; i++)
        names[n++] = kinds[r->kind].fields[i].key;
    for (int i = 0; i < COMMON; i++)
        names[n++] = common[i].key;
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
    for (int i = 0; i < FIELDS_MAX && kinds[r->kind].fields[i].key; i++) {
        const struct field *f = &kinds[r->kind].fields[i];
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
    if (kinds[i->kind].length == MOMENT)
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
    int64_t done_ms = kinds[i->kind].length == SPAN ? i->to_ms : i->from_ms;
    char text[32], longest[32];
    if (kinds[i->kind].length != MOMENT && closed && i->to_ms <= i->from_ms)
        snprintf(r->why, r->why_size, "%s: ends before it begins: \"to\" must be after %s", name,
                 kinds[i->kind].length == OPEN && i->kind == INPUT_INSPECTION ? "\"at\"" : "\"from\"");
    else if (kinds[i->kind].length != MOMENT && closed && i->to_ms - i->from_ms > kinds[i->kind].longest_ms)
        snprintf(r->why, r->why_size, "%s: longer than %s", name,
                 duration_text(kinds[i->kind].longest_ms, longest));
    else if (!kinds[i->kind].planned && done_ms > now_ms + SKEW_MS)
        snprintf(r->why, r->why_size, "%s: %s is in the future: is the clock of the source right?", name,
                 clock_text(done_ms, 0, text));
    else if (i->from_ms > now_ms + PLAN_DAYS * (int64_t)CLOCK_DAY_MS)
        snprintf(r->why, r->why_size, "%s: begins more than %d days ahead", name, PLAN_DAYS);
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
    for (int k = 0; k < COMMON; k++)
        write_field(i, &common[k], body);
    for (int k = 0; k < FIELDS_MAX && kinds[i->kind].fields[k].key; k++)
        write_field(i, &kinds[i->kind].fields[k], body);
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
