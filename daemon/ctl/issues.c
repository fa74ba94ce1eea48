#include "daemon/ctl/issues.h"
#include "daemon/ctl/source.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/ledger/ledger.h"

#include <stdio.h>
#include <string.h>

static int replay(const struct row *row, void *arg)
{
    return row->body ? ledger_apply(arg, row->seq, row->body) : ERR_OK;
}

json_t *issues_from_copy(struct ctl *c)
{
    struct config none = {
        .file = "", .language = "zh", .site = {.issue_prefix = "LQ", .zone_min = c->zone_min}};
    struct span span = {"issue", 0, INT64_MIN, INT64_MAX};
    struct source *s = NULL;
    if (source_open(c, &s) != ERR_OK)
        return NULL;
    struct ledger *ledger = ledger_create(&none);
    json_t *list = json_array();
    int rc = source_rows(s, &span, replay, ledger);
    if (rc == ERR_FORMAT)
        complain("%s",
                 say(c, "日志中有看不懂的问题记录", "the journal has an issue row that cannot be read"));
    for (int i = 0; rc == ERR_OK && i < ledger_count(ledger); i++)
        json_array_append_new(list, issue_json(ledger_at(ledger, i), source_about(s)->now_ms));
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

int verb_issues(struct ctl *c)
{
    json_t *all = c->db ? issues_from_copy(c) : ctl_result(c, json_pack("{s:s}", "do", "issues"));
    json_t *list = json_array(), *issue;
    size_t i;
    if (!all)
        return EXIT_FAILED;
    json_array_foreach(all, i, issue)
    {
        if (c->all || !issue_ended(issue))
            json_array_append(list, issue);
    }
    if (c->json)
        print_json(list);
    else if (json_array_size(list))
        print_issues(c, list);
    else
        puts(c->all ? say(c, "没有问题", "no issues") : say(c, "没有未销号的问题", "no open issues"));
    json_decref(list);
    json_decref(all);
    return EXIT_OK;
}
