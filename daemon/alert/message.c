#include "daemon/alert/message.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/base/utf8.h"

#include <string.h>

static const struct {
    const char *zh, *en;
} levels[ALERT_LEVELS] = {
    [LEVEL_GENERAL] = {"一般", "general"},
    [LEVEL_MAJOR] = {"较大", "major"},
    [LEVEL_CRITICAL] = {"重大", "CRITICAL"},
};

enum { TITLE_MOST = 240, MORE_ROOM = 64 };

static const char *level_word(const struct alert_frame *f, enum level l)
{
    return f->zh ? levels[l].zh : levels[l].en;
}

/* `text` cut to `most` bytes, with a sign that it was. */
static void add_cut(struct buf *b, const char *text, size_t most)
{
    size_t length = strlen(text), cut = utf8_cut(text, length, most);
    if (cut == length) {
        buf_text(b, text);
        return;
    }
    buf_add(b, text, utf8_cut(text, length, most > 3 ? most - 3 : 0));
    buf_text(b, "…");
}

/* "重大 2，一般 5" */
static void add_counts(struct buf *b, const struct alert_frame *f, const struct alert_text *list, int n)
{
    int count[ALERT_LEVELS] = {0};
    const char *join = "";
    for (int i = 0; i < n; i++)
        count[list[i].level]++;
    for (int l = ALERT_LEVELS - 1; l >= 0; l--) {
        if (!count[l])
            continue;
        buf_printf(b, "%s%s %d", join, level_word(f, (enum level)l), count[l]);
        join = f->zh ? "，" : ", ";
    }
}

static void add_subject(struct buf *b, const struct alert_frame *f, const struct alert_text *list, int n)
{
    if (f->simulated)
        buf_text(b, f->zh ? "【模拟】" : "[simulated] ");
    if (n == 1) {
        buf_printf(b, f->zh ? "【%s】" : "[%s] ", level_word(f, list->level));
        add_cut(b, f->site, TITLE_MOST);
        buf_text(b, f->zh ? "：" : ": ");
        add_cut(b, list->title, TITLE_MOST);
        return;
    }
    buf_text(b, f->zh ? "【汇总】" : "[digest] ");
    add_cut(b, f->site, TITLE_MOST);
    buf_printf(b, f->zh ? "：%d 条提醒（" : ": %d alerts (", n);
    add_counts(b, f, list, n);
    buf_text(b, f->zh ? "）" : ")");
}

char *message_subject(const struct alert_frame *f, const struct alert_text *list, int n)
{
    struct buf b = {0};
    add_subject(&b, f, list, n);
    return buf_take(&b);
}

/* "2026-11-26 12:30", in the site's zone. */
static void add_time(struct buf *b, int64_t at_ms, int zone_min)
{
    char text[32];
    clock_text(at_ms, zone_min, text);
    buf_printf(b, "%.10s %.5s", text, text + 11);
}

/* When it was said, to whom it goes: below the text, which is cut before these are. */
static void add_end(struct buf *b, const struct alert_frame *f, const struct alert_text *a)
{
    buf_text(b, f->zh ? "\n时间：" : "\nTime: ");
    add_time(b, a->at_ms, f->zone_min);
    buf_text(b, f->zh ? "\n通知：" : "\nTo: ");
    add_cut(b, f->person, TITLE_MOST);
}

static void add_one(struct buf *b, const struct alert_frame *f, const struct alert_text *a, size_t most)
{
    struct buf end = {0};
    add_end(&end, f, a);
    if (a->text[0] && b->length + end.length + 8 < most) {
        buf_text(b, "\n");
        add_cut(b, a->text, most - b->length - end.length);
    }
    buf_text(b, end.data);
    buf_finish(&end);
}

/* Lines as long as there is room, with room kept for saying how many there are beside them. */
static void add_lines(struct buf *b, const struct alert_frame *f, const struct alert_text *list, int n,
                      size_t most)
{
    struct buf line = {0};
    int i = 0;
    for (; i < n; i++) {
        buf_clear(&line);
        buf_printf(&line, f->zh ? "\n%d. 【%s】" : "\n%d. [%s] ", i + 1, level_word(f, list[i].level));
        add_cut(&line, list[i].title, TITLE_MOST);
        if (list[i].subject[0])
            buf_printf(&line, " (%.40s)", list[i].subject);
        if (b->length + line.length + MORE_ROOM > most)
            break;
        buf_text(b, line.data);
    }
    if (i < n)
        buf_printf(b, f->zh ? "\n另有 %d 条，见问题台账" : "\n… and %d more: see the ledger", n - i);
    buf_finish(&line);
}

char *message_text(const struct alert_frame *f, const struct alert_text *list, int n, size_t most)
{
    struct buf b = {0};
    add_subject(&b, f, list, n);
    if (n == 1)
        add_one(&b, f, list, most);
    else
        add_lines(&b, f, list, n, most);
    char *text = buf_take(&b);
    text[utf8_cut(text, strlen(text), most)] = 0;
    return text;
}
