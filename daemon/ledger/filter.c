#include "daemon/ledger/filter.h"

#include "daemon/base/err.h"
#include "daemon/ledger/life.h"

#include <stdio.h>
#include <string.h>

static bool is_state(const char *text)
{
    enum issue_state s;
    return state_parse(text, &s) == ERR_OK;
}

static bool is_level(const char *text)
{
    enum level l;
    return level_parse(text, &l) == ERR_OK;
}

static bool is_kind(const char *text)
{
    return kind_find(text) != NULL;
}

static bool is_light(const char *text)
{
    return strcmp(text, "green") == 0 || strcmp(text, "yellow") == 0 || strcmp(text, "red") == 0;
}

int filter_read(const json_t *object, struct issue_filter *f, char *why, size_t why_size)
{
    const struct {
        const char *name;
        const char **to;
        bool (*is)(const char *text);
        const char *allowed;
    } words[] = {
        {"state", &f->state, is_state, "found confirmed assigned working review closed dismissed"},
        {"kind", &f->kind, is_kind, "data device doubt finding limit requirement task wash"},
        {"light", &f->light, is_light, "green yellow red"},
        {"level", &f->level, is_level, "general major critical"},
        {"subject", &f->subject, NULL, ""},
        {"person", &f->person, NULL, ""},
        {"text", &f->text, NULL, ""},
    };
    *f = (struct issue_filter){.open = json_is_true(json_object_get(object, "open")),
                               .due_ms = json_integer_value(json_object_get(object, "due"))};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        *words[i].to = json_string_value(json_object_get(object, words[i].name));
        if (!*words[i].to || !words[i].is || words[i].is(*words[i].to))
            continue;
        snprintf(why, why_size, "there is no %s '%.40s'; allowed: %s", words[i].name, *words[i].to,
                 words[i].allowed);
        return ERR_FORMAT;
    }
    return ERR_OK;
}

static bool is(const char *wanted, const char *found)
{
    return !wanted || strcmp(wanted, found) == 0;
}

static bool has_text(const struct issue *i, const char *text)
{
    const char *const in[] = {i->id, i->title_zh, i->title_en, i->subject, i->cause};
    for (size_t k = 0; k < sizeof in / sizeof *in; k++)
        if (strcasestr(in[k], text))
            return true;
    return false;
}

bool filter_takes(const struct issue_filter *f, const struct issue *i, int64_t now_ms)
{
    bool open = issue_is_open(i);
    if ((f->open || f->light || f->due_ms) && !open)
        return false;
    if (!is(f->state, issue_state_str(i->state)) || !is(f->kind, i->kind) || !is(f->subject, i->subject) ||
        !is(f->person, i->person) || !is(f->level, level_str(i->level)))
        return false;
    if (f->light && !is(f->light, light_str(issue_light(i, now_ms))))
        return false;
    if (f->due_ms && (!i->rectify_due_ms || i->rectify_due_ms > f->due_ms))
        return false;
    return !f->text || has_text(i, f->text);
}
