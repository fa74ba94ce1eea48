/* What was found, for people: each unit, and what each profile that may be its own makes of its answers, side
 * by side. */
#include "daemon/ctl/probe.h"

#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/words.h"
#include "daemon/sample.h"
#include "drivers/profile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A quantity's name, the same in all columns: the role, or else the point's own. */
static const char *row_name(const struct point *p)
{
    return p->role && p->role[0] ? p->role : p->name;
}

/* The first row name of candidate `k` that no candidate (or point) before has. */
static bool is_new_row(const struct probe_unit *u, int k, int point)
{
    const char *name = row_name(&u->candidates[k].of->profile->points[point]);
    for (int i = 0; i <= k; i++) {
        const struct profile *p = u->candidates[i].of->profile;
        int n = i < k ? p->npoints : point;
        for (int j = 0; j < n; j++)
            if (strcmp(row_name(&p->points[j]), name) == 0)
                return false;
    }
    return true;
}

static void add_value(struct table *t, const struct ctl *c, const struct point *p, const struct sample *s)
{
    if (!isnan(s->value) && s->why == WHY_NONE)
        table_printf(t, "%.*f %s", p->decimals, s->value, unit_shown(p->unit));
    else if (s->why == WHY_EXCEPTION)
        table_printf(t, "— %s %u", word_why(why_str(s->why), c->zh), s->exception);
    else
        table_printf(t, "— %s", word_why(why_str(s->why), c->zh));
}

static void add_row(struct table *t, const struct ctl *c, const struct probe_unit *u, const char *name)
{
    table_cell(t, name);
    for (int k = 0; k < u->ncandidates; k++) {
        const struct profile *p = u->candidates[k].of->profile;
        int i = 0;
        while (i < p->npoints && strcmp(row_name(&p->points[i]), name) != 0)
            i++;
        if (i < p->npoints)
            add_value(t, c, &p->points[i], &u->candidates[k].samples[i]);
        else
            table_cell(t, "");
    }
}

char *probe_name(const struct probe_candidate *c, char text[static 96])
{
    const char *name = c->of->profile->name;
    if (c->order)
        snprintf(text, 96, "%.60s (%s)", name, c->order);
    else
        snprintf(text, 96, "%.60s", name);
    return text;
}

static void print_candidates(const struct ctl *c, const struct probe_unit *u)
{
    struct table t = {.columns = 1 + u->ncandidates};
    char name[96];
    table_cell(&t, "");
    for (int k = 0; k < u->ncandidates; k++)
        table_cell(&t, probe_name(&u->candidates[k], name));
    table_cell(&t, say(c, "符合程度", "fits"));
    for (int k = 0; k < u->ncandidates; k++)
        table_printf(&t, "%d/100", u->candidates[k].match.score);
    for (int k = 0; k < u->ncandidates; k++) {
        const struct profile *p = u->candidates[k].of->profile;
        for (int i = 0; i < p->npoints; i++)
            if (is_new_row(u, k, i))
                add_row(&t, c, u, row_name(&p->points[i]));
    }
    table_print(&t, stdout);
    table_finish(&t);
}

/* Nothing explains it: what it said, for whoever writes its profile. */
static void print_raws(const struct probe_unit *u)
{
    for (int i = 0; i < u->nraws; i++) {
        const struct probe_raw *raw = &u->raws[i];
        printf("%s 0x%04X:", table_str(raw->request.table), raw->request.address);
        for (size_t k = 0; k < raw->request.count && k < sizeof raw->values / sizeof *raw->values; k++)
            printf(plan_bits(raw->request.table) ? " %u" : " %04X", raw->values[k]);
        putchar('\n');
    }
}

static void print_advice(const struct ctl *c, const struct probe_unit *u)
{
    const struct probe_candidate *best = &u->candidates[0];
    bool clear = u->ncandidates < 2 || best->match.score - u->candidates[1].match.score >= MATCH_CLEAR;
    if (u->ncandidates == 0)
        puts(say(c, "没有合适的型号文件；它的应答（十六进制）：",
                 "no profile fits; what it answers (hexadecimal):"));
    else if (best->match.score < MATCH_LIKELY)
        puts(say(c, "都不太符合：请查设备型号，并与设备显示对照",
                 "none fits well: look at the type plate and compare with the display"));
    else if (!clear)
        puts(say(c, "不止一种可能：请与设备显示对照后选择",
                 "more than one may be right: compare with the display"));
}

static void print_unit(const struct ctl *c, const struct probe_unit *u)
{
    char setting[24];
    printf(say(c, "\n地址 %d，%s，%d 毫秒应答", "\nunit %d at %s, answers in %d ms"), u->at.unit_id,
           probe_setting(&u->at.setting, setting), (u->at.answer_us + 500) / 1000);
    if (u->known)
        printf(say(c, "（配置中已有：%s）", " (in the configuration as %s)"), u->known);
    putchar('\n');
    if (u->ncandidates)
        print_candidates(c, u);
    print_advice(c, u);
    if (u->ncandidates == 0)
        print_raws(u);
}

static void print_hint(const char *what, const char *text, void *arg)
{
    (void)what, (void)arg;
    printf("! %s\n", text);
}

void probe_print(const struct probe *p)
{
    printf(say(p->c, "%s：找到 %d 台设备\n", "%s: %d found\n"), p->shown, p->nunits);
    for (int i = 0; i < p->nunits; i++)
        print_unit(p->c, &p->units[i]);
    probe_hints(p, print_hint, NULL);
}
