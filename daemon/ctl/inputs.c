/* What a person tells the daemon: event, inspect, stage, calendar, warning, maintain. One table: which member
 * of the message each word after the verb is. The daemon checks the rest. */
#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 3 };

struct form {
    const char *kind;             /* of the input */
    const char *words[WORDS_MAX]; /* members in the order of the words; those with '#' are numbers */
    const char *from;             /* member for --from, "at" of a moment */
    const char *unit;             /* member unit, NULL none */
};

static const struct form forms[] = {
    {"background", {"role", "#value"}, "from", "ug/m3"},
    {"camera", {"what", "#value"}, "at", NULL},
    {"passage", {"direction", "plate"}, "at", NULL},
    {"inspection", {"about", "#value", "reason"}, "at", NULL},
    {"stage", {"stage"}, "from", NULL},
    {"calendar", {"what"}, "from", NULL},
    {"warning", {"level"}, "from", NULL},
    {"maintenance", {"device", "what"}, "from", NULL},
};

enum { NFORMS = sizeof forms / sizeof *forms, EVENTS = 3 };

static const struct form *form_of(const char *kind, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(forms[i].kind, kind) == 0)
            return &forms[i];
    return NULL;
}

static int add_word(const struct ctl *c, json_t *input, const char *member, const char *word)
{
    if (*member != '#') {
        json_object_set_new(input, member, json_string(word));
        return EXIT_OK;
    }
    char *end;
    double value = strtod(word, &end);
    if (end == word || (*end && strcmp(end, "%") != 0)) {
        complain("%s%s", say(c, "不是数：", "no number: "), word);
        return EXIT_USAGE;
    }
    json_object_set_new(input, member + 1, json_real(value));
    return EXIT_OK;
}

static int add_time(const struct ctl *c, json_t *input, const char *member, const char *text, int64_t now_ms)
{
    int64_t at_ms = now_ms;
    if (text && when_parse(text, now_ms, c->zone_min, &at_ms) != ERR_OK) {
        complain(say(c, "%s：不是时间；可写 2026-11-23T08:15、2026-11-23、08:15、-2h、now",
                     "%s: no time; write 2026-11-23T08:15, 2026-11-23, 08:15, -2h or now"),
                 text);
        return EXIT_USAGE;
    }
    json_object_set_new(input, member, json_integer(at_ms));
    return EXIT_OK;
}

static int send_input(struct ctl *c, const char *kind, json_t *input)
{
    json_t *request = json_pack("{s:s,s:s,s:o}", "do", "input", "kind", kind, "input", input);
    json_t *result = ctl_result_as(c, request);
    if (!result)
        return EXIT_FAILED;
    if (c->json)
        print_json(result);
    else if (is_true(result, "duplicate"))
        puts(say(c, "此前已登记，未重复登记", "known already: nothing was added"));
    else
        printf(say(c, "已登记（第 %lld 行）\n", "recorded in row %lld\n"), (long long)int_of(result, "seq"));
    if (!c->json && *text_of(result, "note"))
        printf("%s%s\n", say(c, "注意：", "note: "), text_of(result, "note"));
    json_decref(result);
    return EXIT_OK;
}

static int tell(struct ctl *c, const struct form *f, int first)
{
    int64_t now_ms;
    int rc = EXIT_OK;
    if (!ctl_now(c, &now_ms))
        return EXIT_FAILED;
    json_t *input = json_object();
    for (int i = first; i < c->nwords && rc == EXIT_OK; i++)
        rc = add_word(c, input, f->words[i - first], c->words[i]);
    if (rc == EXIT_OK)
        rc = add_time(c, input, f->from, c->from, now_ms);
    if (rc == EXIT_OK && c->to)
        rc = add_time(c, input, "to", c->to, now_ms);
    if (c->reason)
        json_object_set_new(input, "reason", json_string(c->reason));
    if (c->id)
        json_object_set_new(input, "id", json_string(c->id));
    if (f->unit)
        json_object_set_new(input, "unit", json_string(f->unit));
    if (rc == EXIT_OK)
        return send_input(c, f->kind, input);
    json_decref(input);
    return rc;
}

int verb_event(struct ctl *c)
{
    const struct form *f = form_of(c->words[0], EVENTS);
    if (f)
        return tell(c, f, 1);
    complain("%s", say(c, "event 之后应为 passage、camera 或 background",
                       "event takes passage, camera or background"));
    return EXIT_USAGE;
}

int verb_inspect(struct ctl *c)
{
    return tell(c, form_of("inspection", NFORMS), 0);
}

int verb_stage(struct ctl *c)
{
    return tell(c, form_of("stage", NFORMS), 0);
}

int verb_calendar(struct ctl *c)
{
    return tell(c, form_of("calendar", NFORMS), 0);
}

int verb_warning(struct ctl *c)
{
    return tell(c, form_of("warning", NFORMS), 0);
}

int verb_maintain(struct ctl *c)
{
    return tell(c, form_of("maintenance", NFORMS), 0);
}
