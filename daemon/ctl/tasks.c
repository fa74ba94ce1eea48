/* What falls due by the calendar: inspections of the week, certificates of meters. */
#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/config/config.h"
#include "daemon/ledger/task.h"

#include <stdio.h>
#include <string.h>

static void state_cell(struct table *t, const struct ctl *c, const json_t *task)
{
    static const char *const words[][3] = {
        {"due", "待办", "to do"}, {"done", "已完成", "done"}, {"missed", "未完成", "missed"}};
    const char *state = text_of(task, "state");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], state) == 0)
            state = words[i][c->zh ? 1 : 2];
    table_cell(t, state);
}

static void check_row(struct table *t, const struct ctl *c, const json_t *check)
{
    char at[32];
    int64_t looked_ms = int_of(check, "looked");
    table_cell(t, "");
    table_cell(t, looked_ms ? say(c, "已查", "looked at") : say(c, "未查", "not yet"));
    table_cell(t, looked_ms ? when_text(looked_ms, c->zone_min, at) : "");
    table_printf(t, "  %s (%s)", say_title(c, json_object_get(check, "title")), text_of(check, "check"));
}

static void print_tasks(const struct ctl *c, const json_t *list)
{
    static const char *const heads[][2] = {
        {"亮灯", "light"}, {"状态", "state"}, {"截止", "until"}, {"任务", "what"}};
    struct table t = {.columns = 4};
    size_t i, k;
    json_t *task, *check;
    for (int column = 0; column < t.columns; column++)
        table_cell(&t, say(c, heads[column][0], heads[column][1]));
    json_array_foreach(list, i, task)
    {
        char at[32];
        table_cell(&t, word_state(text_of(task, "light"), c->zh));
        state_cell(&t, c, task);
        table_cell(&t, when_text(int_of(task, "due"), c->zone_min, at));
        table_cell(&t, say_title(c, json_object_get(task, "title")));
        if (strcmp(text_of(task, "state"), "due") != 0)
            continue;
        json_array_foreach(json_object_get(task, "checks"), k, check)
        {
            check_row(&t, c, check);
        }
    }
    table_print(&t, stdout);
    table_finish(&t);
}

static int replay(const struct row *row, void *arg)
{
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    int rc = body ? tasks_apply(arg, row->subject, body) : ERR_OK;
    json_decref(body);
    return rc;
}

/* What the rows say; which checks an inspection has only the configuration knows. NULL after a complaint. */
static json_t *from_copy(struct ctl *c)
{
    struct config none = {.file = "", .language = "zh", .site = {.zone_min = c->zone_min}};
    struct span span = {"task", 0, INT64_MIN, INT64_MAX};
    struct source *s = NULL;
    json_t *list = NULL, *task;
    size_t i;
    if (source_open(c, &s) != ERR_OK)
        return NULL;
    struct tasks *tasks = tasks_create();
    int rc = source_rows(s, &span, replay, tasks);
    if (rc == ERR_FORMAT)
        complain("%s", say(c, "日志中有看不懂的任务记录", "the journal has a task row that cannot be read"));
    if (rc == ERR_OK)
        list = tasks_json(tasks, &none, source_about(s)->now_ms);
    json_array_foreach(list, i, task)
    {
        json_object_del(task, "checks");
    }
    tasks_destroy(tasks);
    source_close(s);
    return list;
}

int verb_tasks(struct ctl *c)
{
    json_t *list = c->db ? from_copy(c) : ctl_result(c, json_pack("{s:s}", "do", "tasks"));
    if (!list)
        return EXIT_FAILED;
    if (c->json)
        print_json(list);
    else if (json_array_size(list))
        print_tasks(c, list);
    else
        puts(say(c, "没有任务", "no tasks"));
    json_decref(list);
    return EXIT_OK;
}
