#include "daemon/ctl/changes.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/scene.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdarg.h>
#include <string.h>

struct saying {
    struct changes *ch;
    const struct ctl *c;
    const struct scene *scene;
    FILE *out;
    int64_t now_ms;
};

/* Prints `thing` (its reference is stolen) with the time, or the words for it, when `key` was not said to be
 * so. */
static void say_thing(const struct saying *s, const char *key, int64_t at_ms, json_t *thing,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

static void say_thing(const struct saying *s, const char *key, int64_t at_ms, json_t *thing,
                      const char *format, ...)
{
    const json_t *before = json_object_get(s->ch->said, key);
    char words[1024], time[32];
    va_list ap;
    if (before && json_equal(before, thing)) {
        json_decref(thing);
        return;
    }
    json_object_set(s->ch->said, key, thing);
    if (s->c->json) {
        json_t *line = at_ms > 0 ? json_pack("{s:I}", "ts", (json_int_t)at_ms) : json_object();
        json_object_update(line, thing);
        json_dumpf(line, s->out, JSON_COMPACT | JSON_REAL_PRECISION(15));
        fputc('\n', s->out);
        json_decref(line);
    } else {
        va_start(ap, format);
        vsnprintf(words, sizeof words, format, ap);
        va_end(ap);
        char *clean = text_clean(words);
        fprintf(s->out, "%s  %s\n", when_text(at_ms, s->c->zone_min, time), clean);
        mem_free(clean);
    }
    json_decref(thing);
}

static void say_contact(const struct saying *s)
{
    static const char *const names[] = {[CONTACT_NONE] = "none",
                                        [CONTACT_GOOD] = "good",
                                        [CONTACT_SILENT] = "silent",
                                        [CONTACT_GONE] = "gone",
                                        [CONTACT_DENIED] = "denied"};
    static const char *const words[][2] = {
        [CONTACT_NONE] = {"正在询问 dustd", "asking dustd"},
        [CONTACT_GOOD] = {"dustd 有应答", "dustd answers"},
        [CONTACT_SILENT] = {"dustd 没有应答，以下读数一律未知", "dustd does not answer: no reading is known"},
        [CONTACT_GONE] = {"dustd 没有运行，读数一律未知", "dustd is not running: no reading is known"},
        [CONTACT_DENIED] = {"dustd 拒绝了连接", "turned away by dustd"},
    };
    enum contact contact = s->scene->contact;
    json_t *thing = json_pack("{s:s,s:s}", "what", "contact", "state", names[contact]);
    if (s->scene->why[0])
        json_object_set_new(thing, "why", json_string(s->scene->why));
    say_thing(s, "contact", s->now_ms, thing, "%s%s%s", say(s->c, words[contact][0], words[contact][1]),
              s->scene->why[0] ? ": " : "", s->scene->why);
}

/* Lines and brokers: a list of objects with a name and a flag. */
static void say_list(const struct saying *s, const char *list, const char *what, const char *flag)
{
    static const char *const words[][4] = {{"line", "总线", "bus", ""}, {"uplink", "上行", "uplink", ""}};
    size_t i;
    json_t *item;
    const char *const *w = words[strcmp(what, words[0][0]) != 0];
    json_array_foreach(json_object_get(s->scene->status, list), i, item)
    {
        bool on = is_true(item, flag);
        const char *state = text_of(item, "state"); /* a line has one */
        const char *name = text_of(item, "name");
        char key[128];
        snprintf(key, sizeof key, "%s %s", what, name);
        say_thing(s, key, s->now_ms, json_pack("{s:s,s:s,s:b}", "what", what, "name", name, flag, on),
                  "%s %s %s", say(s->c, w[1], w[2]), name,
                  word_state(*state ? state
                             : on   ? "up"
                                    : "down",
                             s->c->zh));
    }
}

/* All that somebody should look after, in one line: it may end as well as begin. */
static void say_warnings(const struct saying *s)
{
    json_t *list = json_object_get(s->scene->status, "warnings"), *warning;
    struct buf words = {0};
    size_t i;
    if (!json_is_array(list))
        return;
    json_array_foreach(list, i, warning)
    {
        const char *about = text_of(warning, "about");
        buf_printf(&words, "%s%s%s%s", i ? say(s->c, "；", "; ") : say(s->c, "注意：", "look: "),
                   word_warning(text_of(warning, "what"), s->c->zh), *about ? " " : "", about);
    }
    say_thing(s, "warnings", s->now_ms, json_pack("{s:s,s:O}", "what", "warnings", "warnings", list), "%s",
              words.length ? words.data
                           : say(s->c, "网关没有需要注意的事", "nothing to look after at the gateway"));
    buf_finish(&words);
}

static void say_gateway(const struct saying *s)
{
    say_list(s, "buses", "line", "up");
    say_list(s, "mqtt", "uplink", "connected");
    say_warnings(s);
}

/* The members of these names, where the object has them. */
static void copy_members(json_t *to, const json_t *from, const char *const *names)
{
    for (; *names; names++)
        if (json_object_get(from, *names))
            json_object_set(to, *names, json_object_get(from, *names));
}

static void say_point(const struct saying *s, const json_t *device, const json_t *point)
{
    static const char *const members[] = {"q", "unit", NULL}, *const reasons[] = {"why", "exception", NULL};
    const struct reading r = scene_reading(s->c, s->scene, device, point);
    int64_t at_ms = int_of(point, "ts");
    char name[160], key[176];
    snprintf(name, sizeof name, "%s/%s", text_of(device, "name"), text_of(point, "name"));
    snprintf(key, sizeof key, "point %s", name);
    json_t *thing = json_pack("{s:s,s:s}", "what", "point", "point", name);
    copy_members(thing, point, members);
    if (r.shown)
        json_object_set(thing, "v", json_object_get(point, "v"));
    else if (r.old)
        json_object_set_new(thing, "why", json_string("no reading any more"));
    else
        copy_members(thing, point, reasons);
    say_thing(s, key, r.old || !at_ms ? s->now_ms : at_ms, thing, "%s  %s %s  %s", name, r.value,
              unit_shown(text_of(point, "unit")), r.words);
}

static void say_device(const struct saying *s, const json_t *device)
{
    static const char *const members[] = {"state", "why", NULL};
    const char *name = text_of(device, "name"), *why = text_of(device, "why");
    size_t i;
    json_t *point;
    char key[160];
    snprintf(key, sizeof key, "device %s", name);
    json_t *thing = json_pack("{s:s,s:s}", "what", "device", "device", name);
    copy_members(thing, device, members);
    say_thing(s, key, s->now_ms, thing, "%s %s (%s) %s%s%s", say(s->c, "设备", "device"),
              say_title(s->c, json_object_get(device, "title")), name,
              word_state(text_of(device, "state"), s->c->zh), *why ? say(s->c, "：", ": ") : "",
              word_why(why, s->c->zh));
    json_array_foreach(json_object_get(device, "points"), i, point)
    {
        say_point(s, device, point);
    }
}

static void say_window(const struct saying *s, const json_t *window)
{
    static const char *const members[] = {"limit", "point", "window_s", "start", "verdict", "mean", "n",
                                          "of",    "q",     "compare",  "value", "unit",    NULL};
    const struct so_far so_far = scene_so_far(s->c, window);
    const char *point = text_of(window, "point");
    char key[256], span[48];
    snprintf(key, sizeof key, "window %s %s", text_of(window, "limit"), point);
    json_t *thing = json_pack("{s:s}", "what", "window");
    copy_members(thing, window, members);
    say_thing(s, key, s->now_ms, thing, "%s %s %s  %s / %.6g %s  %s%s%s  %lld/%lld",
              say_title(s->c, json_object_get(window, "title")),
              *point ? point : say(s->c, "各点平均", "mean of the points"),
              when_span(int_of(window, "window_s") * 1000, s->c->zh, span), so_far.mean,
              json_number_value(json_object_get(window, "value")), unit_shown(text_of(window, "unit")),
              so_far.share, so_far.share[0] ? " " : "", so_far.words, (long long)int_of(window, "n"),
              (long long)int_of(window, "of"));
}

static void say_issue(const struct saying *s, const json_t *issue)
{
    static const char *const members[] = {"state",    "light",      "overdue",     "person",
                                          "answered", "answer_due", "rectify_due", NULL};
    const char *id = text_of(issue, "id"), *person = text_of(issue, "person");
    bool to_answer;
    int64_t due_ms = scene_due(issue, &to_answer);
    char key[64], due[32];
    snprintf(key, sizeof key, "issue %s", id);
    json_t *thing = json_pack("{s:s,s:s}", "what", "issue", "issue", id);
    copy_members(thing, issue, members);
    say_thing(s, key, s->now_ms, thing, "%s %s  %s%s  %s  %s  %s %s  %s", say(s->c, "问题", "issue"), id,
              word_state(text_of(issue, "light"), s->c->zh),
              is_true(issue, "overdue") ? say(s->c, " 逾期", " overdue") : "",
              word_state(text_of(issue, "state"), s->c->zh),
              *person ? person : say(s->c, "未交办", "nobody's"),
              to_answer ? say(s->c, "回复期限", "answer by") : say(s->c, "整改期限", "rectify by"),
              when_text(due_ms, s->c->zone_min, due), say_title(s->c, json_object_get(issue, "title")));
}

static void say_events(const struct saying *s)
{
    struct changes *ch = s->ch;
    size_t i;
    json_t *event;
    if (strcmp(ch->journal, s->scene->journal) != 0)
        ch->event_seq = 0;
    snprintf(ch->journal, sizeof ch->journal, "%s", s->scene->journal);
    json_array_foreach(s->scene->events, i, event)
    {
        char text[512];
        if (int_of(event, "seq") <= ch->event_seq)
            continue;
        ch->event_seq = int_of(event, "seq");
        scene_event(s->c, event, text, sizeof text);
        json_t *thing = json_pack("{s:s}", "what", "event");
        json_object_update(thing, event);
        say_thing(s, "event", int_of(event, "at"), thing, "%s %s", say(s->c, "事件", "event"), text);
    }
}

void changes_print(struct changes *ch, const struct ctl *c, const struct scene *scene, FILE *out)
{
    const struct saying s = {ch, c, scene, out, int_of(scene->status, "now")};
    size_t i;
    json_t *item;
    if (!ch->said)
        ch->said = json_object();
    say_contact(&s);
    if (!scene_is_live(scene)) {
        json_t *contact = json_incref(json_object_get(ch->said, "contact"));
        json_object_clear(ch->said);
        json_object_set_new(ch->said, "contact", contact);
        return;
    }
    say_gateway(&s);
    json_array_foreach(scene->devices, i, item)
    {
        say_device(&s, item);
    }
    json_array_foreach(scene->windows, i, item)
    {
        say_window(&s, item);
    }
    json_array_foreach(scene->issues, i, item)
    {
        say_issue(&s, item);
    }
    say_events(&s);
}

void changes_finish(struct changes *ch)
{
    json_decref(ch->said);
    *ch = (struct changes){0};
}
