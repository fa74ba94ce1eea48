/* The windows that limits have judged, by limit and point. */
#include "daemon/ctl/report.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/store/journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct judged_series *series_of(struct gathered *g, const char *limit, const json_t *body)
{
    const char *point = text_of(body, "point");
    for (int i = 0; i < g->nseries; i++)
        if (strcmp(g->series[i].limit, limit) == 0 && strcmp(g->series[i].point, point) == 0)
            return &g->series[i];
    g->series = mem_resize(g->series, (size_t)g->nseries + 1, sizeof *g->series);
    g->series[g->nseries] = (struct judged_series){.limit = mem_string(limit),
                                                   .point = mem_string(point),
                                                   .unit = mem_string(text_of(body, "unit")),
                                                   .compare = mem_string(text_of(body, "compare"))};
    return &g->series[g->nseries++];
}

static struct judged judged_of(const struct row *row, const json_t *body)
{
    const char *verdict = text_of(body, "verdict");
    const json_t *mean = json_object_get(body, "mean");
    struct judged j = {.at_ms = row->at_ms, .seq = row->seq, .mean = NAN};
    j.gone = strcmp(verdict, "void") == 0;
    j.unknown = strcmp(verdict, "unknown") == 0;
    j.breach = strcmp(verdict, "breach") == 0;
    j.over = j.breach || strcmp(verdict, "exceeded") == 0;
    if (json_is_number(mean) && !j.unknown)
        j.mean = json_number_value(mean);
    return j;
}

/* A correction stands in the place of the row that it names, which may be another point's: of the highest of
 * several it says which one that is now. */
static void take_back(struct gathered *g, const char *limit, int64_t seq)
{
    for (int i = 0; i < g->nseries; i++)
        for (int k = g->series[i].n; k > 0 && strcmp(g->series[i].limit, limit) == 0; k--)
            if (g->series[i].at[k - 1].seq == seq)
                g->series[i].at[k - 1].gone = true;
}

/* A day of a limit that allows some exceedances has no mean: its windows are told one by one. */
int report_take_verdict(const struct row *row, void *gathered)
{
    struct gathered *g = gathered;
    json_t *body = row->body && row->seq <= g->head_seq ? json_loads(row->body, 0, NULL) : NULL;
    if (body && !json_object_get(body, "windows")) {
        struct judged_series *s = series_of(g, row->subject, body);
        if (json_object_get(body, "corrects"))
            take_back(g, row->subject, int_of(body, "corrects"));
        if (s->n == s->room) {
            s->room = s->room ? s->room * 2 : 64;
            s->at = mem_resize(s->at, (size_t)s->room, sizeof *s->at);
        }
        s->at[s->n++] = judged_of(row, body);
        s->value = json_number_value(json_object_get(body, "value"));
        s->window_ms = int_of(body, "window_s") * 1000;
        s->hours = (struct hours){0};
        hours_parse(text_of(body, "hours"), &s->hours); /* without: always */
    }
    json_decref(body);
    return ERR_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct judged *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Of a window that was told again the last word counts. */
void report_sort_verdicts(struct gathered *g)
{
    for (int i = 0; i < g->nseries; i++) {
        struct judged_series *s = &g->series[i];
        int kept = 0;
        qsort(s->at, (size_t)s->n, sizeof *s->at, by_time);
        for (int k = 0; k < s->n; k++) {
            if (s->at[k].gone || (k + 1 < s->n && s->at[k + 1].at_ms == s->at[k].at_ms))
                continue;
            s->at[kept++] = s->at[k];
        }
        s->n = kept;
    }
}
