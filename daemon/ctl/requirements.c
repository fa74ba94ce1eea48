/* The board of the requirements: how the running day stands, check by check. */
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include "daemon/base/err.h"
#include "daemon/judge/requirement.h"

#include <stdio.h>
#include <string.h>

static const char *cause_text(const char *cause, bool zh)
{
    for (int c = CAUSE_NONE + 1; c < CAUSE__COUNT; c++)
        if (strcmp(cause_str((enum cause)c), cause) == 0)
            return zh ? cause_zh((enum cause)c) : cause_en((enum cause)c);
    return cause;
}

static void ratio_cell(struct table *t, const struct ctl *c, const json_t *of)
{
    if (int_of(of, "den") || int_of(of, "unknown"))
        table_printf(t, "%lld/%lld", (long long)int_of(of, "num"), (long long)int_of(of, "den"));
    else if (int_of(of, "excused"))
        table_cell(t, say(c, "免除", "excused"));
    else if (int_of(of, "next"))
        table_cell(t, say(c, "未到", "not yet"));
    else
        table_cell(t, say(c, "无作业", "none"));
}

static void percent_cell(struct table *t, const json_t *of)
{
    table_printf(t, "%.4g %%", json_number_value(json_object_get(of, "completeness")) * 100);
}

/* The first failed reason, else the first unknown one. */
static const json_t *worst(const json_t *check)
{
    static const char *const order[] = {"failed", "unknown", "excused", "changed"};
    const json_t *why = json_object_get(check, "why");
    for (size_t o = 0; o < sizeof order / sizeof *order; o++)
        for (size_t i = 0; i < json_array_size(why); i++)
            if (strcmp(text_of(json_array_get(why, i), "outcome"), order[o]) == 0)
                return json_array_get(why, i);
    return NULL;
}

static void check_row(struct table *t, const struct ctl *c, const json_t *check)
{
    char next[32];
    const json_t *why = worst(check);
    const char *about = text_of(why, "about");
    table_printf(t, "  %s", say_title(c, json_object_get(check, "title")));
    table_cell(t, why ? word_outcome(text_of(why, "outcome"), c->zh) : "");
    ratio_cell(t, c, check);
    percent_cell(t, check);
    table_cell(t, int_of(check, "next") ? when_text(int_of(check, "next"), c->zone_min, next) : "");
    if (why)
        table_printf(t, "%s%s%s x%lld", cause_text(text_of(why, "cause"), c->zh), *about ? " " : "", about,
                     (long long)int_of(why, "n"));
    else
        table_cell(t, "");
}

static void requirement_rows(struct table *t, const struct ctl *c, const json_t *line)
{
    char since[32];
    size_t i;
    json_t *check;
    const json_t *last = json_object_get(line, "last_day");
    table_cell(t, say_title(c, json_object_get(line, "title")));
    table_cell(t, word_verdict(text_of(line, "verdict"), c->zh));
    ratio_cell(t, c, line);
    percent_cell(t, line);
    table_cell(t, when_text(int_of(line, "since"), c->zone_min, since));
    if (last)
        table_printf(t, "%s %s %lld/%lld", text_of(last, "day"),
                     word_verdict(text_of(last, "verdict"), c->zh), (long long)int_of(last, "num"),
                     (long long)int_of(last, "den"));
    else
        table_cell(t, "");
    json_array_foreach(json_object_get(line, "checks"), i, check)
    {
        check_row(t, c, check);
    }
}

static void print_board(const struct ctl *c, const json_t *board)
{
    static const char *const heads[][2] = {{"要求", "requirement"},
                                           {"今日", "today"},
                                           {"比例", "ratio"},
                                           {"证据完整", "evidence"},
                                           {"自／下次判定", "since / next judged"},
                                           {"上一日／原因", "last day / why"}};
    struct table t = {.columns = 6};
    size_t i;
    json_t *line;
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(json_object_get(board, "requirements"), i, line)
    {
        requirement_rows(&t, c, line);
    }
    table_print(&t, stdout);
    table_finish(&t);
}

int verb_requirements(struct ctl *c)
{
    json_t *board = ctl_result(c, json_pack("{s:s}", "do", "requirements"));
    if (!board)
        return EXIT_FAILED;
    if (c->json)
        print_json(board);
    else if (json_array_size(json_object_get(board, "requirements")))
        print_board(c, board);
    else
        puts(say(c, "没有要求，或本次运行尚未满一分钟",
                 "there are no requirements, or no minute has ended yet"));
    json_decref(board);
    return EXIT_OK;
}
