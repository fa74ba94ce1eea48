/* What silence and noise on the line mean, for whoever holds the screwdriver. */
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/probe.h"

#include <stdarg.h>
#include <stdio.h>

/* All settings together. */
struct sum {
    int asked, answered, garbled, silent, bytes, levels, abandoned;
    bool echoes;
};

struct hints {
    const struct probe *p;
    void (*each)(const char *what, const char *text, void *arg);
    void *arg;
};

static struct sum sum_up(const struct probe *p)
{
    struct sum sum = {0};
    for (int i = 0; i < p->result.nheard; i++) {
        const struct scan_heard *h = &p->result.heard[i];
        sum.asked += h->asked;
        sum.answered += h->answered;
        sum.garbled += h->garbled;
        sum.silent += h->silent;
        sum.bytes += h->bytes;
        sum.levels += h->levels;
        sum.abandoned += h->abandoned;
        sum.echoes = sum.echoes || h->echoes;
    }
    return sum;
}

static void hint(const struct hints *to, const char *what, const char *zh, const char *en)
{
    to->each(what, say(to->p->c, zh, en), to->arg);
}

static void hint_printf(const struct hints *to, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void hint_printf(const struct hints *to, const char *what, const char *format, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    to->each(what, text, to->arg);
}

/* Nobody was found: what the line as a whole is like. */
static void hint_line(const struct hints *to, const struct sum *sum)
{
    if (sum->asked == 0)
        return;
    if (sum->abandoned)
        hint(to, "babble",
             "线路一直不安静：A/B 接反、没有终端电阻（120 "
             "Ω）或偏置、有设备自己不停地发送，或另一台主站在用这条线",
             "the line is never quiet: A and B exchanged, no termination (120 ohm) or bias, a device that "
             "sends by "
             "itself, or another master");
    else if (sum->bytes && sum->levels * 2 > sum->bytes)
        hint(to, "polarity", "收到的几乎全是 00 和 FF：多半是 A/B 接反，或缺终端电阻（120 Ω）和偏置",
             "nearly all that came is 00 and FF: most likely A and B are exchanged, or termination (120 ohm) "
             "and "
             "bias are missing");
    else if (sum->bytes)
        hint(to, "garbage",
             "收到字节，但在哪种设置下都不是 Modbus RTU 应答：可能是别的波特率、Modbus ASCII，或接触不良",
             "bytes came, but at no setting a Modbus RTU answer: another speed, Modbus ASCII, or a bad "
             "contact");
    else
        hint(to, "silence",
             "一个字节也没有收到：检查设备供电、A/B 是否接反、线是否接对、是否选错串口；反应慢的设备加 "
             "--timeout 1s",
             "not one byte came: check the device's power, A and B exchanged, the wires, the right port; for "
             "a slow "
             "device try --timeout 1s");
}

static void hint_heard(const struct hints *to, const struct scan_heard *h)
{
    const struct ctl *c = to->p->c;
    char at[24];
    probe_setting(&h->setting, at);
    if (h->other_master)
        hint_printf(
            to, "other_master",
            say(c, "%s：没有问地址 %d 却听到它的应答：线上另有主站，或它应答太慢（加 --timeout 1s）",
                "%s: an answer of unit %d was heard that was not asked: another master, or a slow unit "
                "(try --timeout 1s)"),
            at, h->other_master);
    if (h->unsure)
        hint_printf(
            to, "unsure",
            say(c, "%s：地址 %d 应答过一次，未能确认：干扰，或设备只应答个别寄存器；用 --baud、--units 再试",
                "%s: unit %d answered once and was not confirmed: noise, or a device that answers few "
                "registers; try again with --baud and --units"),
            at, h->unsure);
    if (h->collides && h->answered + h->silent > h->garbled)
        hint_printf(
            to, "collision",
            say(c, "%s：只有地址 %d 的应答是乱的：可能有两台设备用同一地址，请一台一台地接",
                "%s: only unit %d answers garbled: two devices of one number? connect them one by one"),
            at, h->collides);
}

/* Several speeds on one pair: dustd reads a line at one. */
static bool is_mixed(const struct probe *p)
{
    for (int i = 1; i < p->nunits; i++)
        if (!scan_same(&p->units[0].at.setting, &p->units[i].at.setting))
            return true;
    return false;
}

void probe_hints(const struct probe *p, void (*each)(const char *what, const char *text, void *arg),
                 void *arg)
{
    struct hints to = {p, each, arg};
    struct sum sum = sum_up(p);
    if (p->nunits == 0)
        hint_line(&to, &sum);
    for (int i = 0; i < p->result.nheard; i++)
        hint_heard(&to, &p->result.heard[i]);
    if (sum.echoes)
        hint(&to, "echo", "转换器会收到自己发出的字节（回波）：dustd 能处理",
             "the adapter hears itself: dustd copes with that");
    if (is_mixed(p))
        hint(&to, "mixed", "一条线上有不同的通信设置：一条线只能用一种，请改设备或分线",
             "different settings on one line: dustd reads a line at one; change the devices, or use another "
             "line");
}
