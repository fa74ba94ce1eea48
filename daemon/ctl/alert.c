/* What waits to be told, and tests of channels. */
#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"

#include <stdio.h>
#include <string.h>

static const char *state_word(const struct ctl *c, const char *state)
{
    static const struct {
        const char *name, *zh, *en;
    } words[] = {{"taken", "已送达", "taken"},
                 {"refused", "被拒绝", "REFUSED"},
                 {"waiting", "尚未送达", "NOT yet taken"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].name, state) == 0)
            return say(c, words[i].zh, words[i].en);
    return state;
}

/* Whether every channel has taken it. */
static bool print_said(const struct ctl *c, const json_t *channels)
{
    struct table t = {.columns = 4};
    size_t i;
    json_t *j;
    bool all = true;
    json_array_foreach(channels, i, j)
    {
        const char *state = text_of(j, "state");
        table_cell(&t, text_of(j, "channel"));
        table_cell(&t, text_of(j, "kind"));
        table_cell(&t, state_word(c, state));
        table_cell(&t, text_of(j, "why"));
        all = all && strcmp(state, "taken") == 0;
    }
    if (!c->json)
        table_print(&t, stdout);
    table_finish(&t);
    return all;
}

static int test(struct ctl *c)
{
    json_t *request = json_pack("{s:s,s:s}", "do", "alert_test", "person", c->words[1]);
    json_t *result = ctl_result_as(c, request);
    if (!result)
        return EXIT_FAILED;
    if (c->json)
        print_json(result);
    bool all = print_said(c, json_object_get(result, "channels"));
    json_decref(result);
    return all ? EXIT_OK : EXIT_FAILED;
}

static void print_waiting(const struct ctl *c, const json_t *waiting)
{
    static const char *const heads[][2] = {{"人员", "person"},
                                           {"渠道", "channel"},
                                           {"等待", "waiting"},
                                           {"其中紧急", "urgent"},
                                           {"最早", "oldest"}};
    struct table t = {.columns = 5, .right = 1u << 2 | 1u << 3};
    char text[32];
    size_t i;
    json_t *j;
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(waiting, i, j)
    {
        int64_t oldest_ms = int_of(j, "oldest");
        table_cell(&t, text_of(j, "person"));
        table_cell(&t, text_of(j, "channel"));
        table_printf(&t, "%lld", (long long)int_of(j, "waiting"));
        table_printf(&t, "%lld", (long long)int_of(j, "urgent"));
        table_cell(&t, oldest_ms ? when_text(oldest_ms, c->zone_min, text) : "—");
    }
    if (json_array_size(waiting))
        table_print(&t, stdout);
    else
        puts(say(c, "没有人配置提醒渠道", "nobody has a channel in the configuration"));
    table_finish(&t);
}

static void print_troubles(const struct ctl *c, const json_t *channels)
{
    size_t i;
    json_t *j;
    json_array_foreach(channels, i, j)
    {
        if (*text_of(j, "why"))
            printf(say(c, "渠道 %s 未送达：%s\n", "channel %s does not take them: %s\n"), text_of(j, "name"),
                   text_of(j, "why"));
    }
}

static int list(struct ctl *c)
{
    json_t *result = ctl_result(c, json_pack("{s:s}", "do", "alerts"));
    if (!result)
        return EXIT_FAILED;
    if (c->json) {
        print_json(result);
    } else {
        print_waiting(c, json_object_get(result, "waiting"));
        print_troubles(c, json_object_get(result, "channels"));
    }
    json_decref(result);
    return EXIT_OK;
}

int verb_alert(struct ctl *c)
{
    if (c->nwords == 0)
        return list(c);
    if (c->nwords == 2 && strcmp(c->words[0], "test") == 0)
        return test(c);
    complain(
        say(c, "不认识“%s”；可用：alert，alert test 人员", "found \"%s\"; allowed: alert, alert test PERSON"),
        c->words[0]);
    return EXIT_USAGE;
}
