/* What leaves for the robots: signatures, bodies, words, and what their answers mean. */
#include "daemon/alert/message.h"
#include "daemon/alert/robot.h"
#include "daemon/alert/sign.h"
#include "daemon/base/mem.h"
#include "daemon/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

enum { ZEROS = 63, MANY = 300 };

/* ---- signatures ---- */

static char *dingtalk_secret(int zeros)
{
    return mem_printf("SEC%0*d", zeros, 0);
}

static void dingtalk_signs_milliseconds_with_its_secret(void **state)
{
    (void)state;
    char sign[ALERT_SIGN_SIZE], *secret = dingtalk_secret(ZEROS), *other = dingtalk_secret(ZEROS + 1);
    alert_sign_dingtalk(secret, 1700000000000, sign);
    assert_string_equal(sign, "mphPIqgjGbRzHPELpWQPiram3BEkrp9g5J866J8sMcg=");
    alert_sign_dingtalk(other, 1700000000000, sign);
    assert_string_equal(sign, "+8WOOUUcTkFRyfCevQaISh9EUbkxaatnd6MLtL7dAY8=");
    mem_free(secret);
    mem_free(other);
}

static void feishu_signs_nothing_with_seconds_and_secret_as_key(void **state)
{
    (void)state;
    char sign[ALERT_SIGN_SIZE];
    alert_sign_feishu("demo-secret", 1599360473, sign);
    assert_string_equal(sign, "3/MaVZ8JLIy4TUG+7KSFJqvUkTKd+HWY8g+56DZWq8s=");
}

static void a_signature_in_an_address_is_escaped_and_stands_there_once(void **state)
{
    (void)state;
    char *secret = dingtalk_secret(ZEROS + 1);
    char *url = robot_url(CHANNEL_DINGTALK, "https://oapi.dingtalk.com/robot/send?access_token=T", secret,
                          1700000000000);
    assert_string_equal(url, "https://oapi.dingtalk.com/robot/send?access_token=T&timestamp=1700000000000"
                             "&sign=%2B8WOOUUcTkFRyfCevQaISh9EUbkxaatnd6MLtL7dAY8%3D");
    mem_free(url);
    url = robot_url(CHANNEL_DINGTALK, "https://h/x", "", 5);
    assert_string_equal(url, "https://h/x"); /* a robot that wants no signature */
    mem_free(url);
    url = robot_url(CHANNEL_FEISHU, "https://h/x", secret, 5);
    assert_string_equal(url, "https://h/x"); /* its signature is in the body */
    mem_free(url);
    mem_free(secret);
}

/* ---- bodies ---- */

static const struct alert_message said = {.subject = "S",
                                          .text = "甲\"乙",
                                          .person = "manager",
                                          .mobile = "",
                                          .site = "site",
                                          .level = LEVEL_MAJOR,
                                          .at_ms = 1599360473999};

static void expect_body(enum channel_kind kind, struct alert_message m, const char *secret,
                        const char *wanted)
{
    char *body = robot_body(kind, &m, secret);
    assert_string_equal(body, wanted);
    mem_free(body);
}

static void each_robot_gets_the_json_that_it_knows(void **state)
{
    (void)state;
    struct alert_message called = said;
    called.mobile = "13800000000";
    expect_body(CHANNEL_WECOM, said, "", "{\"msgtype\":\"text\",\"text\":{\"content\":\"甲\\\"乙\"}}");
    expect_body(CHANNEL_WECOM, called, "",
                "{\"msgtype\":\"text\",\"text\":{\"content\":\"甲\\\"乙\",\"mentioned_mobile_list\":"
                "[\"13800000000\"]}}");
    expect_body(CHANNEL_DINGTALK, called, "x",
                "{\"msgtype\":\"text\",\"text\":{\"content\":\"甲\\\"乙\"},\"at\":{\"atMobiles\":"
                "[\"13800000000\"],\"isAtAll\":false}}");
    expect_body(CHANNEL_FEISHU, said, "", "{\"msg_type\":\"text\",\"content\":{\"text\":\"甲\\\"乙\"}}");
    expect_body(CHANNEL_FEISHU, said, "demo-secret",
                "{\"msg_type\":\"text\",\"content\":{\"text\":\"甲\\\"乙\"},\"timestamp\":\"1599360473\","
                "\"sign\":\"3/MaVZ8JLIy4TUG+7KSFJqvUkTKd+HWY8g+56DZWq8s=\"}");
}

static void a_plain_post_names_the_rows_it_tells_of(void **state)
{
    (void)state;
    static const int64_t rows[] = {7, 12};
    struct alert_message m = said;
    m.rows = rows;
    m.nrows = 2;
    m.simulated = true;
    expect_body(
        CHANNEL_WEBHOOK, m, "",
        "{\"ts\":1599360473999,\"kind\":\"alert_message\",\"site\":\"site\",\"person\":\"manager\","
        "\"level\":\"major\",\"subject\":\"S\",\"text\":\"甲\\\"乙\",\"rows\":[7,12],\"simulated\":true}");
}

/* ---- answers ---- */

static void expect_answer(enum channel_kind kind, long status, const char *body, enum alert_answer wanted,
                          int64_t wanted_wait_s, const char *wanted_why)
{
    struct robot_reply is = robot_answer(kind, status, body, strlen(body), 0);
    assert_string_equal(alert_answer_str(is.answer), alert_answer_str(wanted));
    assert_int_equal(is.wait_s, wanted_wait_s);
    assert_string_equal(is.why, wanted_why);
}

static void only_the_robots_own_code_in_a_200_is_success(void **state)
{
    (void)state;
    expect_answer(CHANNEL_WECOM, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", ALERT_TAKEN, 0, "");
    expect_answer(CHANNEL_WECOM, 200, "{\"errcode\":93000,\"errmsg\":\"invalid\\nurl\"}", ALERT_NEVER, 0,
                  "93000: invalid url");
    expect_answer(CHANNEL_FEISHU, 200, "{\"code\":0,\"msg\":\"success\"}", ALERT_TAKEN, 0, "");
    expect_answer(CHANNEL_FEISHU, 200, "{\"code\":19021}", ALERT_NEVER, 0, "19021");
    expect_answer(CHANNEL_FEISHU, 200, "{\"errcode\":0}", ALERT_LATER, 0,
                  "its answer has no code: that was no robot of this kind");
    expect_answer(CHANNEL_DINGTALK, 200, "<html>log in</html>", ALERT_LATER, 0,
                  "its answer has no errcode: that was no robot of this kind");
    expect_answer(CHANNEL_DINGTALK, 200, "", ALERT_LATER, 0,
                  "its answer has no errcode: that was no robot of this kind");
    expect_answer(CHANNEL_DINGTALK, 200, "{\"errcode\":\"0\"}", ALERT_LATER, 0,
                  "its answer has no errcode: that was no robot of this kind");
    expect_answer(CHANNEL_WEBHOOK, 204, "", ALERT_TAKEN, 0, "");
}

static void a_robot_that_is_asked_too_often_is_left_alone_for_a_while(void **state)
{
    (void)state;
    expect_answer(CHANNEL_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"freq\"}", ALERT_LATER, 60,
                  "45009: freq");
    expect_answer(CHANNEL_DINGTALK, 200, "{\"errcode\":130101}", ALERT_LATER, 600, "130101");
    expect_answer(CHANNEL_FEISHU, 200, "{\"code\":11232}", ALERT_LATER, 60, "11232");
    expect_answer(CHANNEL_FEISHU, 200, "{\"code\":45009}", ALERT_NEVER, 0, "45009"); /* another's code */
}

static void http_says_later_or_never_and_a_redirect_is_not_followed(void **state)
{
    (void)state;
    expect_answer(CHANNEL_WEBHOOK, 503, "", ALERT_LATER, 0, "HTTP 503");
    expect_answer(CHANNEL_WEBHOOK, 404, "", ALERT_NEVER, 0, "HTTP 404");
    expect_answer(CHANNEL_WECOM, 302, "{\"errcode\":0}", ALERT_NEVER, 0,
                  "HTTP 302: sends us elsewhere, which is not followed");
    static const struct {
        long status;
        int64_t asked_s, wait_s;
    } waits[] = {{429, 30, 30}, {429, INT64_MAX, 3600}, {503, -5, 0}};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct robot_reply is = robot_answer(CHANNEL_WEBHOOK, waits[i].status, "", 0, waits[i].asked_s);
        assert_int_equal(is.answer, ALERT_LATER);
        assert_int_equal(is.wait_s, waits[i].wait_s);
    }
}

/* ---- words ---- */

static const struct alert_frame zh = {.zh = true, .site = "示例工地", .person = "项目经理", .zone_min = 480};
static const struct alert_frame en = {.site = "Example Site", .person = "项目经理", .zone_min = 480};
static const struct alert_text late = {.at_ms = 1795653000000,
                                       .level = LEVEL_CRITICAL,

                                       .subject = "LQ-2026-0001",
                                       .title = "逾期：PM10 超标",
                                       .text = "请立即整改"};

static void expect_text(const struct alert_frame *f, const struct alert_text *list, int n, size_t most,
                        const char *wanted)
{
    char *text = message_text(f, list, n, most);
    assert_string_equal(text, wanted);
    mem_free(text);
}

static void one_alert_says_level_site_title_and_for_whom(void **state)
{
    (void)state;
    expect_text(&zh, &late, 1, 2048,
                "【重大】示例工地：逾期：PM10 超标\n请立即整改\n时间：2026-11-26 08:30\n"
                "通知：项目经理");
    expect_text(&en, &late, 1, 2048,
                "[CRITICAL] Example Site: 逾期：PM10 超标\n请立即整改\n"
                "Time: 2026-11-26 08:30\nTo: 项目经理");
}

static void a_simulated_site_says_so_in_every_message(void **state)
{
    (void)state;
    struct alert_frame f = zh;
    f.simulated = true;
    char *subject = message_subject(&f, &late, 1);
    assert_string_equal(subject, "【模拟】【重大】示例工地：逾期：PM10 超标");
    mem_free(subject);
}

static void a_digest_counts_by_level_and_gives_each_a_line(void **state)
{
    (void)state;
    struct alert_text list[] = {late, late, late};
    list[1].level = list[2].level = LEVEL_GENERAL;
    list[2].subject = "";
    expect_text(&zh, list, 3, 2048,
                "【汇总】示例工地：3 条提醒（重大 1，一般 2）\n1. 【重大】逾期：PM10 超标 (LQ-2026-0001)\n"
                "2. 【一般】逾期：PM10 超标 (LQ-2026-0001)\n3. 【一般】逾期：PM10 超标");
    expect_text(&en, list, 2, 2048,
                "[digest] Example Site: 2 alerts (CRITICAL 1, general 1)\n"
                "1. [CRITICAL] 逾期：PM10 超标 (LQ-2026-0001)\n2. [general] 逾期：PM10 超标 (LQ-2026-0001)");
}

static void what_does_not_fit_into_a_digest_is_counted_in_it(void **state)
{
    (void)state;
    static struct alert_text list[MANY];
    for (int i = 0; i < MANY; i++)
        list[i] = late;
    char *text = message_text(&zh, list, MANY, 2048);
    assert_true(strlen(text) <= 2048 && strlen(text) > 1800);
    int shown = 0, left = 0;
    for (const char *c = text; (c = strchr(c, '\n')); c++)
        shown++;
    const char *more = strstr(text, "另有 ");
    assert_non_null(more);
    assert_int_equal(sscanf(more, "另有 %d 条", &left), 1);
    assert_int_equal(shown - 1 + left, MANY);
    mem_free(text);
}

/* Whatever the limit, however long the words: valid UTF-8, never longer. */
static void text_is_cut_between_characters_at_any_limit(void **state)
{
    (void)state;
    char title[1000], *text;
    struct alert_text list[] = {late, late};
    size_t end = 0;
    for (int i = 0; end + 4 < sizeof title; i++)
        end += (size_t)snprintf(title + end, sizeof title - end, "%s", i % 7 ? "尘" : "a");
    list[0].title = list[0].text = list[1].title = title;
    for (size_t most = 0; most < 700; most++)
        for (int n = 1; n <= 2; n++) {
            text = message_text(&zh, list, n, most);
            assert_true(strlen(text) <= most);
            assert_int_equal(utf8_cut(text, strlen(text), strlen(text)), strlen(text));
            mem_free(text);
        }
}

static void format_characters_in_a_title_are_shown_as_they_are(void **state)
{
    (void)state;
    struct alert_text a = late;
    a.title = a.text = a.subject = "%n%s";
    expect_text(&zh, &a, 1, 2048, "【重大】示例工地：%n%s\n%n%s\n时间：2026-11-26 08:30\n通知：项目经理");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dingtalk_signs_milliseconds_with_its_secret),
        cmocka_unit_test(feishu_signs_nothing_with_seconds_and_secret_as_key),
        cmocka_unit_test(a_signature_in_an_address_is_escaped_and_stands_there_once),
        cmocka_unit_test(each_robot_gets_the_json_that_it_knows),
        cmocka_unit_test(a_plain_post_names_the_rows_it_tells_of),
        cmocka_unit_test(only_the_robots_own_code_in_a_200_is_success),
        cmocka_unit_test(a_robot_that_is_asked_too_often_is_left_alone_for_a_while),
        cmocka_unit_test(http_says_later_or_never_and_a_redirect_is_not_followed),
        cmocka_unit_test(one_alert_says_level_site_title_and_for_whom),
        cmocka_unit_test(a_simulated_site_says_so_in_every_message),
        cmocka_unit_test(a_digest_counts_by_level_and_gives_each_a_line),
        cmocka_unit_test(what_does_not_fit_into_a_digest_is_counted_in_it),
        cmocka_unit_test(text_is_cut_between_characters_at_any_limit),
        cmocka_unit_test(format_characters_in_a_title_are_shown_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
