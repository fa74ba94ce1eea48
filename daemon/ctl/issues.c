#include "daemon/ctl/issues.h"
#include "daemon/ctl/finding.h"
#include "daemon/ctl/source.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
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

static void add_heads(const struct ctl *c, struct table *t)
{
    static const char *const heads[][2] = {
        {"编号", "id"},    {"亮灯", "light"},          {"状态", "state"}, {"责任人", "person"},
        {"发现", "found"}, {"整改期限", "rectify by"}, {"问题", "what"},
    };
    t->columns = sizeof heads / sizeof *heads;
    for (int k = 0; k < t->columns; k++)
        table_cell(t, say(c, heads[k][0], heads[k][1]));
}

static void add_issue(const struct ctl *c, struct table *t, const json_t *issue)
{
    char text[32];
    table_cell(t, text_of(issue, "id"));
    if (issue_ended(issue))
        table_cell(t, "");
    else
        table_printf(t, "%s%s", word_state(text_of(issue, "light"), c->zh),
                     is_true(issue, "overdue") ? say(c, " 逾期", " overdue") : "");
    table_cell(t, word_state(text_of(issue, "state"), c->zh));
    table_cell(t, text_of(issue, "person"));
    table_cell(t, when_text(int_of(issue, "found"), c->zone_min, text));
    table_cell(t, when_text(int_of(issue, "rectify_due"), c->zone_min, text));
    table_cell(t, say_title(c, json_object_get(issue, "title")));
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

/* What is printed when all of it is there: a table, or with --json the daemon's own text of each issue. */
struct answer {
    struct ctl *ctl;
    json_t *page; /* of the table: what comes before the first final line, which says the language */
    bool told;    /* it has come */
    struct table table;
    struct buf json;
    int count;
};

static void add_row(struct answer *to, const json_t *issue)
{
    if (!to->count++)
        add_heads(to->ctl, &to->table);
    add_issue(to->ctl, &to->table, issue);
}

static int take_line(const char *text, const json_t *issue, void *arg)
{
    struct answer *to = arg;
    if (!issue) {
        buf_text(&to->json, to->count++ ? "," : "[");
        buf_text(&to->json, text);
    } else if (to->told) {
        add_row(to, issue);
    } else {
        json_array_append(to->page, (json_t *)(uintptr_t)issue);
    }
    return ERR_OK;
}

static void take_page(struct answer *to)
{
    size_t i;
    json_t *issue;
    to->told = true;
    json_array_foreach(to->page, i, issue)
    {
        add_row(to, issue);
    }
    json_array_clear(to->page);
}

/* All pages. ERR_OK; after a complaint ERR_IO. */
static int ask_pages(struct answer *to, const json_t *filter)
{
    struct ctl *c = to->ctl;
    json_t *final = NULL;
    char after[32] = "";
    do {
        json_t *request = json_pack("{s:s,s:b,s:b}", "do", "issues", "brief", !c->json, "lines", 1);
        json_object_update(request, (json_t *)(uintptr_t)filter);
        if (*after)
            json_object_set_new(request, "after", json_string(after));
        json_decref(final);
        final = (c->json ? ctl_ask_text : ctl_ask)(c, request, take_line, to);
        take_page(to);
        snprintf(after, sizeof after, "%s", text_of(final, "next"));
    } while (final && *after);
    int rc = final ? ERR_OK : ERR_IO;
    json_decref(final);
    return rc;
}

static int ask_copy(struct answer *to, const json_t *filter)
{
    json_t *list = issues_from_copy(to->ctl, filter);
    char *text = list && to->ctl->json ? json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    if (text)
        buf_add(&to->json, text, strlen(text) - 1); /* without the bracket that print adds */
    mem_free(text);
    json_decref(to->page);
    to->page = list;
    if (list && !to->ctl->json)
        take_page(to);
    return list ? ERR_OK : ERR_IO;
}

static void print(const struct ctl *c, const struct answer *a)
{
    if (c->json)
        printf("%s]\n", a->json.length ? a->json.data : "[");
    else if (a->count)
        table_print(&a->table, stdout);
    else
        puts(c->all ? say(c, "没有问题", "no issues") : say(c, "没有未销号的问题", "no open issues"));
}

int verb_issues(struct ctl *c)
{
    json_t *filter = filter_of(c);
    if (!filter)
        return EXIT_USAGE;
    struct answer a = {.ctl = c, .page = json_array()};
    int rc = c->db ? ask_copy(&a, filter) : ask_pages(&a, filter);
    json_decref(filter);
    if (rc == ERR_OK)
        print(c, &a);
    json_decref(a.page);
    table_finish(&a.table);
    buf_finish(&a.json);
    return rc == ERR_OK ? EXIT_OK : EXIT_FAILED;
}
