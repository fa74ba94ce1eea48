#include "daemon/replay/columns.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/base/schema.h"
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"
#include "daemon/replay/format.h"
#include "daemon/replay/text.h"
#include "drivers/device.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEADING_MAX = 96 };

/* --- wishes --- */

static int find_point(const struct config *c, const char *name)
{
    for (int i = 0; i < c->npoints; i++)
        if (!c->points[i].point->watch && strcmp(c->points[i].name, name) == 0)
            return i;
    return -1;
}

static const char *near_point(const struct config *c, const char *name)
{
    const char **names = mem_array((size_t)c->npoints + 1, sizeof *names);
    for (int i = 0; i < c->npoints; i++)
        names[i] = c->points[i].name;
    const char *near = schema_suggest(name, names);
    mem_free(names);
    return near;
}

static int complain(struct complaint *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int complain(struct complaint *why, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why->text, sizeof why->text, format, ap);
    va_end(ap);
    return ERR_FORMAT;
}

int wish_read(const struct config *c, char *text, struct wish *out, struct complaint *why)
{
    char *equals = strrchr(text, '='), *comma = equals ? strrchr(equals, ',') : NULL;
    *out = (struct wish){.column = text, .unit = ""};
    if (!equals || equals == text || !equals[1])
        return complain(why, "--as %.100s: allowed is COLUMN=POINT or COLUMN=POINT,UNIT", text);
    *equals = 0;
    out->point = equals + 1;
    if (comma) {
        *comma = 0;
        out->unit = unit_name(comma + 1);
        if (!out->unit || !*out->unit)
            return complain(why,
                            "--as %.100s=%.60s: found the unit \"%.40s\"; allowed are those of "
                            "dustd.yaml(5), such as ug/m3",
                            text, out->point, comma + 1);
    }
    if (strcmp(out->point, "time") == 0 || find_point(c, out->point) >= 0)
        return ERR_OK;
    const char *near = near_point(c, out->point);
    return complain(why,
                    "--as %.100s: the site has no point \"%.60s\"%s%s%s; allowed is DEVICE/POINT, or time",
                    text, out->point, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* --- a header --- */

/* "PM10 (ug/m3)" and "pm10_ugm3" say their unit. */
struct heading {
    char name[HEADING_MAX];
    char unit[32]; /* as written; "" none */
};

static void trim(char *text)
{
    size_t from = strspn(text, " \t"), n = strlen(text + from);
    while (n && strchr(" \t", text[from + n - 1]))
        n--;
    memmove(text, text + from, n);
    text[n] = 0;
}

/* Whether each bracket in it that closes was opened in it: "dB(A)" is a unit, "a) (b" is not. */
static bool is_balanced(const char *text, const char *open, const char *close)
{
    int depth = 0;
    for (; *text && depth >= 0; text++)
        depth += (strncmp(text, open, strlen(open)) == 0) - (strncmp(text, close, strlen(close)) == 0);
    return depth == 0;
}

/* A unit in brackets at the end. */
static void split_brackets(struct heading *h)
{
    size_t length = strlen(h->name);
    static const char *const brackets[][2] = {{"(", ")"}, {"[", "]"}, {"（", "）"}};
    for (size_t i = 0; i < sizeof brackets / sizeof *brackets; i++) {
        char *open = strstr(h->name, brackets[i][0]);
        size_t n = strlen(brackets[i][1]);
        char *close = length >= n ? h->name + length - n : NULL;
        if (!open || !close || close <= open || strcmp(close, brackets[i][1]) != 0)
            continue;
        *close = 0;
        if (!is_balanced(open + strlen(brackets[i][0]), brackets[i][0], brackets[i][1])) {
            *close = brackets[i][1][0];
            continue;
        }
        snprintf(h->unit, sizeof h->unit, "%s", open + strlen(brackets[i][0]));
        *open = 0;
        trim(h->name);
        trim(h->unit);
        return;
    }
}

static void split_suffix(struct heading *h)
{
    static const char *const suffixes[][2] = {{"_ugm3", "ug/m3"}, {"_mgm3", "mg/m3"}, {"_ms", "m/s"},
                                              {"_c", "degC"},     {"_hpa", "hPa"},    {"_kpa", "kPa"},
                                              {"_mm", "mm"},      {"_pct", "%"},      {"_deg", "deg"},
                                              {"_dba", "dB(A)"},  {"_db", "dB"}};
    size_t n = strlen(h->name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !h->unit[0]; i++) {
        size_t k = strlen(suffixes[i][0]);
        if (n > k && strcasecmp(h->name + n - k, suffixes[i][0]) == 0) {
            h->name[n - k] = 0;
            snprintf(h->unit, sizeof h->unit, "%s", suffixes[i][1]);
        }
    }
}

static bool is_time(const char *name)
{
    for (int i = 0; format_time_headers[i]; i++)
        if (strcasecmp(format_time_headers[i], name) == 0)
            return true;
    return false;
}

/* --- finding --- */

struct finding_columns {
    const struct config *c;
    const struct format *f;
    struct wish *wishes;
    int nwishes;
    const struct text *where;
    struct columns *out;
    struct complaint *why;
};

enum { NONE = -1, SEVERAL = -2 };

/* The one measured point that has the name, or the role. */
static int point_by(const struct config *c, const char *name, bool role)
{
    int found = NONE;
    for (int i = 0; i < c->npoints; i++) {
        const struct point *p = c->points[i].point;
        if (!p->watch && strcasecmp(role ? p->role : p->name, name) == 0)
            found = found == NONE ? i : SEVERAL;
    }
    return found;
}

static int point_of(const struct config *c, const char *name)
{
    const char *role = format_role(name);
    int exact = find_point(c, name);
    if (exact >= 0 || !*name)
        return exact;
    int found = point_by(c, role, true);
    return found == NONE ? point_by(c, name, false) : found;
}

static struct wish *wish_for(const struct finding_columns *s, const char *header)
{
    for (int i = 0; i < s->nwishes; i++)
        if (strcmp(s->wishes[i].column, header) == 0) {
            s->wishes[i].used = true;
            return &s->wishes[i];
        }
    return NULL;
}

static const struct format_column *known_column(const struct format *f, const char *header)
{
    for (int i = 0; f->columns[i].header; i++)
        if (strcmp(f->columns[i].header, header) == 0)
            return &f->columns[i];
    return NULL;
}

static void ignore(struct columns *out, const char *header)
{
    size_t n = strlen(out->ignored);
    snprintf(out->ignored + n, sizeof out->ignored - n, "%s%s", n ? ", " : "", header);
}

static int add(const struct finding_columns *s, struct column column, const char *header, const char *unit,
               size_t at)
{
    double ignored;
    const char *point = s->c->points[column.point].name;
    column.own = s->c->points[column.point].point->unit;
    column.unit = *unit ? unit_name(unit) : NULL;
    if (*unit && !column.unit)
        return text_complain(
            s->where, at, s->why,
            "column \"%.60s\": the unit \"%.30s\" is not known; --as \"%.60s=%s,%s\" says another", header,
            unit, header, point, column.own);
    if (!*unit && *column.own)
        return text_complain(
            s->where, at, s->why,
            "column \"%.60s\" does not say its unit; allowed is a header such as \"%.60s (%s)\", or --as "
            "\"%.60s=%s,%s\"",
            header, header, column.own, header, point, column.own);
    if (!column.unit)
        column.unit = column.own;
    if (unit_convert(1, column.unit, column.own, &ignored) != ERR_OK)
        return text_complain(s->where, at, s->why, "column \"%.60s\" is in %s; %s is measured in %s", header,
                             column.unit, point, column.own);
    for (int i = 0; i < s->out->n; i++)
        if (s->out->list[i].point == column.point)
            return text_complain(s->where, at, s->why,
                                 "column \"%.60s\" is %s, and so is another before it; --as says which",
                                 header, point);
    s->out->list = mem_resize(s->out->list, (size_t)s->out->n + 1, sizeof *s->out->list);
    s->out->list[s->out->n++] = column;
    return ERR_OK;
}

static int take_time(const struct finding_columns *s, int cell, const char *header, size_t at)
{
    if (s->out->time >= 0)
        return text_complain(
            s->where, at, s->why,
            "column \"%.60s\" is a time, and so is another before it; --as COLUMN=time says which", header);
    s->out->time = cell;
    size_t n = strlen(header);
    s->out->utc = n >= 3 && strcasecmp(header + n - 3, "utc") == 0;
    return ERR_OK;
}

static int take_wish(const struct finding_columns *s, const struct wish *w, const struct heading *h, int cell,
                     size_t at)
{
    if (strcmp(w->point, "time") == 0)
        return take_time(s, cell, w->column, at);
    const struct format_column *known = known_column(s->f, w->column);
    const char *unit = *w->unit ? w->unit : *h->unit ? h->unit : known && known->unit ? known->unit : "";
    return add(s, (struct column){.cell = cell, .point = find_point(s->c, w->point)}, w->column, unit, at);
}

static bool time_is_wished(const struct finding_columns *s)
{
    for (int i = 0; i < s->nwishes; i++)
        if (strcmp(s->wishes[i].point, "time") == 0)
            return true;
    return false;
}

static int take_cell(const struct finding_columns *s, int cell, const char *header, size_t at)
{
    struct heading h = {0};
    const struct wish *wish = wish_for(s, header);
    const struct format_column *known = known_column(s->f, header);
    snprintf(h.name, sizeof h.name, "%s", header);
    trim(h.name);
    int exact = find_point(s->c, h.name);
    if (exact < 0) {
        split_brackets(&h);
        exact = find_point(s->c, h.name);
    }
    if (exact < 0)
        split_suffix(&h);
    if (wish)
        return take_wish(s, wish, &h, cell, at);
    if (is_time(header) && !time_is_wished(s))
        return take_time(s, cell, header, at);
    int point = known ? (known->role ? point_by(s->c, known->role, true) : NONE) : point_of(s->c, h.name);
    if (point == SEVERAL)
        return text_complain(
            s->where, at, s->why,
            "column \"%.60s\" may be several points of the site; --as \"%.60s=DEVICE/POINT\" says which",
            header, header);
    if (point == NONE) {
        ignore(s->out, header);
        return ERR_OK;
    }
    const char *unit = known        ? known->unit
                       : *h.unit    ? h.unit
                       : exact >= 0 ? s->c->points[exact].point->unit
                                    : "";
    return add(s, (struct column){.cell = cell, .point = point}, header, unit, at);
}

int columns_find(const struct recording_site *site, const struct format *f, const struct header *header,
                 const struct text *where, struct columns *out, struct complaint *why)
{
    struct finding_columns s = {site->config, f, site->wishes, site->nwishes, where, out, why};
    *out = (struct columns){.ncells = header->n, .time = -1};
    int rc = ERR_OK;
    for (int i = 0; i < header->n && rc == ERR_OK; i++)
        rc = take_cell(&s, i, header->text[i], header->at[i]);
    if (rc == ERR_OK && out->time < 0 && f->shape == FORMAT_CSV)
        rc = text_complain(
            where, 1, why,
            "no column is the time; allowed are headers such as time, timestamp, 时间, or --as COLUMN=time");
    if (rc == ERR_OK && out->n == 0)
        rc = text_complain(where, 1, why,
                           "no column is a point of the site (%s); allowed are \"DEVICE/POINT\", a role such "
                           "as \"pm10 (ug/m3)\", "
                           "or --as COLUMN=DEVICE/POINT",
                           out->ignored);
    if (rc != ERR_OK) {
        mem_free(out->list);
        *out = (struct columns){0};
    }
    return rc;
}

double column_value(const struct column *c, double recorded)
{
    double value;
    if (c->unit == c->own || unit_convert(recorded, c->unit, c->own, &value) != ERR_OK)
        return recorded;
    return value;
}
