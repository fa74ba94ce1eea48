/* Open issues, and what has happened lately. */
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/scene.h"
#include "daemon/ctl/sheet.h"
#include "daemon/ctl/view_parts.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdlib.h>
#include <string.h>

enum { EVENTS_SHOWN = 50 };

/* ---- issues ---- */

/* Each light by its letter and word as well: who cannot tell the colours, or has none, sees it too. */
static const struct light {
    const char *name, *letter;
    enum tint tint;
} lights[] = {{"red", "R", TINT_BAD}, {"yellow", "Y", TINT_WARN}, {"green", "G", TINT_GOOD}};

enum { LIGHTS = sizeof lights / sizeof *lights };

static int rank(const json_t *issue)
{
    int i = 0;
    while (i < LIGHTS - 1 && strcmp(lights[i].name, text_of(issue, "light")) != 0)
        i++;
    return i;
}

/* Red before yellow before green; among these the nearer deadline. */
static int more_urgent(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    bool to_answer;
    int64_t due_x = scene_due(x, &to_answer), due_y = scene_due(y, &to_answer);
    if (rank(x) != rank(y))
        return rank(x) - rank(y);
    return (due_x > due_y) - (due_x < due_y);
}

static void put_due(const struct view *v, const json_t *issue, enum tint tint)
{
    bool to_answer;
    int64_t due_ms = scene_due(issue, &to_answer), left_ms = due_ms - v->now_ms;
    char day[32], span[32];
    if (!due_ms)
        return;
    sheet_printf(v->to, TINT_PLAIN, 0, "%s %s ",
                 to_answer ? say(v->c, "回复期限", "answer by") : say(v->c, "整改期限", "rectify by"),
                 view_day(v, due_ms, day));
    if (!v->now_ms) /* the daemon has no date itself */
        return;
    sheet_printf(v->to, tint, 0,
                 left_ms < 0 ? say(v->c, "逾期 %s", "%s overdue") : say(v->c, "剩 %s", "%s left"),
                 view_span(v, left_ms < 0 ? -left_ms : left_ms, span));
}

static void put_issue(const struct view *v, const json_t *issue)
{
    const struct light *light = &lights[rank(issue)];
    const char *person = text_of(issue, "person");
    sheet_line(v->to);
    sheet_printf(v->to, light->tint, 9, " %s %s", light->letter, word_state(light->name, v->c->zh));
    sheet_put(v->to, TINT_PLAIN, 1, "");
    sheet_put(v->to, TINT_STRONG, 13, text_of(issue, "id"));
    sheet_put(v->to, TINT_PLAIN, 1, "");
    sheet_put(v->to, TINT_PLAIN, 9, word_state(text_of(issue, "state"), v->c->zh));
    sheet_put(v->to, TINT_PLAIN, 1, "");
    sheet_put(v->to, TINT_PLAIN, 0, *person ? person : say(v->c, "未交办", "nobody's"));
    sheet_put(v->to, TINT_PLAIN, 2, "");
    if (sheet_left(v->to) < 34) { /* no room for the deadline beside it */
        sheet_line(v->to);
        sheet_put(v->to, TINT_PLAIN, 3, "");
    }
    put_due(v, issue, light->tint);
    sheet_line(v->to);
    sheet_put(v->to, TINT_PLAIN, 3, "");
    sheet_flow(v->to, TINT_PLAIN, 3, 2, say_title(v->c, json_object_get(issue, "title")));
}

void view_issues(const struct view *v)
{
    size_t n = json_array_size(v->scene->issues);
    json_t **sorted = mem_array(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(v->scene->issues, i);
    qsort(sorted, n, sizeof *sorted, more_urgent);
    for (size_t i = 0; i < n; i++)
        put_issue(v, sorted[i]);
    if (!n)
        view_none(v, say(v->c, "没有未销号的问题", "no open issues"));
    mem_free(sorted);
}

/* ---- events ---- */

void view_events(const struct view *v)
{
    size_t n = json_array_size(v->scene->events);
    for (size_t i = 0; i < n && i < EVENTS_SHOWN; i++) { /* the newest first */
        const json_t *event = json_array_get(v->scene->events, n - 1 - i);
        char time[32], text[512];
        when_text(int_of(event, "at"), v->c->zone_min, time);
        scene_event(v->c, event, text, sizeof text);
        sheet_line(v->to);
        sheet_printf(v->to, TINT_FAINT, 16, " %s", strlen(time) > 10 ? time + 5 : time);
        sheet_put(v->to, TINT_PLAIN, 0, text);
    }
    if (!n)
        view_none(v, say(v->c, "暂无", "none yet"));
}
