/* While a probe runs, on standard error: a bar where that is a terminal, else a line for each setting. */
#include "daemon/ctl/probe.h"

#include "daemon/base/clock.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/when.h"

#include <stdio.h>

enum { BAR = 24, DRAW_US = 100000 };

char *probe_setting(const struct scan_setting *s, char text[static 24])
{
    snprintf(text, 24, "%d 8%c%d", s->baud, s->parity, s->stop_bits);
    return text;
}

static char *span_of(const struct probe *p, int64_t us, char text[static 48])
{
    int64_t ms = us / 1000;
    return when_span(ms < CLOCK_SECOND_MS ? CLOCK_SECOND_MS : ms, p->c->zh, text);
}

void probe_clear(struct probe *p)
{
    if (p->terminal && p->drawn_us)
        fputs("\r\033[K", stderr);
    p->drawn_us = 0;
}

void probe_tell_plan(const struct probe *p)
{
    const struct scan_plan *plan = &p->plan;
    char first[48], second[48], all[48];
    int64_t first_us = 0, all_us = 0;
    for (int i = 0; i < plan->nsettings; i++) {
        first_us += scan_first_us(plan, &plan->settings[i]);
        all_us += scan_second_us(plan, &plan->settings[i]);
    }
    fprintf(stderr,
            say(p->c, "%s：只读不写；Ctrl-C 随时结束。%d 种设置，先问 %d 个常见地址，约 %s\n",
                "%s: only reads; Ctrl-C ends it. %d settings, the %d likely units first: about %s\n"),
            p->shown, plan->nsettings, plan->nlikely, span_of(p, first_us, first));
    if (plan->nothers)
        fprintf(stderr,
                say(p->c,
                    "再在有应答的设置上问其余 %d 个地址，每种设置约 %s（都没有应答时全部再问一遍，约 %s）\n",
                    "then the other %d units where one has answered, about %s each (where none has, all of "
                    "them: about %s)\n"),
                plan->nothers, span_of(p, scan_second_us(plan, &plan->settings[0]), second),
                span_of(p, all_us, all));
    if (p->lender)
        fprintf(
            stderr,
            say(p->c, "总线 %s 已从 dustd 借来，最多 %s；期间读数记为 M（维护），喷淋关闭并锁定\n",
                "bus %s is borrowed from dustd for at most %s: its readings are M (maintenance), water on it "
                "is off and locked\n"),
            text_of(p->lent, "bus"), span_of(p, p->until_us - clock_wire_us(), first));
}

static void draw(struct probe *p, int64_t done_us, int64_t left_us, const char *what)
{
    char bar[BAR + 1], left[48];
    int64_t all_us = done_us + left_us, now_us = clock_wire_us();
    if (p->drawn_us && now_us - p->drawn_us < DRAW_US)
        return;
    p->drawn_us = now_us;
    int full = all_us > 0 ? (int)(done_us * BAR / all_us) : 0;
    for (int i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = 0;
    fprintf(
        stderr,
        say(p->c, "\r[%s] %3d %%  %s  找到 %d  还需 %s\033[K", "\r[%s] %3d %%  %s  found %d  %s left\033[K"),
        bar, all_us > 0 ? (int)(done_us * 100 / all_us) : 0, what, p->result.nunits,
        span_of(p, left_us, left));
}

void probe_progress(const struct scan_progress *at, void *probe)
{
    struct probe *p = probe;
    char setting[24], left[48], what[64];
    probe_setting(at->setting, setting);
    if (p->terminal) {
        snprintf(what, sizeof what, say(p->c, "%s 地址 %d", "%s unit %d"), setting, at->unit_id);
        draw(p, at->done_us, at->left_us, what);
        return;
    }
    if (p->told && scan_same(p->told, at->setting) && p->told_round == at->round)
        return;
    p->told = at->setting;
    p->told_round = at->round;
    fprintf(stderr, say(p->c, "第 %d 轮 %s，还需 %s\n", "round %d: %s, %s left\n"), at->round, setting,
            span_of(p, at->left_us, left));
}

void probe_found(const struct scan_unit *u, void *probe)
{
    struct probe *p = probe;
    char setting[24];
    probe_clear(p);
    fprintf(stderr, say(p->c, "%s：地址 %d 有应答（%d 毫秒）\n", "%s: unit %d answers (%d ms)\n"),
            probe_setting(&u->setting, setting), u->unit_id, (u->answer_us + 500) / 1000);
}

void probe_reading(struct probe *p, int unit, int of)
{
    probe_clear(p);
    fprintf(stderr, say(p->c, "用 %d 个型号文件读第 %d/%d 台\n", "reading with %d profiles: unit %d of %d\n"),
            p->nprofiles, unit, of);
}
