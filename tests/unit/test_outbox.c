/* Who must still be told what: time and rows are arguments. */
#include "daemon/alert/message.h"
#include "daemon/alert/outbox.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t second = 1000, minute = 60000, hour = 3600000;

static const int64_t noon_ms = 1795665600000; /* 2026-11-26 12:00 at +08:00 */

static const char *both[] = {"robot", "mail"}, *robot[] = {"robot"};
static struct person people[] = {{.name = "chief", .title = "负责人", .channels = robot, .nchannels = 1},
                                 {.name = "clerk", .title = "文员", .channels = both, .nchannels = 2},
                                 {.name = "nobody", .title = "无", .channels = NULL}};
static struct channel_config channels[] = {{.name = "robot", .kind = CHANNEL_DINGTALK, .per_minute = 15},
                                           {.name = "mail", .kind = CHANNEL_SMTP, .per_minute = 15}};
static const char *quiet[] = {"22:00-06:00"};

enum { ROBOT, MAIL };

struct rig {
    struct config c;
    struct outbox *o;
    struct outbox_time now;
    int64_t seq;
};

static int setup(void **state)
{
    struct rig *r = mem_new(struct rig);
    r->c = (struct config){
        .language = "zh", .people = people, .npeople = 3, .channels = channels, .nchannels = 2};
    r->c.site.zone_min = 480;
    r->c.alerts.gather_ms = minute;
    r->c.alerts.keep_ms = 72 * hour;
    r->o = outbox_create(&r->c);
    r->now = (struct outbox_time){noon_ms, 1000000, INT64_MAX};
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    outbox_free(r->o);
    mem_free(r);
    return 0;
}

static void pass(struct rig *r, int64_t ms)
{
    r->now.site_ms += ms;
    r->now.wire_ms += ms;
}

/* A row to one person, "" for both; returns its number. */
static int64_t alert(struct rig *r, const char *level, const char *step, const char *to)
{
    json_t *list = to[0] ? json_pack("[s]", to) : json_pack("[s,s]", "chief", "clerk");
    json_t *body =
        json_pack("{s:I,s:s,s:s,s:s,s:s,s:o,s:{s:s,s:s},s:{s:s,s:s}}", "ts", (json_int_t)r->now.site_ms,
                  "kind", "alert", "subject", "LQ-2026-0001", "step", step, "level", level, "to", list,
                  "title", "zh", "扬尘超标", "en", "Dust", "text", "zh", "请整改", "en", "Act");
    assert_int_equal(outbox_alert(r->o, ++r->seq, body), ERR_OK);
    json_decref(body);
    return r->seq;
}

static int next(struct rig *r, int channel, struct outbox_letter *l)
{
    return outbox_next(r->o, channel, r->now, l) ? l->n : 0;
}

static bool answer(struct rig *r, int channel, enum alert_answer a, struct outbox_verdict *v)
{
    const struct robot_reply said = {.answer = a, .why = "says no"};
    return outbox_answer(r->o, channel, r->now, &said, v);
}

/* Sends whatever is to be sent now and lets it be taken; how many alerts that were. */
static int sent(struct rig *r, int channel)
{
    struct outbox_letter l;
    struct outbox_verdict v;
    int n = next(r, channel, &l);
    if (n)
        assert_true(answer(r, channel, ALERT_TAKEN, &v));
    return n;
}

static void an_alert_goes_to_each_person_on_each_channel_once(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    alert(r, "major", "found", "");
    assert_int_equal(next(r, ROBOT, &l), 1);
    assert_string_equal(l.person->name, "chief");
    assert_string_equal(l.list[0].title, "扬尘超标");
    assert_false(outbox_next(r->o, ROBOT, r->now, &l)); /* one at a time */
    assert_true(answer(r, ROBOT, ALERT_TAKEN, &v));
    assert_string_equal(v.person, "chief");
    assert_string_equal(v.channel, "robot");
    assert_true(v.ok && v.nrows == 1 && v.rows[0] == 1);
    pass(r, second);
    assert_int_equal(next(r, ROBOT, &l), 1);
    assert_string_equal(l.person->name, "clerk");
    assert_true(answer(r, ROBOT, ALERT_TAKEN, &v));
    assert_int_equal(sent(r, MAIL), 1);
    pass(r, hour);
    assert_int_equal(sent(r, ROBOT) + sent(r, MAIL), 0);
}

static void nothing_is_sent_before_its_row_is_on_the_disk(void **state)
{
    struct rig *r = *state;
    r->now.committed = 0;
    alert(r, "critical", "found", "chief");
    assert_int_equal(sent(r, ROBOT), 0);
    r->now.committed = 1;
    assert_int_equal(sent(r, ROBOT), 1);
}

static void critical_ones_go_first_and_each_by_itself(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    alert(r, "general", "found", "chief");
    alert(r, "critical", "found", "chief");
    alert(r, "critical", "found", "clerk");
    for (int64_t seq = 2; seq <= 3; seq++) {
        assert_int_equal(next(r, ROBOT, &l), 1);
        assert_int_equal(l.level, LEVEL_CRITICAL);
        assert_int_equal(l.rows[0], seq);
        assert_true(answer(r, ROBOT, ALERT_TAKEN, &v));
        pass(r, second);
    }
}

static void the_others_of_a_person_are_merged_the_gravest_first(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    alert(r, "general", "found", "chief");
    assert_int_equal(sent(r, ROBOT), 1); /* the first goes at once */
    alert(r, "general", "found", "chief");
    pass(r, 30 * second);
    alert(r, "major", "overdue", "chief");
    assert_int_equal(sent(r, ROBOT), 0); /* gathered */
    pass(r, 30 * second);
    assert_int_equal(next(r, ROBOT, &l), 2);
    assert_int_equal(l.list[0].level, LEVEL_MAJOR);
    assert_int_equal(l.list[1].level, LEVEL_GENERAL);
    assert_int_equal(l.level, LEVEL_MAJOR);
    assert_true(l.rows[0] == 2 && l.rows[1] == 3);
    assert_true(answer(r, ROBOT, ALERT_TAKEN, &v));
    assert_int_equal(v.nrows, 2);
}

static void only_general_ones_wait_while_it_is_quiet(void **state)
{
    struct rig *r = *state;
    r->c.alerts.quiet = quiet;
    r->c.alerts.nquiet = 1;
    pass(r, 11 * hour); /* 23:00 */
    alert(r, "general", "found", "chief");
    alert(r, "major", "found", "chief");
    alert(r, "critical", "found", "chief");
    alert(r, "general", "test", "chief"); /* somebody waits for it */
    int n = 0;
    for (int i = 0; i < 300; i++, pass(r, second))
        n += sent(r, ROBOT);
    assert_int_equal(n, 3);
    pass(r, 6 * hour + 54 * minute); /* 05:59 */
    assert_int_equal(sent(r, ROBOT), 0);
    pass(r, minute);
    assert_int_equal(sent(r, ROBOT), 1);
}

/* It may have been on its way for long, and the far end counts it when it comes. */
static void a_message_counts_from_its_answer_on(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    alert(r, "critical", "found", "chief");
    assert_int_equal(next(r, ROBOT, &l), 1);
    pass(r, 5000);
    assert_true(answer(r, ROBOT, ALERT_TAKEN, &v));
    for (int i = 1; i < 15; i++) {
        pass(r, second);
        alert(r, "critical", "found", "chief");
        assert_int_equal(sent(r, ROBOT), 1);
    }
    alert(r, "critical", "found", "chief");
    pass(r, minute - 14 * second - 1);
    assert_int_equal(sent(r, ROBOT), 0);
    pass(r, 1);
    assert_int_equal(sent(r, ROBOT), 1);
}

static void no_sixty_seconds_hold_more_messages_than_the_channel_takes(void **state)
{
    struct rig *r = *state;
    int64_t at[200] = {0};
    int n = 0, alerts = 0;
    for (int i = 0; i < 10 * 60; i++, pass(r, 500)) {
        alert(r, i % 3 ? "critical" : "general", "found", i % 2 ? "chief" : "clerk");
        int told = sent(r, ROBOT);
        if (told)
            at[n++] = r->now.wire_ms;
        alerts += told;
    }
    for (int i = 15; i < n; i++)
        assert_true(at[i] - at[i - 15] >= minute);
    assert_true(n > 60 && alerts > 400); /* five minutes: all places are used, and what has none is merged */
}

/* Others take at most four fifths of a minute, so that there is a place at once. */
static void a_critical_one_finds_a_place_in_a_minute_full_of_others(void **state)
{
    struct rig *r = *state;
    r->c.alerts.gather_ms = 0;
    for (int i = 0; i < 40; i++, pass(r, second)) {
        alert(r, "major", "found", "chief");
        sent(r, ROBOT);
    }
    struct outbox_letter l;
    int64_t seq = alert(r, "critical", "found", "chief");
    assert_int_equal(next(r, ROBOT, &l), 1);
    assert_int_equal(l.rows[0], seq);
}

static void what_is_not_taken_is_tried_again_later_and_later(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    int64_t last_ms = 0;
    alert(r, "critical", "found", "chief");
    for (int tries = 0; tries < 12; tries++) {
        int64_t from_ms = r->now.wire_ms;
        while (!next(r, ROBOT, &l))
            pass(r, second);
        int64_t waited_ms = r->now.wire_ms - from_ms;
        assert_true(tries == 0 || (waited_ms >= last_ms / 2 && waited_ms <= 376 * second));
        last_ms = waited_ms;
        assert_false(answer(r, ROBOT, ALERT_LATER, &v));
        assert_string_equal(outbox_channel(r->o, ROBOT).why, "says no");
    }
    assert_true(last_ms >= 300 * second);
    assert_int_equal(outbox_channel(r->o, ROBOT).waiting, 1); /* nothing is lost */
    pass(r, 400 * second);
    assert_int_equal(sent(r, ROBOT), 1);
    assert_string_equal(outbox_channel(r->o, ROBOT).why, "");
}

static void a_robot_that_wants_to_be_left_alone_is(void **state)
{
    static const struct robot_reply deaf = {ALERT_LATER, 600, "too fast"};
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    alert(r, "critical", "found", "chief");
    assert_int_equal(next(r, ROBOT, &l), 1);
    assert_false(outbox_answer(r->o, ROBOT, r->now, &deaf, &v));
    pass(r, 600 * second - 1);
    assert_int_equal(sent(r, ROBOT), 0);
    pass(r, 1);
    assert_int_equal(sent(r, ROBOT), 1);
}

static void what_is_refused_three_times_is_given_up_with_the_reason(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    struct outbox_verdict v;
    alert(r, "critical", "found", "chief");
    for (int tries = 1; tries <= 3; tries++) {
        while (!next(r, ROBOT, &l))
            pass(r, second);
        assert_int_equal(answer(r, ROBOT, ALERT_NEVER, &v), tries == 3);
    }
    assert_false(v.ok);
    assert_string_equal(v.why, "says no");
    assert_true(v.nrows == 1 && v.rows[0] == 1);
    assert_int_equal(outbox_channel(r->o, ROBOT).waiting, 0);
    assert_int_equal(outbox_channel(r->o, ROBOT).refused, 1);
}

static void one_channel_that_is_deaf_does_not_hold_the_others(void **state)
{
    struct rig *r = *state;
    struct outbox_letter l;
    alert(r, "critical", "found", "clerk");
    assert_int_equal(next(r, ROBOT, &l), 1); /* no answer ever */
    pass(r, hour);
    assert_int_equal(sent(r, ROBOT), 0);
    assert_int_equal(sent(r, MAIL), 1);
}

static void what_is_too_old_is_given_up_and_said(void **state)
{
    struct rig *r = *state;
    struct outbox_verdict v;
    alert(r, "critical", "found", "clerk");
    pass(r, 72 * hour);
    assert_false(outbox_give_up(r->o, r->now, &v));
    pass(r, 1);
    assert_true(outbox_give_up(r->o, r->now, &v));
    assert_true(!v.ok && v.nrows == 1 && strstr(v.why, "too old"));
    assert_true(outbox_give_up(r->o, r->now, &v)); /* the other channel */
    assert_false(outbox_give_up(r->o, r->now, &v));
    assert_int_equal(sent(r, ROBOT) + sent(r, MAIL), 0);
}

static void memory_is_bounded_and_what_has_no_room_is_said(void **state)
{
    struct rig *r = *state;
    struct outbox_verdict v;
    int64_t given_up = 0;
    alert(r, "critical", "found", "chief");
    for (int i = 0; i < OUTBOX_MOST + 5000; i++) {
        alert(r, "general", "found", "chief");
        while (outbox_give_up(r->o, r->now, &v)) {
            assert_true(!v.ok && strstr(v.why, "room") && v.rows[0] > 1); /* not the critical one */
            given_up += v.nrows;
        }
        assert_true(outbox_channel(r->o, ROBOT).waiting <= OUTBOX_MOST + 512);
    }
    assert_int_equal(given_up + outbox_channel(r->o, ROBOT).waiting, OUTBOX_MOST + 5001);
    assert_int_equal(outbox_channel(r->o, ROBOT).urgent, 1);
}

/* What alerted rows settle is not told again after a restart; the rest is. */
static void the_rows_alone_make_the_same_outbox_again(void **state)
{
    struct rig *r = *state;
    alert(r, "critical", "found", "");
    alert(r, "major", "found", "");
    alert(r, "critical", "found", "nobody");
    json_t *alerted = json_pack("{s:s,s:s,s:[I,I],s:b}", "subject", "clerk", "channel", "robot", "rows",
                                (json_int_t)1, (json_int_t)2, "ok", 1);
    outbox_alerted(r->o, alerted);
    json_decref(alerted);
    struct outbox_queue q;
    static const struct {
        const char *person, *channel;
        int waiting, urgent;
    } wanted[] = {{"chief", "robot", 2, 1}, {"clerk", "robot", 0, 0}, {"clerk", "mail", 2, 1}};
    for (int i = 0; i < 3; i++) {
        assert_true(outbox_queue(r->o, i, &q));
        assert_string_equal(q.person, wanted[i].person);
        assert_string_equal(q.channel, wanted[i].channel);
        assert_int_equal(q.waiting, wanted[i].waiting);
        assert_int_equal(q.urgent, wanted[i].urgent);
    }
    assert_false(outbox_queue(r->o, 3, &q));
}

static void rows_that_are_no_alerts_are_refused_and_strange_ones_bear(void **state)
{
    static const char *const no[] = {"{}", "[]", "{\"step\":\"found\",\"level\":\"high\",\"to\":[\"chief\"]}",
                                     "{\"step\":\"found\",\"level\":\"general\",\"to\":\"chief\"}",
                                     "{\"level\":\"general\",\"to\":[]}"};
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        json_t *body = json_loads(no[i], 0, NULL);
        assert_int_equal(outbox_alert(r->o, 1, body), ERR_FORMAT);
        outbox_alerted(r->o, body);
        json_decref(body);
    }
    json_t *body = json_loads(
        "{\"step\":\"found\",\"level\":\"critical\",\"to\":[5,\"chief\",\"chief\",\"x\"]}", 0, NULL);
    assert_int_equal(outbox_alert(r->o, 1, body), ERR_OK);
    json_decref(body);
    assert_int_equal(outbox_channel(r->o, ROBOT).waiting, 1);
}

static void a_reload_keeps_what_waits_and_forgets_who_is_gone(void **state)
{
    struct rig *r = *state;
    static const char *mail[] = {"mail"};
    struct person one[] = {{.name = "clerk", .title = "文员", .channels = mail, .nchannels = 1}};
    struct config same = r->c, is = r->c;
    struct outbox_letter l;
    struct outbox_verdict v;
    const bool kept[] = {false, false}, anew[] = {true};
    alert(r, "critical", "found", "");
    assert_int_equal(next(r, MAIL, &l), 1);
    outbox_configure(r->o, &same, kept); /* nothing has changed: what is on its way stays so */
    assert_int_equal(next(r, MAIL, &l), 0);
    is.people = one;
    is.npeople = 1;
    is.channels = &channels[MAIL];
    is.nchannels = 1;
    outbox_configure(r->o, &is, anew); /* another mail server: again */
    assert_int_equal(outbox_channel(r->o, 0).waiting, 1);
    assert_false(answer(r, 0, ALERT_TAKEN, &v)); /* the old one's last word */
    assert_int_equal(next(r, 0, &l), 0);         /* but not without a gap */
    pass(r, second);
    assert_int_equal(next(r, 0, &l), 1);
    assert_string_equal(l.person->name, "clerk");
    assert_true(answer(r, 0, ALERT_TAKEN, &v));
    outbox_configure(r->o, &r->c, kept);
    assert_int_equal(outbox_channel(r->o, ROBOT).waiting, 0);
}

/* ---- the storm ---- */

/* 10,000 findings in a minute, then ten minutes in which what was found ends and comes again each second; one
 * in fifty is critical. The robot answers. */
static void an_alarm_storm_stays_within_the_robots_limits_and_loses_nothing(void **state)
{
    enum { FINDINGS = 10000, STEP = 100, STEPS = 11 * 60 * 10, MOST = 20000 };
    struct rig *r = *state;
    static int64_t born_ms[MOST];
    static bool settled[MOST], critical[MOST];
    int64_t times[1000], worst_ms = 0;
    int n = 0, all = 0;
    for (int i = 0; i < STEPS || outbox_channel(r->o, ROBOT).waiting; i++, pass(r, STEP)) {
        int more = i < 600 ? FINDINGS / 600 + (i < FINDINGS % 600) : i < STEPS && i % 10 == 0;
        for (int k = 0; k < more; k++) {
            bool grave = (all + 1) % 50 == 0;
            int64_t seq = alert(r, grave ? "critical" : k % 2 ? "major" : "general", "found", "chief");
            born_ms[seq] = r->now.wire_ms;
            critical[seq] = grave;
            all++;
        }
        struct outbox_letter l;
        struct outbox_verdict v;
        if (!outbox_next(r->o, ROBOT, r->now, &l))
            continue;
        times[n++] = r->now.wire_ms;
        assert_true(answer(r, ROBOT, ALERT_TAKEN, &v));
        for (int k = 0; k < v.nrows; k++) {
            int64_t seq = v.rows[k];
            assert_false(settled[seq]);
            settled[seq] = true;
            if (critical[seq] && r->now.wire_ms - born_ms[seq] > worst_ms)
                worst_ms = r->now.wire_ms - born_ms[seq];
        }
    }
    for (int i = 15; i < n; i++)
        assert_true(times[i] - times[i - 15] >= minute);
    for (int seq = 1; seq <= all; seq++)
        assert_true(settled[seq]);
    assert_true(all > FINDINGS + 500);
    printf("%d alerts in %d messages, a critical one waited %.1f s at most\n", all, n,
           (double)worst_ms / 1000);
    assert_true(worst_ms <= minute);
    assert_true(r->now.wire_ms - 1000000 < 20 * minute); /* and the rest is told in time too */
}

/* The same with a robot that is down for five minutes, refuses some, and answers slowly. */
static void a_storm_over_a_bad_robot_settles_each_alert_once(void **state)
{
    enum { ALERTS = 3000 };
    struct rig *r = *state;
    static bool settled[ALERTS + 1];
    int left = ALERTS;
    for (int i = 0; left; i++, pass(r, second)) {
        struct outbox_letter l;
        struct outbox_verdict v;
        for (int k = 0; k < 10 && r->seq < ALERTS; k++)
            alert(r, k % 10 ? "general" : "critical", "found", "chief");
        while (outbox_give_up(r->o, r->now, &v))
            fail_msg("given up: %s", v.why);
        if (!outbox_next(r->o, ROBOT, r->now, &l))
            continue;
        bool down = i > 60 && i < 360;
        enum alert_answer a = down ? ALERT_LATER : i % 7 == 0 ? ALERT_NEVER : ALERT_TAKEN;
        pass(r, i % 5 * second);
        if (!answer(r, ROBOT, a, &v))
            continue;
        for (int k = 0; k < v.nrows; k++) {
            assert_false(settled[v.rows[k]]);
            settled[v.rows[k]] = true;
            left--;
        }
        assert_true(i < 24 * 3600);
    }
    assert_int_equal(outbox_channel(r->o, ROBOT).waiting, 0);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(an_alert_goes_to_each_person_on_each_channel_once),
        EACH(nothing_is_sent_before_its_row_is_on_the_disk),
        EACH(critical_ones_go_first_and_each_by_itself),
        EACH(the_others_of_a_person_are_merged_the_gravest_first),
        EACH(only_general_ones_wait_while_it_is_quiet),
        EACH(a_message_counts_from_its_answer_on),
        EACH(no_sixty_seconds_hold_more_messages_than_the_channel_takes),
        EACH(a_critical_one_finds_a_place_in_a_minute_full_of_others),
        EACH(what_is_not_taken_is_tried_again_later_and_later),
        EACH(a_robot_that_wants_to_be_left_alone_is),
        EACH(what_is_refused_three_times_is_given_up_with_the_reason),
        EACH(one_channel_that_is_deaf_does_not_hold_the_others),
        EACH(what_is_too_old_is_given_up_and_said),
        EACH(memory_is_bounded_and_what_has_no_room_is_said),
        EACH(the_rows_alone_make_the_same_outbox_again),
        EACH(rows_that_are_no_alerts_are_refused_and_strange_ones_bear),
        EACH(a_reload_keeps_what_waits_and_forgets_who_is_gone),
        EACH(an_alarm_storm_stays_within_the_robots_limits_and_loses_nothing),
        EACH(a_storm_over_a_bad_robot_settles_each_alert_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
