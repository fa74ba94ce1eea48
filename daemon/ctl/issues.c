#include "daemon/ctl/issues.h"
#include "daemon/ctl/finding.h"
#include "daemon/ctl/source.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/base/err.h"
#include "daemon/config/config.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ledger/filter.h"
#include "daemon/ledger/ledger.h"

#include <stdio.h>
#include <string.h>

static int replay(const struct row *row, void *arg)
{
    return row->body ? ledger_apply(arg, row->seq, row->body) : ERR_OK;
}

json_t *issues_from_copy(struct ctl *c, const json_t *filter)
{
    struct config none = {
        .file = "", .language = "zh", .site = {.issue_prefix = "LQ", .zone_min = c->zone_min}};
    struct span span = {"issue", 0, INT64_MIN, INT64_MAX};
    struct source *s = NULL;
    struct issue_filter wanted;
    char why[200];
    if (source_open(c, &s) != ERR_OK)
        return NULL;
    struct ledger *ledger = ledger_create(&none);
    json_t *list = json_array();
    int rc = source_rows(s, &span, replay, ledger);
    if (rc == ERR_FORMAT)
        complain("%s",
                 say(c, "日志中有看不懂的问题记录", "the journal has an issue row that cannot be read"));
    if (rc == ERR_OK && filter_read(filter, &wanted, why, sizeof why) != ERR_OK) {
        complain("%s", why);
        rc = ERR_FORMAT;
    }
    int64_t now_ms = source_about(s)->now_ms;
    for (int i = 0; rc == ERR_OK && i < ledger_count(ledger); i++)
        if (filter_takes(&wanted, ledger_at(ledger, i), now_ms))
            json_array_append_new(list, issue_json(ledger_at(ledger, i), now_ms));
    if (rc != ERR_OK) {
        json_decref(list);
        list = NULL;
    }
    ledger_destroy(ledger);
    source_close(s);
    return list;
}

bool issue_ended(const json_t *issue)
{
    const char *state = text_of(issue, "state");
    return strcmp(state, "closed") == 0 || strcmp(state, "dismissed") == 0;
}

static void print_issues(const struct ctl *c, const json_t *list)
{
    static const char *const heads[][2] = {
        {"编号", "id"},    {"亮灯", "light"},          {"状态", "state"}, {"责任人", "person"},
        {"发现", "found"}, {"整改期限", "rectify by"}, {"问题", "what"},
    };
    struct table t = {.columns = 7};
    size_t i;
    json_t *issue;
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(list, i, issue)
    {
        char text[32];
        table_cell(&t, text_of(issue, "id"));
        if (issue_ended(issue))
            table_cell(&t, "");
        else
            table_printf(&t, "%s%s", word_state(text_of(issue, "light"), c->zh),
                         is_true(issue, "overdue") ? say(c, " 逾期", " overdue") : "");
        table_cell(&t, word_state(text_of(issue, "state"), c->zh));
        table_cell(&t, text_of(issue, "person"));
        table_cell(&t, when_text(int_of(issue, "found"), c->zone_min, text));
        table_cell(&t, when_text(int_of(issue, "rectify_due"), c->zone_min, text));
        table_cell(&t, say_title(c, json_object_get(issue, "title")));
    }
    table_print(&t, stdout);
    table_finish(&t);
}

/* What was asked for, as members of the request. NULL after a complaint. */
static json_t *filter_of(struct ctl *c)
{
    json_t *filter = json_object();
    const char *const words[][2] = {{"state", c->state},   {"kind", c->kind},   {"subject", c->about},
                                    {"person", c->person}, {"light", c->light}, {"level", c->level},
                                    {"text", c->text}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i][1])
            json_object_set_new(filter, words[i][0], json_string(words[i][1]));
    if (!c->all && !c->state)
        json_object_set_new(filter, "open", json_true());
    if (finding_due(c, filter))
        return filter;
    json_decref(filter);
    return NULL;
}

/* All pages; NULL after a complaint. */
static json_t *ask_pages(struct ctl *c, const json_t *filter)
{
    json_t *all = json_array(), *final = NULL;
    char after[32] = "";
    do {
        json_t *request = json_pack("{s:s,s:b}", "do", "issues", "brief", !c->json);
        json_object_update(request, (json_t *)(uintptr_t)filter);
        if (*after)
            json_object_set_new(request, "after", json_string(after));
        json_decref(final);
        final = ctl_ask(c, request, NULL, NULL);
        json_array_extend(all, json_object_get(final, "result"));
        snprintf(after, sizeof after, "%s", text_of(final, "next"));
    } while (final && *after);
    if (!final) {
        json_decref(all);
        return NULL;
    }
    json_decref(final);
    return all;
}

int verb_issues(struct ctl *c)
{
    json_t *filter = filter_of(c);
    if (!filter)
        return EXIT_USAGE;
    json_t *list = c->db ? issues_from_copy(c, filter) : ask_pages(c, filter);
    json_decref(filter);
    if (!list)
        return EXIT_FAILED;
    if (c->json)
        print_json(list);
    else if (json_array_size(list))
        print_issues(c, list);
    else
        puts(c->all ? say(c, "没有问题", "no issues") : say(c, "没有未销号的问题", "no open issues"));
    json_decref(list);
    return EXIT_OK;
}
