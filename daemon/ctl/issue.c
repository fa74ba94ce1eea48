#include "daemon/ctl/finding.h"
#include "daemon/ctl/issues.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

static void add_line(struct table *t, const struct ctl *c, const char *zh, const char *en, const char *text)
{
    if (!*text)
        return;
    table_cell(t, say(c, zh, en));
    table_cell(t, text);
}

/* 50 %, 80 % and 100 % of the working time until the deadline. */
static void add_nodes(struct table *t, const struct ctl *c, const json_t *nodes)
{
    char text[32];
    if (json_array_size(nodes) != 3)
        return;
    table_cell(t, say(c, "倒排节点", "check nodes"));
    table_printf(t, "50%% %.16s", when_text(json_integer_value(json_array_get(nodes, 0)), c->zone_min, text));
    table_cell(t, "");
    table_printf(t, "80%% %.16s", when_text(json_integer_value(json_array_get(nodes, 1)), c->zone_min, text));
}

static void print_head(const struct ctl *c, const json_t *issue)
{
    struct table t = {.columns = 2};
    char text[32];
    add_line(&t, c, "编号", "id", text_of(issue, "id"));
    add_line(&t, c, "问题", "what", say_title(c, json_object_get(issue, "title")));
    add_line(&t, c, "说明", "basis", say_title(c, json_object_get(issue, "basis")));
    add_line(&t, c, "类别", "kind", word_state(text_of(issue, "kind"), c->zh));
    add_line(&t, c, "等级", "level", word_state(text_of(issue, "level"), c->zh));
    add_line(&t, c, "发现方式", "way", c->zh ? text_of(issue, "way_zh") : text_of(issue, "way"));
    add_line(&t, c, "依据", "subject", text_of(issue, "subject"));
    add_line(&t, c, "点位", "cause",
             strcmp(text_of(issue, "kind"), "limit") == 0 ? word_place(text_of(issue, "cause"), c->zh)
                                                          : text_of(issue, "cause"));
    add_line(&t, c, "状态", "state", word_state(text_of(issue, "state"), c->zh));
    if (!issue_ended(issue))
        add_line(&t, c, "亮灯", "light", word_state(text_of(issue, "light"), c->zh));
    if (is_true(issue, "overdue"))
        add_line(&t, c, "逾期", "overdue", say(c, "是", "yes"));
    add_line(&t, c, "前次问题", "previous", text_of(issue, "previous"));
    if (is_true(issue, "relapse"))
        add_line(&t, c, "反弹", "relapse",
                 *text_of(issue, "relapse_of") ? text_of(issue, "relapse_of") : say(c, "是", "yes"));
    add_line(&t, c, "责任人", "person", text_of(issue, "person"));
    add_line(&t, c, "发现时间", "found", when_text(int_of(issue, "found"), c->zone_min, text));
    add_line(&t, c, "回复期限", "answer by", when_text(int_of(issue, "answer_due"), c->zone_min, text));
    add_line(&t, c, "整改期限", "rectify by", when_text(int_of(issue, "rectify_due"), c->zone_min, text));
    add_nodes(&t, c, json_object_get(issue, "nodes"));
    if (json_array_size(json_object_get(issue, "photos"))) {
        snprintf(text, sizeof text, "%zu", json_array_size(json_object_get(issue, "photos")));
        add_line(&t, c, "照片", "photos", text);
    }
    if (int_of(issue, "ended"))
        add_line(&t, c, "办结时间", "ended", when_text(int_of(issue, "ended"), c->zone_min, text));
    table_print(&t, stdout);
    table_finish(&t);
}

/* What was said: a person's text, the machine's title, to whom it was assigned, and to whom before. */
static void add_said(struct table *t, const struct ctl *c, const json_t *step)
{
    const char *text = text_of(step, "text"), *person = text_of(step, "person");
    if (!*text)
        text = say_title(c, json_object_get(step, "title"));
    const char *before = text_of(json_object_get(step, "before"), "person");
    if (*person)
        table_printf(t, "%s%s→ %s%s%s", before, *before ? " " : "", person, *text ? "  " : "", text);
    else
        table_cell(t, text);
}

static void print_steps(const struct ctl *c, const json_t *issue)
{
    static const char *const heads[][2] = {
        {"时间", "time"}, {"办理", "step"}, {"经办人", "by"}, {"之后状态", "then"}, {"说明", "text"}};
    const json_t *steps = json_object_get(issue, "steps");
    struct table t = {.columns = 5};
    size_t i;
    json_t *step;
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(steps, i, step)
    {
        char text[32];
        const char *by = text_of(step, "by");
        table_cell(&t, when_text(int_of(step, "ts"), c->zone_min, text));
        table_cell(&t, word_verb(text_of(step, "step"), c->zh));
        table_printf(&t, "%s%s", strcmp(by, "machine") == 0 ? say(c, "系统", "dustd") : by,
                     is_true(step, "as_root") ? say(c, "（root 代办）", " (by root)") : "");
        table_cell(&t, word_state(text_of(step, "to"), c->zh));
        add_said(&t, c, step);
    }
    putchar('\n');
    long long earlier = (long long)int_of(issue, "nsteps") - (long long)json_array_size(steps);
    if (earlier > 0)
        printf(say(c, "（此前还有 %lld 步）\n", "(%lld earlier steps)\n"), earlier);
    table_print(&t, stdout);
    table_finish(&t);
}

static json_t *find_in_copy(struct ctl *c, const char *id)
{
    json_t *every = json_object(), *list = issues_from_copy(c, every), *issue, *found = NULL;
    size_t i;
    json_array_foreach(list, i, issue)
    {
        if (strcmp(text_of(issue, "id"), id) == 0)
            found = json_incref(issue);
    }
    if (list && !found)
        complain(say(c, "没有问题 %s", "there is no issue %s"), id);
    json_decref(list);
    json_decref(every);
    return found;
}

/* The request for words ID [VERB [TEXT]]. */
static json_t *request_for(struct ctl *c)
{
    if (c->nwords == 1)
        return json_pack("{s:s,s:s}", "do", "issue", "id", c->words[0]);
    json_t *request = json_pack("{s:s,s:s,s:s}", "do", "act", "issue", c->words[0], "verb", c->words[1]);
    const char *const more[][2] = {
        {"text", c->nwords > 2 ? c->words[2] : NULL}, {"person", c->person}, {"as", c->as}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (more[i][1])
            json_object_set_new(request, more[i][0], json_string(more[i][1]));
    if (finding_due(c, request))
        return request;
    json_decref(request);
    return NULL;
}

/* EXIT_OK, or EXIT_USAGE after a complaint about the words. */
static int check_words(const struct ctl *c)
{
    if (strcmp(c->words[0], "open") == 0 && c->nwords < 4) {
        complain("%s", say(c, "open 之后应为：类别 地点 “发现了什么”", "open takes: CATEGORY PLACE TEXT"));
        return EXIT_USAGE;
    }
    if (strcmp(c->words[0], "open") == 0 && !c->db)
        return EXIT_OK;
    if (c->nwords > 1 && !word_is_verb(c->words[1])) {
        complain(say(c,
                     "不认识的办理动作“%s”；可用：confirm 确认 assign 交办 accept 接办 answer 回复 rectify "
                     "整改完成 inspect 复查 return "
                     "退回 close 销号 dismiss 误报 note 备注 photo 照片",
                     "unknown step \"%s\"; one of: confirm assign accept answer rectify inspect "
                     "return close dismiss note photo"),
                 c->words[1]);
        return EXIT_USAGE;
    }
    if (c->nwords > 1 && c->db) {
        complain("%s", say(c, "数据库副本只能查看，不能办理", "a copy of a database can only be read"));
        return EXIT_USAGE;
    }
    if (c->nwords == 1 && (c->person || c->as)) {
        complain("%s", say(c, "--person 和 --as 要与办理动作一起用", "--person and --as go with a step"));
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static bool is_open_verb(const struct ctl *c)
{
    return strcmp(c->words[0], "open") == 0;
}

static json_t *ask(struct ctl *c)
{
    if (is_open_verb(c))
        return finding_open(c);
    if (c->nwords > 1 && strcmp(c->words[1], "photo") == 0)
        return finding_photo(c);
    json_t *request = request_for(c);
    return request ? ctl_result(c, request) : NULL;
}

int verb_issue(struct ctl *c)
{
    if (check_words(c) != EXIT_OK)
        return EXIT_USAGE;
    json_t *issue = c->db ? find_in_copy(c, c->words[0]) : ask(c);
    if (!issue)
        return EXIT_FAILED;
    if (c->json) {
        print_json(issue);
    } else {
        print_head(c, issue);
        print_steps(c, issue);
    }
    json_decref(issue);
    return EXIT_OK;
}
