/* What the reports are made of: periods, the table for Excel, what a public notice leaves out, charts. */
#include "daemon/ctl/csv.h"
#include "daemon/ctl/mask.h"
#include "daemon/ctl/period.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/svg.c"

#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/store/journal.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CHINA = 480, URUMQI = 360, NEWFOUNDLAND = -210 };

/* ---- periods ---- */

static int64_t at(const char *text)
{
    int64_t ms;
    assert_int_equal(clock_parse(text, &ms), ERR_OK);
    return ms;
}

static void assert_period(struct period p, int zone_min, const char *from, const char *to)
{
    char text[32];
    assert_string_equal(clock_text(p.from_ms, zone_min, text), from);
    assert_string_equal(clock_text(p.to_ms, zone_min, text), to);
}

static void a_week_is_monday_to_sunday_in_the_sites_zone(void **state)
{
    (void)state;
    static const char *const within[] = {"2026-11-23T00:00:00+08:00", "2026-11-25T12:00:00+08:00",
                                         "2026-11-29T23:59:59+08:00", "2026-11-22T16:00:00Z"};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++)
        assert_period(period_of(PERIOD_WEEKLY, at(within[i]), CHINA), CHINA, "2026-11-23T00:00:00.000+08:00",
                      "2026-11-30T00:00:00.000+08:00");
    assert_period(period_of(PERIOD_WEEKLY, at("2026-11-22T15:59:59Z"), CHINA), CHINA,
                  "2026-11-16T00:00:00.000+08:00", "2026-11-23T00:00:00.000+08:00");
    assert_period(period_of(PERIOD_WEEKLY, at("2026-11-22T17:59:00Z"), URUMQI), URUMQI,
                  "2026-11-16T00:00:00.000+06:00", "2026-11-23T00:00:00.000+06:00");
    assert_period(period_of(PERIOD_WEEKLY, at("2026-11-23T03:29:00Z"), NEWFOUNDLAND), NEWFOUNDLAND,
                  "2026-11-16T00:00:00.000-03:30", "2026-11-23T00:00:00.000-03:30");
}

static void the_last_week_is_the_one_that_is_over(void **state)
{
    (void)state;
    assert_period(period_last(PERIOD_WEEKLY, at("2026-11-23T00:00:00+08:00"), CHINA), CHINA,
                  "2026-11-16T00:00:00.000+08:00", "2026-11-23T00:00:00.000+08:00");
    assert_period(period_last(PERIOD_WEEKLY, at("2026-11-22T23:59:59+08:00"), CHINA), CHINA,
                  "2026-11-09T00:00:00.000+08:00", "2026-11-16T00:00:00.000+08:00");
    assert_period(period_last(PERIOD_WEEKLY, at("2027-01-01T10:00:00+08:00"), CHINA), CHINA,
                  "2026-12-21T00:00:00.000+08:00", "2026-12-28T00:00:00.000+08:00");
}

static void a_half_month_ends_with_the_15th_or_with_the_month(void **state)
{
    (void)state;
    static const struct {
        const char *at, *from, *to;
    } cases[] = {
        {"2026-11-01T00:00:00+08:00", "2026-11-01", "2026-11-16"},
        {"2026-11-15T23:59:59+08:00", "2026-11-01", "2026-11-16"},
        {"2026-11-16T00:00:00+08:00", "2026-11-16", "2026-12-01"},
        {"2026-11-30T23:59:59+08:00", "2026-11-16", "2026-12-01"},
        {"2026-12-31T23:59:59+08:00", "2026-12-16", "2027-01-01"},
        {"2026-02-28T12:00:00+08:00", "2026-02-16", "2026-03-01"},
        {"2028-02-29T12:00:00+08:00", "2028-02-16", "2028-03-01"},
        {"2026-11-30T16:00:00Z", "2026-12-01", "2026-12-16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "%sT00:00:00.000+08:00", cases[i].from);
        snprintf(to, sizeof to, "%sT00:00:00.000+08:00", cases[i].to);
        assert_period(period_of(PERIOD_HALF_MONTH, at(cases[i].at), CHINA), CHINA, from, to);
    }
}

static void the_last_half_month_may_be_of_the_year_before(void **state)
{
    (void)state;
    assert_period(period_last(PERIOD_HALF_MONTH, at("2027-01-15T12:00:00+08:00"), CHINA), CHINA,
                  "2026-12-16T00:00:00.000+08:00", "2027-01-01T00:00:00.000+08:00");
    assert_period(period_last(PERIOD_HALF_MONTH, at("2026-03-16T00:00:00+08:00"), CHINA), CHINA,
                  "2026-03-01T00:00:00.000+08:00", "2026-03-16T00:00:00.000+08:00");
}

static void periods_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    for (int kind = 0; kind < PERIOD__KINDS; kind++) {
        struct period p = period_of((enum period_kind)kind, at("2024-01-01T00:00:00+08:00"), CHINA);
        for (int i = 0; i < 200; i++) {
            struct period next = period_of((enum period_kind)kind, p.to_ms, CHINA);
            assert_int_equal(next.from_ms, p.to_ms);
            assert_int_equal(period_last((enum period_kind)kind, p.to_ms, CHINA).from_ms, p.from_ms);
            p = next;
        }
    }
}

/* ---- the table for Excel ---- */

static void a_cell_is_quoted_only_where_it_must_be(void **state)
{
    (void)state;
    static const char *const cells[] = {"序号", "a,b", "said \"no\"", "two\r\nlines", "", NULL, "1.5"};
    struct buf b = {0};
    csv_begin(&b);
    csv_line(&b, cells, 7);
    assert_string_equal(b.data, "\xEF\xBB\xBF序号,\"a,b\",\"said \"\"no\"\"\",\"two\r\nlines\",,,1.5\r\n");
    buf_finish(&b);
}

static void what_a_spreadsheet_would_execute_stays_text(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"\r\n"},
        {"+1", "\"'+1\"\r\n"},
        {"-2+3", "\"'-2+3\"\r\n"},
        {"@SUM(A1)", "\"'@SUM(A1)\"\r\n"},
        {"\t=1", "\"'\t=1\"\r\n"},
        {"\r=1", "\"'\r=1\"\r\n"},
        {"\n=1", "\"'\n=1\"\r\n"},
        {"＝1+1", "\"'＝1+1\"\r\n"},
        {"＋1", "\"'＋1\"\r\n"},
        {"－1", "\"'－1\"\r\n"},
        {"＠a", "\"'＠a\"\r\n"},
        {"=\"x\"", "\"'=\"\"x\"\"\"\r\n"},
        {"1=1", "1=1\r\n"},
        {"LQ-2026-0001", "LQ-2026-0001\r\n"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf b = {0};
        csv_line(&b, &table[i][0], 1);
        assert_string_equal(b.data, table[i][1]);
        buf_finish(&b);
    }
}

/* ---- what a public notice leaves out ---- */

static void assert_masked(const char *text, const char *as)
{
    static const char *const names[] = {"张三", "张三丰", "Li", "李"};
    char *masked = mask_text(text, names, 4, true);
    assert_string_equal(masked, as);
    mem_free(masked);
}

static void a_plate_is_shown_in_part_however_it_is_written(void **state)
{
    (void)state;
    assert_masked("晋J12345未冲洗", "晋J1***5未冲洗");
    assert_masked("车牌晋J·12345、晋J-12345", "车牌晋J1***5、晋J1***5");
    assert_masked("晋AD12345", "晋AD***5");
    assert_masked("晋j1234a", "晋J1***A");
    assert_masked("晋J1***5", "晋J1***5"); /* is already */
    assert_masked("晋城 PM10 超标", "晋城 PM10 超标");
}

static void a_telephone_number_is_left_out_however_it_is_written(void **state)
{
    (void)state;
    assert_masked("请联系13800138000。", "请联系***。");
    assert_masked("138-0013-8000 / 138 0013 8000", "*** / ***");
    assert_masked("+86 13800138000", "+***");
    assert_masked("0358-4422110，4422110", "***，***");
    assert_masked("400-123-4567", "***");
    assert_masked("１３８００１３８０００", "***");
}

static void bytes_that_are_no_text_are_masked_to_an_end_too(void **state)
{
    (void)state;
    static const char *const odd[] = {"\xff", "晋",           "晋J", "\xe6\x99",     "1", "+", "1-",
                                      "- -",  "晋\377J12345", "１",  "晋J 1 2 3 4 5"};
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        mem_free(mask_text(odd[i], NULL, 0, true));
    for (int i = 0; i < 2000; i++) {
        static const char pieces[] = "0123456789-+ JA\xe6\x99\x8b\xef\xbc\x91\xc2\xb7";
        char text[40] = "";
        for (int k = 0; k < 39; k++) {
            random = random * 1664525 + 1013904223; /* Numerical Recipes' */
            text[k] = pieces[(random >> 8) % (sizeof pieces - 1)];
        }
        mem_free(mask_text(text, NULL, 0, false));
    }
}

static void dates_numbers_of_issues_and_means_are_no_telephone_numbers(void **state)
{
    (void)state;
    static const char *const stay[] = {"2026-03-14 08:15:00", "LQ-2026-0001", "312.4 ug/m3，达到 250",
                                       "示例路12号", ""};
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        assert_masked(stay[i], stay[i]);
}

static void a_persons_name_is_left_out_the_longer_one_first(void **state)
{
    (void)state;
    assert_masked("张三丰和张三", "某某和某某");
    assert_masked("List of 李子", "List of 某某子"); /* a name of two letters is in too many words */
}

/* ---- what is handed over ---- */

/* --- verdicts --- */

static void take(struct gathered *g, int64_t seq, const char *more)
{
    char body[256];
    snprintf(body, sizeof body, "{\"unit\":\"ug/m3\",\"compare\":\">=\",\"value\":250,\"window_s\":3600,%s}",
             more);
    char subject[] = "mine/max";
    struct row row = {.seq = seq, .at_ms = 3600000, .subject = subject, .body = body};
    g->head_seq = seq;
    assert_int_equal(report_take_verdict(&row, g), ERR_OK);
}

/* Of the highest of several points a correction may name another one. */
static void a_window_that_is_corrected_to_another_point_is_counted_once(void **state)
{
    (void)state;
    struct gathered g = {0};
    take(&g, 1, "\"point\":\"a/pm10\",\"verdict\":\"breach\",\"mean\":300");
    take(&g, 2, "\"point\":\"b/pm10\",\"verdict\":\"pass\",\"mean\":200,\"corrects\":1");
    take(&g, 3, "\"point\":\"a/pm10\",\"verdict\":\"unknown\",\"corrects\":2");
    report_sort_verdicts(&g);
    assert_int_equal(g.nseries, 2);
    assert_int_equal(g.series[0].n, 1); /* a: the last word */
    assert_true(g.series[0].at[0].unknown && g.series[0].at[0].seq == 3);
    assert_int_equal(g.series[1].n, 0); /* b */
    report_forget(&g);
}

static void a_summary_of_many_points_still_fits_in_a_row_with_its_counts(void **state)
{
    (void)state;
    json_t *limits = json_array(), *devices = json_array();
    for (int i = 0; i < 200; i++) {
        json_array_append_new(limits, json_pack("{s:s,s:s,s:i}", "limit", "shanxi-taiyuan/pm10-hour", "point",
                                                "a-meter/pm10", "windows", 168));
        json_array_append_new(devices, json_pack("{s:s,s:i,s:i}", "device", "a-meter", "valid", 1, "due", 2));
    }
    json_t *report = json_pack("{s:I,s:I,s:I,s:{s:i},s:{},s:[],s:o,s:{s:i,s:i,s:o},s:[{s:s}]}", "from",
                               (json_int_t)1, "to", (json_int_t)2, "asof", (json_int_t)2, "counts", "found",
                               7, "made_from", "requirements", "limits", limits, "completeness", "valid", 1,
                               "due", 2, "devices", devices, "issues", "person", "site-manager");
    json_t *summary = report_summary(report);
    assert_in_range(json_dumpb(summary, NULL, 0, JSON_COMPACT), 1, 7000);
    assert_int_equal(int_of(json_object_get(summary, "counts"), "found"), 7);
    assert_int_equal(int_of(json_object_get(summary, "completeness"), "due"), 2);
    assert_null(json_object_get(summary, "issues"));
    json_decref(summary);
    json_decref(report);
}

/* ---- charts ---- */

static void a_scale_ends_at_a_round_number(void **state)
{
    (void)state;
    static const double table[][2] = {{0, 1},     {-3, 1},    {1, 1},      {1.01, 2},    {2.2, 2.5},
                                      {249, 250}, {251, 500}, {501, 1000}, {0.03, 0.05}, {9.99, 10}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_true(fabs(svg_top(table[i][0]) - table[i][1]) < 1e-9);
    assert_true(svg_top((double)NAN) > 0 && isfinite(svg_top(HUGE_VAL)));
}

static void nothing_is_drawn_outside_the_chart(void **state)
{
    (void)state;
    struct svg s = {
        .width = 640, .height = 150, .from_ms = 0, .to_ms = 7 * (int64_t)CLOCK_DAY_MS, .top = 500};
    assert_true(fabs(svg_x(&s, 0) - LEFT) < 1e-9);
    assert_true(fabs(svg_x(&s, s.to_ms) - (640 - RIGHT)) < 1e-9);
    assert_true(fabs(svg_x(&s, -CLOCK_DAY_MS) - LEFT) < 1e-9);
    assert_true(fabs(svg_y(&s, 0) - (150 - BELOW)) < 1e-9);
    assert_true(fabs(svg_y(&s, 500) - ABOVE) < 1e-9);
    assert_true(fabs(svg_y(&s, 9000) - ABOVE) < 1e-9);
    assert_true(fabs(svg_y(&s, 250) - (ABOVE + 150 - BELOW) / 2.0) < 1e-9);
}

static void a_text_cannot_leave_its_element(void **state)
{
    (void)state;
    struct buf b = {0};
    html_text(&b, "</title><script>alert(1)</script> \"a\" & 'b'\x1b\xff");
    assert_string_equal(
        b.data, "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; &quot;a&quot; &amp; &#39;b&#39;??");
    buf_finish(&b);
}

static void a_day_has_its_bar_in_its_parts(void **state)
{
    (void)state;
    struct buf b = {0};
    struct svg s = {&b, 640, 150, 0, 7 * (int64_t)CLOCK_DAY_MS, 0, 10};
    svg_bar(&s, 0, (const int[]){3, 0, 2});
    assert_non_null(strstr(b.data, "class=\"met\""));
    assert_null(strstr(b.data, "class=\"failed\""));
    assert_non_null(strstr(b.data, "class=\"unknown\""));
    buf_finish(&b);
}

int main(void)
{
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_week_is_monday_to_sunday_in_the_sites_zone),
        cmocka_unit_test(the_last_week_is_the_one_that_is_over),
        cmocka_unit_test(a_half_month_ends_with_the_15th_or_with_the_month),
        cmocka_unit_test(the_last_half_month_may_be_of_the_year_before),
        cmocka_unit_test(periods_follow_each_other_without_a_gap),
        cmocka_unit_test(a_cell_is_quoted_only_where_it_must_be),
        cmocka_unit_test(what_a_spreadsheet_would_execute_stays_text),
        cmocka_unit_test(a_plate_is_shown_in_part_however_it_is_written),
        cmocka_unit_test(a_telephone_number_is_left_out_however_it_is_written),
        cmocka_unit_test(bytes_that_are_no_text_are_masked_to_an_end_too),
        cmocka_unit_test(dates_numbers_of_issues_and_means_are_no_telephone_numbers),
        cmocka_unit_test(a_persons_name_is_left_out_the_longer_one_first),
        cmocka_unit_test(a_window_that_is_corrected_to_another_point_is_counted_once),
        cmocka_unit_test(a_summary_of_many_points_still_fits_in_a_row_with_its_counts),
        cmocka_unit_test(a_scale_ends_at_a_round_number),
        cmocka_unit_test(nothing_is_drawn_outside_the_chart),
        cmocka_unit_test(a_text_cannot_leave_its_element),
        cmocka_unit_test(a_day_has_its_bar_in_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
