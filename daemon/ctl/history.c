#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/rawblock.h"

#include <stdio.h>
#include <string.h>

/* What --window may say, how long it is, and how far back history goes without --from. */
static const struct window {
    const char *name, *zh, *en;
    int64_t length_ms, back_ms;
} windows[] = {
    {"minute", "分钟均值", "minute means", CLOCK_MINUTE_MS, CLOCK_HOUR_MS},
    {"hour", "小时均值", "hour means", CLOCK_HOUR_MS, CLOCK_DAY_MS},
    {"day", "日均值", "day means", CLOCK_DAY_MS, (int64_t)31 * CLOCK_DAY_MS},
};

struct history {
    const struct ctl *ctl;
    const struct window *window;
    const char *point;
    int decimals; /* -1: not known, as stored */
    struct table table;
    int64_t last_ms; /* start of the latest window so far; at first that before the range */
    int found;
};

/* How far a window's numbers may be believed: wholly, as a lower bound (some value was over range), or not
 * (too few values). */
enum trust { TRUST_WHOLE, TRUST_BOUND, TRUST_NONE };

static enum trust trust_of(const json_t *mean)
{
    const char *letter = text_of(mean, "q");
    return *letter == 'N' ? TRUST_WHOLE : *letter == 'T' ? TRUST_BOUND : TRUST_NONE;
}

static void add_number(struct table *t, const json_t *mean, const char *key, int decimals)
{
    static const char *const marks[][2] = {
        [TRUST_WHOLE] = {"", ""},
        [TRUST_BOUND] = {"≥", ""},
        [TRUST_NONE] = {"(", ")"},
    };
    const char *const *mark = marks[trust_of(mean)];
    const json_t *value = json_object_get(mean, key);
    if (!json_is_number(value))
        table_cell(t, "—");
    else if (decimals < 0)
        table_printf(t, "%s%.10g%s", mark[0], json_number_value(value), mark[1]);
    else
        table_printf(t, "%s%.*f%s", mark[0], decimals, json_number_value(value), mark[1]);
}

/* Windows without a row: the daemon did not run, or the time stepped. */
static void add_gap(struct history *h, int64_t from_ms, int64_t to_ms)
{
    char from[32], to[32];
    table_printf(&h->table, "%s … %s", when_text(from_ms, h->ctl->zone_min, from),
                 when_text(to_ms, h->ctl->zone_min, to));
    for (int i = 1; i < h->table.columns - 1; i++)
        table_cell(&h->table, "—");
    table_cell(&h->table, say(h->ctl, "无记录", "no record"));
}

static void add_window(struct history *h, int64_t start_ms, const json_t *mean)
{
    struct table *t = &h->table;
    char text[32];
    const char *letter = text_of(mean, "q");
    if (start_ms > h->last_ms + h->window->length_ms)
        add_gap(h, h->last_ms + h->window->length_ms, start_ms);
    h->last_ms = start_ms > h->last_ms ? start_ms : h->last_ms; /* after a backward step both are shown */
    table_cell(t, when_text(start_ms, h->ctl->zone_min, text));
    add_number(t, mean, "mean", h->decimals);
    add_number(t, mean, "min", h->decimals);
    add_number(t, mean, "max", h->decimals);
    table_printf(t, "%lld/%lld", (long long)int_of(mean, "n"), (long long)int_of(mean, "of"));
    bool too_few = int_of(mean, "n") && trust_of(mean) == TRUST_NONE;
    table_printf(t, "%s %s", letter,
                 too_few ? say(h->ctl, "有效数据不足", "too few values") : word_quality(letter, h->ctl->zh));
}

/* The end of the range, or now, without a row; the window that has just ended may still be under way. */
static void add_last_gap(struct history *h, int64_t to_ms, int64_t now_ms)
{
    int64_t length_ms = h->window->length_ms;
    int64_t end_ms = clock_window_start(to_ms < now_ms ? to_ms : now_ms, length_ms, h->ctl->zone_min);
    if (end_ms > h->last_ms + 2 * length_ms)
        add_gap(h, h->last_ms + length_ms, end_ms);
}

static int take_row(const struct row *row, void *arg)
{
    struct history *h = arg;
    json_t *body = row->body ? json_loads(row->body, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *mean = json_object_get(json_object_get(body, "points"), h->point);
    if (json_is_object(mean)) {
        h->found++;
        if (h->ctl->json) {
            json_t *line = json_pack("{s:I,s:I}", "ts", (json_int_t)row->at_ms, "seq", (json_int_t)row->seq);
            json_object_update(line, mean);
            print_json(line);
            json_decref(line);
        } else {
            add_window(h, row->at_ms, mean);
        }
    }
    json_decref(body);
    return ERR_OK;
}

static const struct window *find_window(const struct ctl *c)
{
    const char *name = c->window ? c->window : "minute";
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        if (strcmp(windows[i].name, name) == 0)
            return &windows[i];
    complain(say(c, "--window 只能是 minute、hour 或 day，不是“%s”",
                 "--window is minute, hour or day, not \"%s\""),
             name);
    return NULL;
}

/* A database knows units and decimals from its raw blocks. */
struct lookup {
    const char *name;
    json_t *point; /* NULL: not there */
};

static void look_at_sample(const struct raw_sample *sample, void *arg)
{
    struct lookup *l = arg;
    if (!l->point && strcmp(sample->name, l->name) == 0)
        l->point = json_pack("{s:s,s:i}", "unit", sample->unit, "decimals", sample->decimals);
}

static int look_at_block(int64_t seq, const void *data, size_t length, void *arg)
{
    (void)seq;
    if (rawblock_decode(data, length, look_at_sample, arg) != ERR_OK)
        return ERR_OK; /* verify's business */
    return ERR_CLOSED; /* one is enough */
}

static json_t *describe_from_copy(const struct ctl *c, struct source *s, const struct span *span)
{
    struct lookup l = {.name = c->words[0]};
    source_blocks(s, span, look_at_block, &l);
    return l.point;
}

/* The point as the daemon describes it, a new reference; NULL: it has none of that name. */
static json_t *describe(struct ctl *c, bool *asked)
{
    json_t *devices = ctl_result(c, json_pack("{s:s}", "do", "devices")), *found = NULL;
    size_t i, k;
    json_t *device, *point;
    *asked = devices != NULL;
    json_array_foreach(devices, i, device)
    {
        json_array_foreach(json_object_get(device, "points"), k, point)
        {
            char name[256];
            snprintf(name, sizeof name, "%s/%s", text_of(device, "name"), text_of(point, "name"));
            if (strcmp(name, c->words[0]) == 0)
                found = json_incref(point);
        }
    }
    json_decref(devices);
    return found;
}

static void print_heading(const struct ctl *c, const struct history *h, const struct span *span,
                          const json_t *point, bool simulated)
{
    char from[32], to[32];
    char *name = text_clean(c->words[0]), *title = text_clean(say_title(c, json_object_get(point, "title")));
    const char *const parts[] = {name, title, unit_shown(text_of(point, "unit")),
                                 say(c, h->window->zh, h->window->en)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        printf("%s%s", parts[i], *parts[i] ? "  " : "");
    printf("%s … %s%s\n\n", when_text(span->from_ms, c->zone_min, from),
           when_text(span->to_ms, c->zone_min, to), simulated ? say(c, "  模拟数据", "  simulated") : "");
    mem_free(name);
    mem_free(title);
}

static int show(struct ctl *c, struct source *s, struct history *h, const struct span *span)
{
    static const char *const heads[][2] = {
        {"时间", "time"}, {"均值", "mean"},      {"最小", "min"},
        {"最大", "max"},  {"有效/应有", "n/of"}, {"质量标识", "quality"},
    };
    bool asked = true;
    json_t *point = c->db ? describe_from_copy(c, s, span) : describe(c, &asked);
    if (!asked)
        return EXIT_FAILED;
    h->decimals = point ? (int)int_of(point, "decimals") & 15 : -1;
    for (int i = 0; i < h->table.columns; i++)
        table_cell(&h->table, say(c, heads[i][0], heads[i][1]));
    h->last_ms = clock_window_start(span->from_ms - 1, h->window->length_ms, c->zone_min);
    int rc = source_rows(s, span, take_row, h);
    if (rc == ERR_OK && !h->found && !point) {
        complain(
            say(c, "%s：没有这个测点的记录；测点写作“设备/测点”，见 dustctl devices",
                "%s: nothing is recorded of such a point; a point is \"device/point\", see dustctl devices"),
            c->words[0]);
        rc = ERR_NOT_FOUND;
    } else if (rc == ERR_OK && !c->json) {
        print_heading(c, h, span, point, source_about(s)->simulated);
        add_last_gap(h, span->to_ms, source_about(s)->now_ms);
        if (h->found)
            table_print(&h->table, stdout);
        else
            puts(say(c, "这段时间没有记录", "nothing is recorded in this range"));
    }
    json_decref(point);
    return rc == ERR_OK ? EXIT_OK : EXIT_FAILED;
}

int verb_history(struct ctl *c)
{
    struct source *s = NULL;
    struct history h = {
        .ctl = c, .window = find_window(c), .point = c->words[0], .table = {.columns = 6, .right = 30}};
    if (!h.window)
        return EXIT_USAGE;
    if (source_open(c, &s) != ERR_OK)
        return EXIT_FAILED;
    int64_t now_ms = source_about(s)->now_ms;
    struct span span = {h.window->name, 0, now_ms - h.window->back_ms, now_ms + 1};
    int rc = source_range(c, s, &span);
    if (rc == EXIT_OK)
        rc = show(c, s, &h, &span);
    table_finish(&h.table);
    source_close(s);
    return rc;
}
