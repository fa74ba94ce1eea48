/* dustctl watch without a terminal: what it knows, what it would draw, what it says in a pipe. */
#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/control.h"
#include "daemon/ctl/changes.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/feed.h"
#include "daemon/ctl/scene.h"
#include "daemon/ctl/sheet.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/view.h"
#include "daemon/ctl/words.h"

#include <locale.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a scene ---- */

#define NOW "1795392600000" /* 2026-11-23T08:10:00+08:00 */

static const char status_text[] =
    "{\"site\":{\"name\":\"example\",\"title\":{\"zh\":\"示例工地\",\"en\":\"Example Site\"}},\"now\":" NOW
    ",\"rate\":1,\"simulated\":false,\"clock\":\"synced\",\"journal\":\"j1\",\"seq\":40,\"committed\":40,"
    "\"dated\":true,\"warnings\":[],\"store\":{\"stuck\":false},\"buses\":[{\"name\":\"meters\",\"up\":true}]"
    ","
    "\"mqtt\":[{\"name\":\"local\",\"connected\":true}],\"devices\":{\"up\":1,\"down\":1,\"of\":2}}";

static const char devices_text[] =
    "[{\"name\":\"dust1\",\"title\":{\"zh\":\"东门扬尘仪\",\"en\":\"East "
    "gate\"},\"state\":\"up\",\"period_ms\":1000,"
    "\"rtt_ms\":12.5,\"points\":["
    "{\"name\":\"pm10\",\"title\":{\"zh\":\"颗粒物 PM10\",\"en\":\"PM10\"},\"unit\":\"ug/m3\",\"decimals\":1,"
    "\"ts\":1795392599000,\"q\":\"N\",\"v\":81.25},"
    "{\"name\":\"pm25\",\"title\":{\"zh\":\"细颗粒物\",\"en\":\"PM2.5\"},\"unit\":\"ug/m3\",\"decimals\":1,"
    "\"ts\":1795392599000,\"q\":\"D\",\"why\":\"exception\",\"exception\":2},"
    "{\"name\":\"tsp\",\"title\":{\"zh\":\"总悬浮颗粒物\",\"en\":\"TSP\"},\"unit\":\"ug/m3\",\"decimals\":0,"
    "\"ts\":1795392599000,\"q\":\"T\",\"v\":1000},"
    "{\"name\":\"noise\",\"title\":{\"zh\":\"噪声\",\"en\":\"Noise\"},\"unit\":\"dB\",\"decimals\":1,"
    "\"ts\":1795392500000,\"q\":\"N\",\"v\":55.5},"
    "{\"name\":\"door\",\"title\":{\"zh\":\"门\",\"en\":\"Door\"},\"unit\":\"\",\"decimals\":0,"
    "\"ts\":1795392599000,\"q\":\"N\",\"v\":1},"
    "{\"name\":\"fan\",\"title\":{\"zh\":\"风机\",\"en\":\"Fan\"},\"unit\":\"\",\"decimals\":0,"
    "\"ts\":1795392599000,\"q\":\"N\",\"v\":0}]},"
    "{\"name\":\"dust2\",\"title\":{\"zh\":\"西门扬尘仪\",\"en\":\"West "
    "gate\"},\"state\":\"down\",\"period_ms\":1000,"
    "\"since\":1795392200000,\"why\":\"no answer\",\"points\":["
    "{\"name\":\"pm10\",\"title\":{\"zh\":\"颗粒物 "
    "PM10\",\"en\":\"PM10\"},\"unit\":\"ug/m3\",\"decimals\":1}]}]";

#define WINDOW(point, rest)                                                                         \
    "{\"limit\":\"x/pm10-hour\",\"title\":{\"zh\":\"PM10小时均值\",\"en\":\"PM10 hour mean\"}," \
    "\"window_s\":3600,\"compare\":\">=\",\"value\":250,\"unit\":\"ug/m3\",\"point\":\"" point "\"" rest "}"
#define SINCE ",\"start\":1795392000000,\"of\":10"

/* clang-format off */
static const char windows_text[] =
    "["
    WINDOW("a/pm10", SINCE ",\"verdict\":\"pass\",\"mean\":81.3,\"n\":10,\"q\":\"N\"") ","
    WINDOW("b/pm10", SINCE ",\"verdict\":\"pass\",\"mean\":210,\"n\":10,\"q\":\"N\"") ","
    WINDOW("c/pm10", SINCE ",\"verdict\":\"breach\",\"mean\":320,\"n\":8,\"q\":\"N\"") ","
    WINDOW("d/pm10", SINCE ",\"verdict\":\"unknown\",\"mean\":70,\"n\":3,\"q\":\"B\"") ","
    WINDOW("e/pm10", SINCE ",\"verdict\":\"unknown\",\"n\":0,\"q\":\"B\"") ","
    WINDOW("f/pm10", SINCE ",\"verdict\":\"breach\",\"mean\":999,\"n\":10,\"q\":\"T\"") ","
    WINDOW("g/pm10", "")
    "]";
/* clang-format on */

#define ISSUE(id, light, due, person)                                                                                        \
    "{\"id\":\"" id "\",\"state\":\"assigned\",\"light\":\"" light "\",\"overdue\":false,\"answered\":true,"                 \
    "\"title\":{\"zh\":\"疑似扬尘超标：东门，2026-11-23 07:00 起 60 分钟均值 320.1 μg/m³，限值 ≥ 250 " \
    "μg/m³\",\"en\":"                                                                                                      \
    "\"Suspected: over the limit\"},\"rectify_due\":" due person "}"

static const char issues_text[] =
    "[" ISSUE("LQ-2026-0001", "green", "1795478400000", ",\"person\":\"site-manager\"") "," ISSUE(
        "LQ-2026-0003", "red", "1795385400000", "") "," ISSUE("LQ-2026-0002", "yellow", "1795399800000",
                                                              "") "]";

static const struct {
    const char *kind, *subject, *body;
} rows[] = {
    {"minute", "", "{\"points\":{}}"},
    {"verdict", "x/pm10-hour", "{\"verdict\":\"pass\"}"},
    {"boot", "", "{\"version\":\"0.1.0\",\"before\":\"broke off\"}"},
    {"gap", "", "{\"from\":1795392240000,\"to\":1795392360000,\"reason\":\"outage\"}"},
    {"device", "dust2", "{\"state\":\"down\",\"why\":\"no answer\"}"},
    {"device", "dust2", "{\"register\":\"ratio\",\"old_raw\":\"0064\",\"new_raw\":\"005A\"}"},
    {"line", "meters", "{\"state\":\"down\",\"error\":\"No such device\"}"},
    {"clock", "", "{\"step_ms\":-2500}"},
    {"verdict", "x/pm10-hour",
     "{\"verdict\":\"breach\",\"point\":\"a/pm10\",\"mean\":320.5,\"value\":250,\"unit\":\"ug/m3\"}"},
    {"issue", "LQ-2026-0001",
     "{\"step\":\"assign\",\"to\":\"assigned\",\"by\":\"office\",\"text\":\"请立即洒水\"}"},
    {"denied", "uid 4711", "{\"did\":\"act close\",\"why\":\"read only\",\"n\":3}"},
    {"refused", "local", "{\"row\":7,\"why\":\"too large\"}"},
    {"settings", "", "{\"by\":\"office\"}"},
    {"key", "", "{\"why\":\"replaced\"}"},
    {"head", "", "{}"},
    {"undated", "", "{\"points\":{}}"},
    {"journal", "", "{}"},
    {"stop", "", "{}"},
    {"earthquake", "x", "{}"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void add_row(struct scene *s, int64_t seq, const char *kind, const char *subject, const char *body)
{
    json_t *row = json_pack("{s:I,s:I,s:s,s:s,s:s}", "seq", (json_int_t)seq, "at", (json_int_t)1795392000000,
                            "kind", kind, "subject", subject, "body", body);
    scene_row(s, row);
    json_decref(row);
}

static void set(struct scene *s, const char *verb, const char *text)
{
    json_t *result = json_loads(text, 0, NULL);
    assert_non_null(result);
    assert_true(scene_result(s, verb, result));
    json_decref(result);
}

struct fixture {
    struct ctl c;
    struct scene scene;
    struct sheet sheet;
    char *text; /* what was drawn or said last */
};

static int setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    f->c.zone_min = 480;
    f->c.zh = true;
    f->scene.contact = CONTACT_GOOD;
    f->sheet.columns = 80;
    set(&f->scene, "status", status_text);
    set(&f->scene, "devices", devices_text);
    set(&f->scene, "windows", windows_text);
    set(&f->scene, "issues", issues_text);
    for (int i = 0; i < ROWS; i++)
        add_row(&f->scene, i + 1, rows[i].kind, rows[i].subject, rows[i].body);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scene_finish(&f->scene);
    sheet_finish(&f->sheet);
    mem_free(f->text);
    mem_free(f);
    return 0;
}

/* The sheet as text. */
static const char *as_text(struct fixture *f)
{
    struct buf out = {0};
    for (int i = 0; i < f->sheet.nlines; i++) {
        for (int k = 0; k < f->sheet.lines[i].npieces; k++)
            buf_text(&out, f->sheet.lines[i].pieces[k].text);
        buf_text(&out, "\n");
    }
    mem_free(f->text);
    f->text = buf_take(&out);
    return f->text;
}

static const char *drawn(struct fixture *f)
{
    int sections[VIEW_SECTIONS];
    sheet_clear(&f->sheet);
    view_head(&f->c, &f->scene, &f->sheet);
    view_body(&f->c, &f->scene, &f->sheet, sections);
    view_foot(&f->c, 1, 20, 30, &f->sheet);
    return as_text(f);
}

/* The line of a text that holds `part`, without the blanks that end it. */
static const char *line_with(const char *text, const char *part, char line[static 1024])
{
    const char *at = strstr(text, part);
    if (!at)
        fail_msg("\"%s\" is not in:\n%s", part, text);
    while (at > text && at[-1] != '\n')
        at--;
    snprintf(line, 1024, "%.*s", (int)strcspn(at, "\n"), at);
    for (size_t n = strlen(line); n && line[n - 1] == ' ';)
        line[--n] = 0;
    return line;
}

#define assert_shows(text, part)      assert_non_null(strstr(text, part))
#define assert_line(text, part, want) assert_string_equal(line_with(text, part, (char[1024]){0}), want)

/* ---- sheets ---- */

static void a_piece_takes_exactly_its_columns_whatever_is_in_it(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"",  "pm10",    "东门扬尘仪", "a东b门c扬d", "e\xcc\x81\xcc\x81",
                                        "—", "\x1b[2J", "\xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int width = 1; width <= 20; width++)
            for (int sign = -1; sign <= 1; sign += 2) {
                sheet_clear(&f->sheet);
                sheet_line(&f->sheet);
                sheet_put(&f->sheet, TINT_PLAIN, sign * width, texts[i]);
                const struct line *line = &f->sheet.lines[0];
                assert_int_equal(line->width, width);
                assert_int_equal(text_width(line->pieces[0].text), width);
            }
}

static void a_cut_is_marked_and_never_halves_a_character(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int width;
        const char *want;
    } cuts[] = {{10, "东门扬尘仪"}, {9, "东门扬尘…"}, {8, "东门扬… "}, {3, "东…"},
                {2, "… "},          {1, "…"},         {-8, " 东门扬…"}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        sheet_clear(&f->sheet);
        sheet_line(&f->sheet);
        sheet_put(&f->sheet, TINT_PLAIN, cuts[i].width, "东门扬尘仪");
        assert_string_equal(f->sheet.lines[0].pieces[0].text, cuts[i].want);
    }
}

static void a_line_never_grows_beyond_the_sheet(void **state)
{
    struct fixture *f = *state;
    f->sheet.columns = 11;
    sheet_clear(&f->sheet);
    sheet_line(&f->sheet);
    sheet_put(&f->sheet, TINT_PLAIN, 0, "东门扬尘");
    sheet_put(&f->sheet, TINT_PLAIN, 0, "西门");
    sheet_put(&f->sheet, TINT_PLAIN, 0, "more");
    assert_string_equal(as_text(f), "东门扬尘西…\n");
}

static void a_long_text_flows_on_in_further_lines(void **state)
{
    struct fixture *f = *state;
    f->sheet.columns = 10;
    sheet_clear(&f->sheet);
    sheet_line(&f->sheet);
    sheet_put(&f->sheet, TINT_PLAIN, 1, "");
    sheet_flow(&f->sheet, TINT_PLAIN, 2, 2, "一二三四五六七八九十一二三四五六");
    assert_string_equal(as_text(f), " 一二三四\n  五六七八\n  九十一… \n");
}

static void without_utf8_only_ascii_is_put(void **state)
{
    struct fixture *f = *state;
    f->sheet.ascii = true;
    f->c.zh = false;
    const char *text = drawn(f);
    for (const char *at = text; *at; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at <= '~'));
    assert_shows(text, "81.2 ug/m3");
    assert_shows(text, ">=1000 ug/m3");
    assert_line(text, "PM2.5",
                "   PM2.5          - ug/m3   D fault: exception 2                             1 s");
}

/* What would be printed in a pipe. */
static const char *said(struct fixture *f, struct changes *ch)
{
    size_t length;
    char *text = NULL;
    FILE *out = open_memstream(&text, &length);
    changes_print(ch, &f->c, &f->scene, out);
    fclose(out);
    mem_free(f->text);
    f->text = mem_string(text);
    free(text);
    return f->text;
}

/* ---- views ---- */

static void assert_fits(struct fixture *f)
{
    for (int i = 0; i < f->sheet.nlines; i++) {
        const struct line *line = &f->sheet.lines[i];
        int width = 0;
        for (int k = 0; k < line->npieces; k++)
            width += text_width(line->pieces[k].text);
        assert_int_equal(width, line->width);
        assert_in_range(width, 0, f->sheet.columns);
    }
}

static void every_line_fits_in_both_languages_and_every_width(void **state)
{
    struct fixture *f = *state;
    for (int contact = CONTACT_NONE; contact <= CONTACT_DENIED; contact++)
        for (int columns = 20; columns <= 220; columns++)
            for (int kind = 0; kind < 3; kind++) {
                f->scene.contact = (enum contact)contact;
                f->sheet.columns = columns;
                f->c.zh = kind == 0;
                f->sheet.ascii = kind == 2;
                drawn(f);
                assert_fits(f);
            }
}

/* The column at which a piece of the line with `part` begins. */
static int column_of(const struct fixture *f, const char *part, int piece)
{
    for (int i = 0; i < f->sheet.nlines; i++) {
        const struct line *line = &f->sheet.lines[i];
        int column = 0;
        if (line->npieces <= piece || !strstr(line->pieces[1].text, part))
            continue;
        for (int k = 0; k < piece; k++)
            column += text_width(line->pieces[k].text);
        return column;
    }
    fail_msg("no line with %s", part);
    return 0;
}

static void the_columns_of_all_points_stand_in_line(void **state)
{
    struct fixture *f = *state;
    for (int columns = VIEW_COLUMNS_MIN; columns <= 160; columns += 20)
        for (int zh = 0; zh < 2; zh++) {
            f->sheet.columns = columns;
            f->c.zh = zh;
            drawn(f);
            for (int piece = 2; piece < 7; piece++) {
                int want = column_of(f, zh ? "颗粒物 PM10" : "PM10", piece);
                assert_int_equal(column_of(f, zh ? "细颗粒物" : "PM2.5", piece), want);
                assert_int_equal(column_of(f, zh ? "总悬浮" : "TSP", piece), want);
                assert_int_equal(column_of(f, zh ? "噪声" : "Noise", piece), want);
            }
        }
}

static void a_failed_reading_is_a_dash_and_a_reason_never_a_number(void **state)
{
    struct fixture *f = *state;
    const char *text = drawn(f);
    assert_line(text, "颗粒物 PM10  ",
                "   颗粒物 PM10       81.2 μg/m³   N 正常                                    1 秒");
    assert_line(text, "细颗粒物",
                "   细颗粒物             — μg/m³   D 故障：设备返回异常 2                    1 秒");
    assert_line(text, "总悬浮",
                "   总悬浮颗粒物     ≥1000 μg/m³   T 超量程                                  1 秒");
    assert_shows(text, "还没有读数");
    assert_line(text, "西门扬尘仪",
                " 西门扬尘仪 (dust2)                离线    无应答，11-23 08:03 起（6 分钟）");
}

static void an_old_reading_is_none(void **state)
{
    struct fixture *f = *state;
    const char *text = drawn(f);
    assert_line(text, "噪声",
                "   噪声                 — dB      已 1 分钟 40 秒 没有读数                1 分钟");
    assert_null(strstr(text, "55.5"));
}

static void switches_that_read_well_share_a_line(void **state)
{
    struct fixture *f = *state;
    assert_line(drawn(f), "风机", "   门              1   风机            0");
}

static void without_contact_no_reading_and_no_mean_is_shown(void **state)
{
    struct fixture *f = *state;
    static const enum contact none[] = {CONTACT_SILENT, CONTACT_GONE, CONTACT_DENIED};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        f->scene.contact = none[i];
        const char *text = drawn(f);
        assert_null(strstr(text, "81.2"));
        assert_null(strstr(text, "81.3"));
        assert_null(strstr(text, "1000"));
        assert_null(strstr(text, "在线"));
        assert_null(strstr(text, "正常"));
        assert_shows(text, "以下是 2026-11-23 08:10:00 的情况");
        assert_line(text, "颗粒物 PM10  ", "   颗粒物 PM10          — μg/m³   dustd 没有应答");
        assert_shows(text, "LQ-2026-0003"); /* an issue is no reading: it stays what it is */
    }
}

static void a_refusal_is_said_in_the_words_it_came_in(void **state)
{
    struct fixture *f = *state;
    f->scene.contact = CONTACT_DENIED;
    snprintf(f->scene.why, sizeof f->scene.why, "too many clients");
    assert_shows(drawn(f), "dustd 拒绝了连接：too many clients");
}

static void each_window_shows_what_it_comes_to_and_what_that_means(void **state)
{
    struct fixture *f = *state;
    const char *text = drawn(f);
    static const struct {
        const char *point, *value;
    } lines[] = {
        {"a/pm10", "  [###........]     81.3 / 250 μg/m³     33% 未超标"},
        {"b/pm10", "  [#########..]    210.0 / 250 μg/m³     84% 接近限值"},
        {"c/pm10", "  [##########!]    320.0 / 250 μg/m³    128% 超标"},
        {"d/pm10", "  [           ]   (70.0) / 250 μg/m³         数据不足"},
        {"e/pm10", "  [           ]        — / 250 μg/m³         无通信"},
        {"f/pm10", "  [##########!]   ≥999.0 / 250 μg/m³    400% 超标"},
        {"g/pm10", "  [           ]        — / 250 μg/m³         尚无整分钟"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *at = strstr(strstr(text, "运行中的均值"), lines[i].point);
        assert_non_null(at);
        at = strchr(at, '\n') + 1;
        assert_true(strncmp(at, lines[i].value, strlen(lines[i].value)) == 0);
    }
    assert_line(strstr(text, "运行中的均值"), "c/pm10",
                " PM10小时均值  c/pm10  08:00 起 1 小时                                   8/10 分");
}

static void the_red_issue_stands_first_and_its_light_is_a_letter_too(void **state)
{
    struct fixture *f = *state;
    const char *text = drawn(f);
    const char *red = strstr(text, " R 红灯   LQ-2026-0003"),
               *yellow = strstr(text, " Y 黄灯   LQ-2026-0002"),
               *green = strstr(text, " G 绿灯   LQ-2026-0001");
    assert_true(red && yellow && green && red < yellow && yellow < green);
    assert_shows(text, "整改期限 11-23 06:10 逾期 2 小时");
    assert_shows(text, "整改期限 11-23 10:10 剩 2 小时");
    f->c.zh = false;
    assert_shows(drawn(f), "rectify by 11-23 06:10 2 h overdue");
}

static void a_simulation_is_marked(void **state)
{
    struct fixture *f = *state;
    assert_null(strstr(drawn(f), "模拟"));
    json_object_set_new(f->scene.status, "simulated", json_true());
    json_object_set_new(f->scene.status, "rate", json_integer(60));
    assert_shows(drawn(f), "[模拟 60 倍]");
}

static void what_is_wrong_with_the_gateway_stands_at_the_top(void **state)
{
    struct fixture *f = *state;
    assert_line(drawn(f), "总线", " 问题 3 | 设备 1/2 | 总线 1/1 | 上行 1/1 | 时钟已同步");
    json_object_set_new(f->scene.status, "clock", json_string("unsynced"));
    json_object_set_new(json_object_get(f->scene.status, "store"), "stuck", json_true());
    json_object_set_new(json_array_get(json_object_get(f->scene.status, "mqtt"), 0), "connected",
                        json_false());
    json_object_set_new(json_array_get(f->scene.issues, 1), "overdue", json_true());
    assert_line(drawn(f), "总线",
                " 问题 3 逾期 1 | 设备 1/2 | 总线 1/1 | 上行 0/1 | 磁盘写不进去 | 时钟未同步");
}

static void what_somebody_should_look_after_is_named_at_the_top_and_in_lines(void **state)
{
    struct fixture *f = *state;
    struct changes ch = {0};
    json_object_set_new(
        f->scene.status, "warnings",
        json_pack("[{s:s,s:s},{s:s}]", "what", "device_down", "about", "dust2", "what", "disk_low"));
    char want[256];
    snprintf(want, sizeof want, "注意：%s dust2；%s", word_warning("device_down", true),
             word_warning("disk_low", true));
    assert_shows(drawn(f), want);
    assert_shows(said(f, &ch), want);
    json_object_set_new(f->scene.status, "warnings", json_array());
    assert_string_equal(said(f, &ch), "2026-11-23 08:10:00  网关没有需要注意的事\n");
    changes_finish(&ch);
}

static void before_the_clock_is_right_readings_are_shown_without_a_date(void **state)
{
    struct fixture *f = *state;
    struct changes ch = {0};
    json_object_del(f->scene.status, "now");
    json_object_set_new(f->scene.status, "dated", json_false());
    json_t *point = json_array_get(json_object_get(json_array_get(f->scene.devices, 0), "points"), 0);
    json_object_del(point, "ts");
    const char *text = drawn(f);
    assert_shows(text, "时间尚未校准");
    assert_line(text, "颗粒物 PM10  ", "   颗粒物 PM10       81.2 μg/m³   N 正常");
    assert_null(strstr(text, "逾期"));
    assert_shows(said(f, &ch), "—  dust1/pm10  81.2 μg/m³  N 正常\n");
    f->c.json = true;
    changes_finish(&ch);
    assert_shows(said(f, &ch), "\n{\"what\":\"point\",\"point\":\"dust1/pm10\",\"q\":\"N\"");
    changes_finish(&ch);
}

static void events_are_said_in_words_the_newest_first(void **state)
{
    struct fixture *f = *state;
    static const char *const want[] = {
        "earthquake x",
        "dustd 停止",
        "原数据库损坏，已换新库",
        "网关密钥变动：已更换",
        "新的配置已生效 - office",
        "local 拒收第 7 条：too large",
        "问题 LQ-2026-0001 交办 → 已交办（office）请立即洒水",
        "超标：x/pm10-hour a/pm10 均值 320.5 μg/m³，限值 250",
        "时钟调整 -2.5 秒",
        "总线 meters 离线：No such device",
        "设备 dust2 的参数 ratio 被改动：0x0064 → 0x005A",
        "设备 dust2 离线：无应答",
        "无记录 2 分钟：2026-11-23 08:04:00 … 2026-11-23 08:06:00，停电或关机",
        "dustd 0.1.0 启动（上次运行中断）",
    };
    f->sheet.columns = 120;
    const char *at = strstr(drawn(f), "最近事件");
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        at = strstr(at, want[i]);
        if (!at)
            fail_msg("\"%s\" does not follow in:\n%s", want[i], f->text);
    }
    assert_null(strstr(f->text, "minute"));
}

static void nothing_in_a_name_can_move_the_cursor(void **state)
{
    struct fixture *f = *state;
    set(&f->scene, "devices",
        "[{\"name\":\"d\\u001b[2J\",\"title\":{\"zh\":\"\\u202e反\\u0007\",\"en\":\"\\u009b31m\"},\"state\":"
        "\"\\u001b[31m\","
        "\"points\":[{\"name\":\"p\\n\\r\",\"title\":{\"zh\":\"\\u001bc\"},\"unit\":\"\\t\",\"decimals\":99,"
        "\"ts\":1795392599000,"
        "\"q\":\"\\u001b\",\"v\":1e308}]}]");
    add_row(&f->scene, 50, "\x1b]0;x\x07", "\x1b[2J", "{}");
    for (f->sheet.columns = 60; f->sheet.columns < 120; f->sheet.columns += 7) {
        const char *text = drawn(f);
        assert_fits(f);
        for (const char *at = text; *at; at++)
            assert_true(*at == '\n' || (unsigned char)*at >= ' ');
        assert_null(strstr(text, "\xc2\x9b"));
        assert_null(strstr(text, "\xe2\x80\xae"));
    }
}

/* 60 dB are 86 % of 70 as a number, and a tenth of its energy. */
static void a_level_is_close_by_its_energy(void **state)
{
    struct fixture *f = *state;
    static const struct {
        double mean;
        const char *unit, *share;
        enum level level;
    } all[] = {{60, "dB(A)", "10%", LEVEL_GOOD},
               {69, "dB(A)", "79%", LEVEL_GOOD},
               {69.1, "dB(A)", "81%", LEVEL_CLOSE},
               {60, "ug/m3", "86%", LEVEL_CLOSE}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_t *window = json_pack("{s:s,s:f,s:f,s:s,s:s,s:i}", "verdict", "pass", "mean", all[i].mean,
                                   "value", 70.0, "unit", all[i].unit, "q", "N", "n", 10);
        struct so_far s = scene_so_far(&f->c, window);
        json_decref(window);
        assert_string_equal(s.share, all[i].share);
        assert_int_equal(s.level, all[i].level);
    }
}

static void what_a_daemon_does_not_tell_is_not_invented(void **state)
{
    struct fixture *f = *state;
    assert_true(scene_result(&f->scene, "windows", NULL));
    assert_shows(drawn(f), "这一版 dustd 不报告");
    struct scene nothing = {0};
    f->sheet.columns = 80;
    sheet_clear(&f->sheet);
    view_head(&f->c, &nothing, &f->sheet);
    assert_shows(as_text(f), "正在询问 dustd");
    json_t *list = json_array();
    assert_false(scene_result(&f->scene, "status", list));
    json_decref(list);
}

static void only_the_latest_events_are_kept(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3 * SCENE_EVENTS_MAX; i++)
        add_row(&f->scene, 100 + i, "stop", "", "{}");
    assert_int_equal(json_array_size(f->scene.events), SCENE_EVENTS_MAX);
    assert_int_equal(f->scene.last_seq, 100 + 3 * SCENE_EVENTS_MAX - 1);
}

static void another_journal_begins_anew(void **state)
{
    struct fixture *f = *state;
    json_t *status = json_loads(status_text, 0, NULL);
    scene_journal(&f->scene, status, 10);
    assert_int_equal(f->scene.last_seq, 30);
    f->scene.last_seq = 40;
    scene_journal(&f->scene, status, 10);
    assert_int_equal(f->scene.last_seq, 40);
    json_object_set_new(status, "journal", json_string("j2"));
    json_object_set_new(status, "committed", json_integer(3));
    scene_journal(&f->scene, status, 10);
    assert_int_equal(f->scene.last_seq, 0);
    json_decref(status);
}

/* ---- lines in a pipe ---- */

static int lines_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void everything_is_said_once_and_then_what_changes(void **state)
{
    struct fixture *f = *state;
    struct changes ch = {0};
    const char *text = said(f, &ch);
    assert_line(text, "dust1/pm10", "2026-11-23 08:09:59  dust1/pm10  81.2 μg/m³  N 正常");
    assert_line(text, "dust1/pm25", "2026-11-23 08:09:59  dust1/pm25  — μg/m³  D 故障：设备返回异常 2");
    assert_line(text, "c/pm10",
                "2026-11-23 08:10:00  PM10小时均值 c/pm10 1 小时  320.0 / 250 μg/m³  128% 超标  8/10");
    assert_int_equal(lines_of(text), 1 + 3 + 2 + 7 + 7 + 3 + 15);
    assert_string_equal(said(f, &ch), "");
    json_t *point = json_array_get(json_object_get(json_array_get(f->scene.devices, 0), "points"), 0);
    json_object_set_new(point, "ts", json_integer(1795392600000));
    assert_string_equal(said(f, &ch), ""); /* the same again is no change */
    json_object_set_new(point, "v", json_real(82));
    assert_string_equal(said(f, &ch), "2026-11-23 08:10:00  dust1/pm10  82.0 μg/m³  N 正常\n");
    json_object_del(point, "v");
    json_object_set_new(point, "q", json_string("B"));
    json_object_set_new(point, "why", json_string("no answer"));
    assert_string_equal(said(f, &ch), "2026-11-23 08:10:00  dust1/pm10  — μg/m³  B 无通信：无应答\n");
    add_row(&f->scene, 60, "stop", "", "{}");
    assert_string_equal(said(f, &ch), "2026-11-23 08:00:00  事件 dustd 停止\n");
    changes_finish(&ch);
}

static void a_reading_that_grows_old_is_said_once(void **state)
{
    struct fixture *f = *state;
    struct changes ch = {0};
    said(f, &ch);
    json_object_set_new(f->scene.status, "now", json_integer(1795392700000));
    assert_shows(said(f, &ch), "dust1/pm10  — μg/m³  已 1 分钟 41 秒 没有读数\n");
    json_object_set_new(f->scene.status, "now", json_integer(1795392701000));
    assert_string_equal(said(f, &ch), "");
    changes_finish(&ch);
}

static void after_a_time_without_contact_everything_is_said_anew(void **state)
{
    struct fixture *f = *state;
    struct changes ch = {0};
    int all = lines_of(said(f, &ch));
    f->scene.contact = CONTACT_GONE;
    assert_string_equal(said(f, &ch), "2026-11-23 08:10:00  dustd 没有运行，读数一律未知\n");
    assert_string_equal(said(f, &ch), "");
    f->scene.contact = CONTACT_GOOD;
    assert_int_equal(lines_of(said(f, &ch)), all - 15); /* but what has happened has been said */
    changes_finish(&ch);
}

static void lines_for_programs_are_json_and_a_failed_reading_has_no_value(void **state)
{
    struct fixture *f = *state;
    struct changes ch = {0};
    int points = 0, values = 0;
    f->c.json = true;
    said(f, &ch);
    for (char *at = strtok(f->text, "\n"); at; at = strtok(NULL, "\n")) {
        json_t *line = json_loads(at, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_integer(json_object_get(line, "ts")));
        if (strcmp(text_of(line, "what"), "point") == 0) {
            bool value = json_is_number(json_object_get(line, "v"));
            points++;
            values += value;
            assert_true(value == (!*text_of(line, "why") && *text_of(line, "q")));
        }
        json_decref(line);
    }
    assert_int_equal(points, 7);
    assert_int_equal(values, 4);
    changes_finish(&ch);
}

/* ---- the feed, from a daemon that is a stand-in ---- */

struct daemon {
    struct fixture *f;
    char dir[64], path[96];
    struct control *control;
    bool mute;           /* takes requests and does not answer */
    const char *unknown; /* a verb that it does not know */
    int busy;            /* so many are put off */
    int asked;
    int64_t us;
};

static void answer(uint64_t client, uid_t uid, json_t *request, void *arg)
{
    static const char *const known[][2] = {{"status", status_text},
                                           {"devices", devices_text},
                                           {"windows", windows_text},
                                           {"issues", issues_text}};
    struct daemon *d = arg;
    const char *verb = text_of(request, "do");
    (void)uid;
    d->asked++;
    if (d->mute)
        return;
    if (d->busy-- > 0 || (d->unknown && strcmp(verb, d->unknown) == 0)) {
        control_finish(
            d->control, client,
            json_pack("{s:b,s:s}", "ok", 0, "error", d->busy >= 0 ? "busy: ask again" : "no such verb"));
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], verb) == 0) {
            control_finish(d->control, client,
                           json_pack("{s:b,s:s,s:o}", "ok", 1, "language", "zh", "result",
                                     json_loads(known[i][1], 0, NULL)));
            return;
        }
    int64_t after = int_of(request, "after"), next = after < 39 ? after + 1 : 0; /* a row a page */
    json_t *row = json_pack("{s:I,s:I,s:s,s:s,s:s}", "seq", (json_int_t)after + 1, "at", (json_int_t)1,
                            "kind", "stop", "subject", "", "body", "{}");
    char *line = json_dumps(row, JSON_COMPACT);
    if (after < 40)
        control_line(d->control, client, line);
    free(line);
    json_decref(row);
    control_finish(d->control, client, json_pack("{s:b,s:I}", "ok", 1, "next", (json_int_t)next));
}

static void serve(struct daemon *d)
{
    assert_int_equal(control_open(d->path, answer, d, &d->control), ERR_OK);
}

static void daemon_setup(struct daemon *d, struct fixture *f)
{
    *d = (struct daemon){.f = f, .dir = "/tmp/dust-watch-XXXXXX", .us = 1000000};
    assert_non_null(mkdtemp(d->dir));
    snprintf(d->path, sizeof d->path, "%s/s", d->dir);
    f->c.socket = d->path;
    serve(d);
}

static void daemon_teardown(struct daemon *d)
{
    control_close(d->control);
    assert_int_equal(rmdir(d->dir), 0);
}

/* So many milliseconds pass, both sides doing what they have to; how often the scene was another one. */
static int pass(struct daemon *d, struct feed *feed, int ms)
{
    int changed = 0;
    for (int i = 0; i < ms; i += 10) {
        d->us += 10000;
        for (int k = 0; k < 20; k++) {
            changed += feed_step(feed, d->us);
            if (d->control)
                control_step(d->control, d->us);
        }
    }
    return changed;
}

static void a_round_each_second_brings_a_whole_scene(void **state)
{
    struct daemon d;
    daemon_setup(&d, *state);
    struct feed *feed = feed_create(&d.f->c, 5);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_NONE);
    assert_int_equal(pass(&d, feed, 500), 1);
    const struct scene *s = feed_scene(feed);
    assert_int_equal(s->contact, CONTACT_GOOD);
    assert_int_equal(json_array_size(s->devices), 2);
    assert_int_equal(json_array_size(s->events), 5);
    assert_int_equal(s->last_seq, 40);
    assert_int_equal(d.asked, 4 + 5);
    assert_int_equal(pass(&d, feed, 10000), 10);
    assert_int_equal(d.asked, 4 + 5 + 10 * 5);
    feed_destroy(feed);
    daemon_teardown(&d);
}

static void a_daemon_that_stops_and_starts_is_followed(void **state)
{
    struct daemon d;
    daemon_setup(&d, *state);
    struct feed *feed = feed_create(&d.f->c, 0);
    pass(&d, feed, 1000);
    control_close(d.control);
    d.control = NULL;
    assert_int_equal(pass(&d, feed, 60000), 1);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_GONE);
    serve(&d);
    pass(&d, feed, 1500);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_GOOD);
    feed_destroy(feed);
    daemon_teardown(&d);
}

static void a_daemon_that_does_not_answer_is_told_after_three_seconds(void **state)
{
    struct daemon d;
    daemon_setup(&d, *state);
    struct feed *feed = feed_create(&d.f->c, 0);
    pass(&d, feed, 1000);
    d.mute = true;
    pass(&d, feed, 2500);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_GOOD);
    pass(&d, feed, 2000);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_SILENT);
    pass(&d, feed, 60000); /* connects anew now and then, and goes on saying so */
    assert_int_equal(feed_scene(feed)->contact, CONTACT_SILENT);
    assert_true(d.asked < 20);
    d.mute = false;
    pass(&d, feed, 40000);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_GOOD);
    feed_destroy(feed);
    daemon_teardown(&d);
}

static void a_busy_daemon_is_asked_again_and_an_older_one_tells_less(void **state)
{
    struct daemon d;
    daemon_setup(&d, *state);
    d.busy = 3;
    d.unknown = "windows";
    struct feed *feed = feed_create(&d.f->c, 0);
    pass(&d, feed, 500);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_NONE);
    pass(&d, feed, 500);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_GOOD);
    assert_null(feed_scene(feed)->windows);
    assert_non_null(feed_scene(feed)->issues);
    feed_destroy(feed);
    daemon_teardown(&d);
}

static void who_is_turned_away_is_told_why_and_tries_again(void **state)
{
    struct daemon d;
    daemon_setup(&d, *state);
    struct feed *others[CONTROL_CLIENTS_OF_USER], *feed = feed_create(&d.f->c, 0);
    for (int i = 0; i < CONTROL_CLIENTS_OF_USER; i++) {
        others[i] = feed_create(&d.f->c, 0);
        pass(&d, others[i], 10);
    }
    pass(&d, feed, 1000);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_DENIED);
    assert_string_equal(feed_scene(feed)->why, "too many clients of your user");
    for (int i = 0; i < CONTROL_CLIENTS_OF_USER; i++)
        feed_destroy(others[i]);
    pass(&d, feed, 1000);
    assert_int_equal(feed_scene(feed)->contact, CONTACT_GOOD);
    feed_destroy(feed);
    daemon_teardown(&d);
}

int main(void)
{
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    log_open("test_watch", LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_piece_takes_exactly_its_columns_whatever_is_in_it),
        TEST(a_cut_is_marked_and_never_halves_a_character),
        TEST(a_line_never_grows_beyond_the_sheet),
        TEST(a_long_text_flows_on_in_further_lines),
        TEST(without_utf8_only_ascii_is_put),
        TEST(every_line_fits_in_both_languages_and_every_width),
        TEST(the_columns_of_all_points_stand_in_line),
        TEST(a_failed_reading_is_a_dash_and_a_reason_never_a_number),
        TEST(an_old_reading_is_none),
        TEST(switches_that_read_well_share_a_line),
        TEST(without_contact_no_reading_and_no_mean_is_shown),
        TEST(a_refusal_is_said_in_the_words_it_came_in),
        TEST(each_window_shows_what_it_comes_to_and_what_that_means),
        TEST(a_level_is_close_by_its_energy),
        TEST(the_red_issue_stands_first_and_its_light_is_a_letter_too),
        TEST(a_simulation_is_marked),
        TEST(what_is_wrong_with_the_gateway_stands_at_the_top),
        TEST(what_somebody_should_look_after_is_named_at_the_top_and_in_lines),
        TEST(before_the_clock_is_right_readings_are_shown_without_a_date),
        TEST(events_are_said_in_words_the_newest_first),
        TEST(nothing_in_a_name_can_move_the_cursor),
        TEST(what_a_daemon_does_not_tell_is_not_invented),
        TEST(only_the_latest_events_are_kept),
        TEST(another_journal_begins_anew),
        TEST(everything_is_said_once_and_then_what_changes),
        TEST(a_reading_that_grows_old_is_said_once),
        TEST(after_a_time_without_contact_everything_is_said_anew),
        TEST(lines_for_programs_are_json_and_a_failed_reading_has_no_value),
        TEST(a_round_each_second_brings_a_whole_scene),
        TEST(a_daemon_that_stops_and_starts_is_followed),
        TEST(a_daemon_that_does_not_answer_is_told_after_three_seconds),
        TEST(a_busy_daemon_is_asked_again_and_an_older_one_tells_less),
        TEST(who_is_turned_away_is_told_why_and_tries_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
