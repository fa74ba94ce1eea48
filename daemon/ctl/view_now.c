/* Devices with their points, and what the running windows come to. */
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/scene.h"
#include "daemon/ctl/sheet.h"
#include "daemon/ctl/view_parts.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdio.h>
#include <string.h>

enum { WIDE = 110, BAR_MAX = 40 };

/* ---- devices ---- */

static enum tint state_tint(const char *state)
{
    return strcmp(state, "up") == 0 ? TINT_GOOD : strcmp(state, "unknown") == 0 ? TINT_WARN : TINT_BAD;
}

static void put_device(const struct view *v, const json_t *device)
{
    const char *state = scene_is_live(v->scene) ? text_of(device, "state") : "unknown";
    const json_t *rtt = json_object_get(device, "rtt_ms");
    char since[32], span[32];
    sheet_line(v->to);
    sheet_printf(v->to, TINT_STRONG, v->to->columns / 2 - 6, " %s (%s)",
                 say_title(v->c, json_object_get(device, "title")), text_of(device, "name"));
    sheet_put(v->to, TINT_PLAIN, 1, "");
    sheet_put(v->to, state_tint(state), v->c->zh ? 8 : 12, word_state(state, v->c->zh));
    if (state_tint(state) == TINT_BAD)
        sheet_printf(v->to, TINT_BAD, 0, say(v->c, "%s，%s 起（%s）", "%s since %s (%s)"),
                     word_why(text_of(device, "why"), v->c->zh), view_day(v, int_of(device, "since"), since),
                     view_span(v, v->now_ms - int_of(device, "since"), span));
    else if (strcmp(state, "up") == 0 && json_is_number(rtt))
        sheet_printf(v->to, TINT_FAINT, 0, say(v->c, "往返 %.0f ms", "round trip %.0f ms"),
                     json_number_value(rtt));
}

static void put_point(const struct view *v, const json_t *device, const json_t *point, int title_width)
{
    struct reading r = {.value = "—"};
    int64_t at_ms = int_of(point, "ts");
    char span[32] = "";
    if (scene_is_live(v->scene)) {
        r = scene_reading(v->c, v->scene, device, point);
        view_span(v, v->now_ms - at_ms, span);
    } else {
        snprintf(r.words, sizeof r.words, "%s", say(v->c, "dustd 没有应答", "no answer from dustd"));
    }
    enum tint tint = r.good ? TINT_PLAIN : TINT_BAD;
    sheet_line(v->to);
    sheet_put(v->to, TINT_PLAIN, 3, "");
    sheet_put(v->to, TINT_PLAIN, title_width, say_title(v->c, json_object_get(point, "title")));
    sheet_put(v->to, tint, -10, r.value);
    sheet_printf(v->to, TINT_PLAIN, 8, " %s", unit_shown(text_of(point, "unit")));
    sheet_put(v->to, TINT_PLAIN, 1, "");
    sheet_put(v->to, r.good ? TINT_GOOD : TINT_BAD, sheet_left(v->to) - 9, r.words);
    sheet_put(v->to, TINT_FAINT, -9, at_ms ? span : "");
}

/* As wide as the widest title, where there is room. */
static int point_width(const struct view *v)
{
    size_t i, k;
    json_t *device, *point;
    int width = 6, most = v->to->columns - 3 - 10 - 8 - 1 - 16 - 9;
    json_array_foreach(v->scene->devices, i, device)
    {
        json_array_foreach(json_object_get(device, "points"), k, point)
        {
            int w = sheet_width(v->to, say_title(v->c, json_object_get(point, "title")));
            width = w > width ? w : width;
        }
    }
    return width < most ? width : most;
}

/* A switch or a counter that reads well needs no line of its own. */
static bool is_short(const struct view *v, const json_t *device, const json_t *point)
{
    return scene_is_live(v->scene) && !*text_of(point, "unit") &&
           scene_reading(v->c, v->scene, device, point).good;
}

/* Several on a line, title and value each; `goes_on`: the one before was one of them. */
static void put_short(const struct view *v, const json_t *device, const json_t *point, int title_width,
                      bool goes_on)
{
    const struct reading r = scene_reading(v->c, v->scene, device, point);
    if (!goes_on || sheet_left(v->to) < title_width + 8) {
        sheet_line(v->to);
        sheet_put(v->to, TINT_PLAIN, 3, "");
    }
    sheet_put(v->to, TINT_PLAIN, title_width, say_title(v->c, json_object_get(point, "title")));
    sheet_put(v->to, TINT_PLAIN, -5, r.value);
    sheet_put(v->to, TINT_PLAIN, 3, "");
}

static void put_points(const struct view *v, const json_t *device, int title_width)
{
    bool packing = false;
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(device, "points"), i, point)
    {
        bool pack = is_short(v, device, point);
        if (pack)
            put_short(v, device, point, title_width, packing);
        else
            put_point(v, device, point, title_width);
        packing = pack;
    }
}

void view_devices(const struct view *v)
{
    size_t i;
    json_t *device;
    int width = point_width(v);
    json_array_foreach(v->scene->devices, i, device)
    {
        put_device(v, device);
        put_points(v, device, width);
    }
    if (json_array_size(v->scene->devices) == 0)
        view_none(v, say(v->c, "没有设备", "no devices"));
}

/* ---- windows ---- */

static enum tint level_tint(enum level level)
{
    static const enum tint tints[] = {[LEVEL_NONE] = TINT_FAINT,
                                      [LEVEL_GOOD] = TINT_GOOD,
                                      [LEVEL_CLOSE] = TINT_WARN,
                                      [LEVEL_OVER] = TINT_BAD,
                                      [LEVEL_UNKNOWN] = TINT_WARN};
    return tints[level];
}

/* "[#####.....]": the whole is the limit; beyond it, it ends with '!'. */
static void put_bar(const struct view *v, const struct so_far *s, int columns)
{
    char bar[BAR_MAX + 1];
    int length = columns - 2 < BAR_MAX ? columns - 2 : BAR_MAX;
    int full = s->part < 0 ? 0 : s->part >= 1 ? length : (int)(s->part * length);
    memset(bar, s->part < 0 ? ' ' : '.', (size_t)length);
    memset(bar, '#', (size_t)full);
    bar[length] = 0;
    if (s->level == LEVEL_OVER && length > 0)
        bar[length - 1] = '!';
    sheet_put(v->to, TINT_PLAIN, 0, "[");
    sheet_put(v->to, level_tint(s->level), 0, bar);
    sheet_put(v->to, TINT_PLAIN, 0, "]");
}

/* "10:00 起 1 小时", "from 10:00, 1 h"; before its first minute only the length. */
static const char *when_words(const struct view *v, const json_t *window, char text[static 64])
{
    char span[48], start[32];
    when_span(int_of(window, "window_s") * 1000, v->c->zh, span);
    when_text(int_of(window, "start"), v->c->zone_min, start);
    start[16] = 0;
    if (strlen(start) == 16)
        snprintf(text, 64, say(v->c, "  %s 起 %s", "  from %s, %s"), start + 11, span);
    else
        snprintf(text, 64, "  %s", span);
    return text;
}

/* What is judged, in so many columns: the limit, the point, the window where there is room for it, and the
 * minutes behind it at the right. */
static void put_subject(const struct view *v, const json_t *window, int columns)
{
    const char *point = text_of(window, "point");
    const int count = 11, after = sheet_left(v->to) - columns;
    char text[256], when[64];
    snprintf(text, sizeof text, " %s  %s", say_title(v->c, json_object_get(window, "title")),
             *point ? point : say(v->c, "各点平均", "mean of the points"));
    int width = sheet_width(v->to, text), room = columns - count;
    sheet_put(v->to, TINT_STRONG, width < room ? width : room, text);
    if (sheet_left(v->to) - after - count >= sheet_width(v->to, when_words(v, window, when)))
        sheet_put(v->to, TINT_PLAIN, 0, when);
    sheet_skip(v->to, TINT_PLAIN, after + count);
    if (scene_is_live(v->scene) && int_of(window, "of") > 0)
        sheet_printf(v->to, TINT_FAINT, -count, say(v->c, "%lld/%lld 分", "%lld/%lld min"),
                     (long long)int_of(window, "n"), (long long)int_of(window, "of"));
    sheet_skip(v->to, TINT_PLAIN, after);
}

static void put_window(const struct view *v, const json_t *window)
{
    struct so_far s = scene_so_far(v->c, window);
    bool wide = v->to->columns >= WIDE, live = scene_is_live(v->scene);
    if (!live)
        s = (struct so_far){.mean = "—", .level = LEVEL_UNKNOWN, .part = -1};
    enum tint tint = level_tint(s.level);
    sheet_line(v->to);
    put_subject(v, window, wide ? v->to->columns - 64 : v->to->columns);
    if (!wide)
        sheet_line(v->to);
    sheet_put(v->to, TINT_PLAIN, 2, "");
    put_bar(v, &s, wide ? 17 : v->to->columns / 6);
    sheet_put(v->to, tint, -9, s.mean);
    sheet_printf(v->to, TINT_PLAIN, 15, " / %.6g %s", json_number_value(json_object_get(window, "value")),
                 unit_shown(text_of(window, "unit")));
    sheet_put(v->to, tint, -5, s.share);
    sheet_put(v->to, TINT_PLAIN, 1, "");
    sheet_put(v->to, tint, 0, live ? s.words : say(v->c, "dustd 没有应答", "no answer from dustd"));
}

void view_windows(const struct view *v)
{
    size_t i;
    json_t *window;
    json_array_foreach(v->scene->windows, i, window)
    {
        put_window(v, window);
    }
    if (json_array_size(v->scene->windows) == 0)
        view_none(v, v->scene->windows || !v->scene->status
                         ? say(v->c, "没有正在执行的限值", "no limit is in force")
                         : say(v->c, "这一版 dustd 不报告", "this dustd does not tell"));
}
