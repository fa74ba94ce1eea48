/* What was found, as configuration to paste: whole sections for a new file; of a line that dustd has, the
 * devices that it does not know. Whatever is written here passes dustd --check. */
#include "daemon/ctl/probe.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

enum { NAME_PART = 27, TIMEOUT_DEFAULT_MS = 300, THINKS_TIMES = 4, TIMEOUT_STEP_MS = 100 };

/* The setting that most units have: one line, one speed. NULL: none was found. */
static const struct scan_setting *main_setting(const struct probe *p)
{
    const struct scan_setting *best = NULL;
    int most = 0;
    for (int i = 0; i < p->nunits; i++) {
        int same = 0;
        for (int k = 0; k < p->nunits; k++)
            same += scan_same(&p->units[i].at.setting, &p->units[k].at.setting);
        if (same > most)
            best = &p->units[i].at.setting;
        most = same > most ? same : most;
    }
    return best;
}

static const char *parity_word(char parity)
{
    return parity == 'E' ? "even" : parity == 'O' ? "odd" : "none";
}

static void put_head(const struct probe *p, int64_t now_ms, struct buf *out)
{
    char stamp[32];
    clock_text(now_ms, p->c->zone_min, stamp);
    stamp[10] = 0;
    buf_printf(out,
               say(p->c, "# %s dustctl probe %s\n# 先把每个数值与设备自己的显示对照，再使用。\n",
                   "# %s dustctl probe %s\n# Compare every value with the device's own display first.\n"),
               stamp, p->shown);
}

static const struct probe_candidate *best(const struct probe_unit *u)
{
    return u->ncandidates ? &u->candidates[0] : NULL;
}

static bool fits(const struct probe_unit *u, const struct scan_setting *s)
{
    return scan_same(&u->at.setting, s) && best(u) && !best(u)->order && !u->known;
}

/* dustd looks for profiles in its own directories only. */
static void put_copies(const struct probe *p, const struct scan_setting *s, struct buf *out)
{
    for (int i = 0; i < p->nunits; i++) {
        const struct probe_unit *u = &p->units[i];
        bool said = !fits(u, s) || best(u)->of->installed;
        for (int k = 0; k < i && !said; k++)
            said = fits(&p->units[k], s) && best(&p->units[k])->of == best(u)->of;
        if (!said)
            buf_printf(out,
                       say(p->c, "# 先把 %s/%s.yaml 复制到 /etc/dustd/devices/\n",
                           "# first copy %s/%s.yaml to /etc/dustd/devices/\n"),
                       best(u)->of->dir, best(u)->of->profile->name);
    }
}

/* ---- the line ---- */

/* A slow unit needs more than the default. */
static int timeout_ms(const struct probe *p)
{
    int slowest_ms = 0;
    for (int i = 0; i < p->nunits; i++)
        if (p->units[i].at.answer_us / 1000 > slowest_ms)
            slowest_ms = p->units[i].at.answer_us / 1000;
    int wanted = (THINKS_TIMES * slowest_ms + TIMEOUT_STEP_MS - 1) / TIMEOUT_STEP_MS * TIMEOUT_STEP_MS;
    return wanted > TIMEOUT_DEFAULT_MS ? wanted < 10000 ? wanted : 10000 : 0;
}

/* Some units need a rest before the next question. */
static int gap_ms(const struct probe *p)
{
    int longest_ms = 0;
    for (int i = 0; i < p->nunits; i++)
        if (p->units[i].at.gap_ms > longest_ms)
            longest_ms = p->units[i].at.gap_ms;
    return longest_ms;
}

static void put_line(const struct probe *p, const struct scan_setting *s, struct buf *out)
{
    buf_printf(out, "buses:\n  line1:\n    path: \"%s\"\n    baud: %d\n    parity: %s\n", p->shown, s->baud,
               parity_word(s->parity));
    if (s->stop_bits != 1)
        buf_printf(out, "    stop_bits: %d\n", s->stop_bits);
    if (gap_ms(p))
        buf_printf(out, "    turnaround: %dms\n", gap_ms(p));
    if (timeout_ms(p))
        buf_printf(out, "    timeout: %dms\n", timeout_ms(p));
    if (p->port.rs485)
        buf_text(out, "    rs485: true\n");
}

/* Of a line that is configured only what must be another. */
static void put_line_change(const struct probe *p, const struct scan_setting *s, struct buf *out)
{
    const char *bus = text_of(p->lent, "bus");
    if (int_of(p->lent, "baud") != s->baud || strcmp(text_of(p->lent, "parity"), parity_word(s->parity)) != 0)
        buf_printf(out,
                   say(p->c, "# buses: 下的 %s 要改为 baud: %d、parity: %s\n",
                       "# under buses: %s needs baud: %d and parity: %s\n"),
                   bus, s->baud, parity_word(s->parity));
    buf_printf(out, say(p->c, "# 加到 devices: 之下\n", "# goes under devices:\n"));
}

/* ---- the devices ---- */

static void put_doubts(const struct probe *p, const struct probe_unit *u, struct buf *out)
{
    char name[96];
    buf_printf(out, " # %d/100", best(u)->match.score);
    for (int i = 1; i < u->ncandidates; i++)
        buf_printf(out, "%s%s %d", i == 1 ? say(p->c, "；也可能是 ", "; or ") : ", ",
                   probe_name(&u->candidates[i], name), u->candidates[i].match.score);
    buf_text(out, "\n");
}

static void put_device(const struct probe *p, const struct probe_unit *u, const char *bus, struct buf *out)
{
    const char *name = best(u)->of->profile->name;
    buf_printf(out, "  %.*s-%d: {bus: %s, profile: %s, unit_id: %d}", NAME_PART, name, u->at.unit_id, bus,
               name, u->at.unit_id);
    put_doubts(p, u, out);
}

/* A unit that cannot stand in the block, and why. */
static void put_left_out(const struct probe *p, const struct probe_unit *u, const char *why_zh,
                         const char *why_en, struct buf *out)
{
    char setting[24];
    buf_printf(out, say(p->c, "  # 地址 %d（%s）：%s\n", "  # unit %d (%s): %s\n"), u->at.unit_id,
               probe_setting(&u->at.setting, setting), why_zh && p->c->zh ? why_zh : why_en);
}

/* No profile says it so, but one with another word order does. */
static void put_order(const struct probe *p, const struct probe_unit *u, struct buf *out)
{
    buf_printf(out,
               say(p->c, "  # 地址 %d：%s 的字序改为 order: %s 才合适；复制型号文件后修改\n",
                   "  # unit %d: %s fits with order: %s; copy that profile and change it\n"),
               u->at.unit_id, best(u)->of->profile->name, best(u)->order);
}

static void put_devices(const struct probe *p, const struct scan_setting *s, const char *bus, struct buf *out)
{
    for (int i = 0; i < p->nunits; i++) {
        const struct probe_unit *u = &p->units[i];
        if (fits(u, s))
            put_device(p, u, bus, out);
        else if (!scan_same(&u->at.setting, s))
            put_left_out(p, u, "一条线只能有一种设置，请先把它改成与其他设备相同",
                         "one line, one setting: set it to that of the others first", out);
        else if (!u->known && best(u))
            put_order(p, u, out);
        else if (!u->known)
            put_left_out(p, u, "没有合适的型号文件", "no profile fits", out);
    }
}

void probe_block(const struct probe *p, int64_t now_ms, struct buf *out)
{
    const struct scan_setting *s = main_setting(p);
    int n = 0;
    for (int i = 0; s && i < p->nunits; i++)
        n += fits(&p->units[i], s);
    if (n == 0)
        return;
    put_head(p, now_ms, out);
    put_copies(p, s, out);
    if (p->lent) {
        put_line_change(p, s, out);
    } else {
        put_line(p, s, out);
        buf_text(out, "devices:\n");
    }
    put_devices(p, s, p->lent ? text_of(p->lent, "bus") : "line1", out);
}
