/* The control socket's requests, asked over a real socket by whoever the test says it is. */
#include "daemon/rows.h"
#include "tests/unit/verbs_rig.h"

enum { NOBODY_UID = 65534 };

static void ask_quietly(struct rig *r, uid_t uid, const char *request)
{
    char text[16384];
    assert_non_null(strstr(ask_as(r, uid, request, text), "\"ok\":false"));
    batch_flush(&r->d);
    rig_settle(r);
}

/* An issue to act on, EX-2026-0001 the first. */
static void find_at(struct rig *r, const char *cause)
{
    char id[32], *body;
    const struct finding f = {.kind = "limit",
                              .subject = "test/pm10-hour",
                              .cause = cause,
                              .text_zh = "超标",
                              .text_en = "over",
                              .person = "manager",
                              .evidence = json_object()};
    assert_int_equal(ledger_find(r->d.ledger, RIG_START_MS, &f, &body, id), ERR_OK);
    row_step(&r->d, RIG_START_MS, id, body);
    batch_flush(&r->d);
    rig_settle(r);
}

static void find_one(struct rig *r)
{
    find_at(r, "a/pm10");
}

static void a_request_that_is_no_known_verb_is_told_the_verbs(void **state)
{
    assert_says(*state, 0, "{\"do\":\"everything\"}", "\\\"do\\\" must be one of");
    assert_says(*state, 0, "{\"do\":\"act\"}", "needs \\\"issue\\\"");
    assert_says(*state, 0, "{\"do\":\"act\",\"issue\":7,\"verb\":\"note\"}", "must be a text");
    assert_says(*state, 0, "{\"do\":\"issue\",\"id\":{}}", "must be a text");
    assert_says(*state, 0, "{\"do\":\"issue\"}", "no such issue");
}

static void numbers_at_the_ends_of_their_range_are_answered(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    assert_says(r, STRANGER, "{\"do\":\"rows\",\"after\":9223372036854775807}", "\"ok\":true");
    assert_says(r, STRANGER, "{\"do\":\"rows\",\"after\":-9223372036854775808,\"limit\":-1}",
                "\"kind\":\"boot\"");
    assert_says(r, STRANGER,
                "{\"do\":\"samples\",\"from\":-9223372036854775807,\"to\":9223372036854775807,"
                "\"limit\":99999999999}",
                "\"ok\":true");
    assert_says(r, STRANGER, "{\"do\":\"samples\",\"from\":9223372036854775807}", "\"ok\":true");
}

static void root_acts_only_for_a_person_that_it_names(void **state)
{
    struct rig *r = *state;
    find_one(r);
    assert_says(r, 0, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}",
                "name one with --as");
    assert_says(
        r, 0,
        "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\",\"as\":\"nobody\"}",
        "name one with --as");
    assert_says(
        r, 0,
        "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\",\"as\":\"manager\"}",
        "\"ok\":true");
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 1);
}

static void a_user_who_is_no_person_may_only_read(void **state)
{
    struct rig *r = *state;
    find_one(r);
    assert_says(r, STRANGER, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}",
                "you may read only");
    assert_says(
        r, STRANGER,
        "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\",\"as\":\"manager\"}",
        "only root");
    assert_says(r, (uid_t)-1, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}",
                "you may read only");
    assert_says(r, STRANGER, "{\"do\":\"issue\",\"id\":\"EX-2026-0001\"}", "\"ok\":true");
    assert_says(r, STRANGER, "{\"do\":\"status\"}", "\"ok\":true");
    assert_int_equal(rig_rows(r, "issue", NULL).n, 1);
}

static void only_root_and_people_of_site_or_office_may_reload(void **state)
{
    struct rig *r = *state;
    struct config next[3] = {rig_config, rig_config, rig_config};
    struct person inspector = {"inspector", "检查人员", ROLE_INSPECTOR, "m", "", "", "", "", NULL, 0};
    next[0].people = &inspector;
    next[0].npeople = 1;
    assert_says(r, STRANGER, "{\"do\":\"reload\"}",
                "reloading is for root and for people of the site or the office");
    assert_says(r, MANAGER, "{\"do\":\"reload\",\"as\":\"officer\"}", "only root may act as somebody else");
    assert_says(r, 0, "{\"do\":\"reload\",\"as\":\"ghost\"}", "there is no person of that name");
    assert_says(r, MANAGER, "{\"do\":\"reload\"}", "rig.yaml:7:3: found");
    for (int i = 0; i < 3; i++)
        next[i].file = i == 1 ? "second" : i == 2 ? "third" : "first";
    restart.next = &next[0];
    assert_says(
        r, MANAGER, "{\"do\":\"reload\"}",
        "\"result\":{\"changed\":true,\"buses\":{\"of\":2,\"kept\":2},\"mqtt\":{\"of\":1,\"kept\":1}}");
    r->d.person_uid[0] = MANAGER; /* who is an inspector now */
    assert_says(r, MANAGER, "{\"do\":\"reload\"}", "reloading is for root");
    restart.next = &next[1];
    assert_says(r, 0, "{\"do\":\"reload\"}", "\"changed\":true");
    restart.next = &next[2];
    assert_says(r, 0, "{\"do\":\"reload\",\"as\":\"officer\"}", "\"changed\":true");
    assert_says(r, 0, "{\"do\":\"reload\"}", "\"changed\":false");
    r->d.config = &rig_config; /* the others are on this function's stack */
    assert_int_equal(rig_rows(r, "settings", "\"by\":\"manager\"").n, 1);
    assert_int_equal(rig_rows(r, "settings", "\"by\":\"root\"").n, 1);
    assert_int_equal(rig_rows(r, "settings", "\"by\":\"officer\",\"as_root\":true").n, 1);
}

static void an_act_is_answered_only_after_its_commit(void **state)
{
    struct rig *r = *state;
    char text[16384];
    find_one(r);
    int fd = dial(r);
    asking = MANAGER;
    say(r, fd, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}");
    assert_string_equal(heard(r, fd, text), "");
    batch_flush(&r->d);
    assert_string_equal(heard(r, fd, text), "");
    rig_settle(r);
    assert_non_null(strstr(heard(r, fd, text), "\"ok\":true"));
    close(fd);
}

static void a_client_that_leaves_before_the_answer_does_no_harm(void **state)
{
    struct rig *r = *state;
    find_one(r);
    asking = MANAGER;
    for (int i = 0; i < 3 * ASKED_MAX; i++) {
        int fd = dial(r);
        say(r, fd,
            i % 2 ? "{\"do\":\"rows\"}"
                  : "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}");
        close(fd);
        settle(r);
        batch_flush(&r->d);
        batch_store(&r->d);
    }
    rig_settle(r);
    assert_says(r, MANAGER, "{\"do\":\"rows\",\"kind\":\"issue\"}", "\"ok\":true");
    assert_int_equal(r->d.ntold, 0);
}

static void a_failed_read_has_no_value_in_the_devices_answer(void **state)
{
    struct rig *r = *state;
    rig_sample(r, 0, RIG_START_MS + 1, 50);
    rig_sample(r, 0, RIG_START_MS + 1001, NAN);
    rig_turn(r, RIG_START_MS + 2000, 2000);
    assert_says(r, STRANGER, "{\"do\":\"devices\"}", "\"q\":\"B\",\"why\":\"no answer\"");
    char text[16384];
    assert_null(strstr(ask_as(r, STRANGER, "{\"do\":\"devices\"}", text), "\"v\":"));
}

static void what_is_asked_with_hostile_members_is_refused_with_the_reason_and_changes_nothing(void **state)
{
    static const struct {
        const char *request, *says;
    } hostile[] = {
        {"{\"do\":\"rows\",\"limit\":\"5\"}", "\\\"limit\\\" must be a whole number"},
        {"{\"do\":\"rows\",\"after\":1.5}", "\\\"after\\\" must be a whole number"},
        {"{\"do\":\"rows\",\"from\":null}", "\\\"from\\\" must be a whole number"},
        {"{\"do\":\"rows\",\"kind\":[]}", "\\\"kind\\\" must be a text"},
        {"{\"do\":\"rows\",\"form\":5}", "no member \\\"form\\\"; it takes: kind after from to limit"},
        {"{\"do\":\"samples\",\"kind\":\"\"}", "no member \\\"kind\\\""},
        {"{\"do\":\"status\",\"x\":1}", "no member \\\"x\\\" here"},
        {"{\"do\":\"issues\",\"open\":1}", "\\\"open\\\" must be true or false"},
        {"{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":5}", "must be a text"},
        {"{\"do\":\"act\",\"issue\":[\"EX-2026-0001\"],\"verb\":\"note\",\"text\":\"t\"}", "must be a text"},
        {"{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\",\"uid\":0}",
         "no member \\\"uid\\\""},
        {"{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"NOTE\",\"text\":\"t\"}",
         "known \\\"verb\\\""},
        {"{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"open\",\"text\":\"t\"}", "\"ok\":false"},
        {"{\"do\":\"act\",\"issue\":\"'; DROP TABLE journal; --\",\"verb\":\"note\",\"text\":\"t\"}",
         "there is no issue"},
        {"{\"do\":\"act\",\"issue\":\"%n%s%n\",\"verb\":\"note\",\"text\":\"t\"}", "%n%s%n"},
        {"{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"\\u001b[2J\"}", "control"},
        {"{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"assign\",\"person\":\"../manager\"}",
         "\"ok\":false"},
        {"{\"do\":\"Status\"}", "must be one of"},
        {"{\"do\":\"\"}", "must be one of"},
    };
    struct rig *r = *state;
    find_one(r);
    int64_t seq = r->d.head.seq;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        r->d.rates = (struct rate_book){0};
        assert_says(r, MANAGER, hostile[i].request, hostile[i].says);
    }
    assert_int_equal(r->d.head.seq, seq + 1); /* the first of what the manager may not is a row */
    assert_int_equal(ledger_issue(r->d.ledger, "EX-2026-0001")->nsteps, 1);
}

static void issues_are_told_page_by_page(void **state)
{
    struct rig *r = *state;
    char text[16384];
    find_one(r);
    find_at(r, "b/pm10");
    const char *first = ask_as(r, STRANGER, "{\"do\":\"issues\",\"brief\":true,\"limit\":1}", text);
    assert_non_null(strstr(first, "\"next\":\"EX-2026-0001\""));
    assert_null(strstr(first, "EX-2026-0002"));
    const char *last = ask_as(
        r, STRANGER, "{\"do\":\"issues\",\"brief\":true,\"limit\":1,\"after\":\"EX-2026-0001\"}", text);
    assert_non_null(strstr(last, "\"id\":\"EX-2026-0002\""));
    assert_non_null(strstr(last, "\"next\":\"\""));
    assert_says(r, STRANGER, "{\"do\":\"issues\",\"after\":\"EX-2026-0009\"}", "no such issue");
    assert_says(r, STRANGER, "{\"do\":\"issues\",\"light\":\"blue\"}", "allowed: green yellow red");
}

static void a_photo_takes_one_open_file(void **state)
{
    struct rig *r = *state;
    find_one(r);
    assert_says(r, MANAGER, "{\"do\":\"photo\",\"issue\":\"EX-2026-0001\"}",
                "needs \\\"issue\\\", and the photo as one open file");
    assert_says(r, MANAGER, "{\"do\":\"photo\",\"issue\":\"EX-2026-0009\",\"name\":\"../x\"}", "open file");
    assert_says(r, STRANGER, "{\"do\":\"photo\",\"issue\":\"EX-2026-0001\"}", "your user is no person");
}

static void what_a_text_says_is_kept_as_it_is(void **state)
{
    struct rig *r = *state;
    find_one(r);
    assert_says(r, MANAGER,
                "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"=cmd|' /C calc'!A0; "
                "DELETE FROM journal; %n%s\"}",
                "\"ok\":true");
    assert_int_equal(rig_rows(r, "issue", "\"text\":\"=cmd|' /C calc'!A0; DELETE FROM journal; %n%s\"").n, 1);
}

static void nobody_is_no_person_even_where_the_configuration_says_so(void **state)
{
    struct rig *r = *state;
    find_one(r);
    r->d.person_uid[0] = NOBODY_UID;
    assert_says(r, NOBODY_UID, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}",
                "you may read only");
    assert_says(r, NOBODY_UID, "{\"do\":\"status\"}", "\"ok\":true");
}

static void one_writes_at_a_time_and_readers_go_on(void **state)
{
    static const char note[] = "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\"}";
    static const char by_root[] =
        "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"note\",\"text\":\"t\","
        "\"as\":\"officer\"}";
    struct rig *r = *state;
    char text[16384];
    find_one(r);
    int first = dial(r), second = dial(r), reader = dial(r);
    asking = MANAGER;
    say(r, first, note);
    assert_string_equal(heard(r, first, text), "");
    asking = 0;
    say(r, second, by_root);
    assert_non_null(strstr(heard(r, second, text), "\"error\":\"busy: manager waits for the commit"));
    say(r, reader, "{\"do\":\"issue\",\"id\":\"EX-2026-0001\"}");
    assert_non_null(strstr(heard(r, reader, text), "\"ok\":true"));
    close(first); /* it has left, but its step is still on its way */
    say(r, second, by_root);
    assert_non_null(strstr(heard(r, second, text), "busy: manager"));
    batch_flush(&r->d);
    rig_settle(r);
    say(r, second, by_root);
    batch_flush(&r->d);
    rig_settle(r);
    assert_non_null(strstr(heard(r, second, text), "\"ok\":true"));
    close(second);
    close(reader);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"note\"").n, 2);
}

static void who_asks_too_often_is_told_to_come_again(void **state)
{
    struct rig *r = *state;
    char text[16384];
    int busy = 0, good = 0, fd = dial(r);
    asking = STRANGER;
    for (int i = 0; i < 60; i++) {
        assert_int_equal(send(fd, "{\"do\":\"issues\"}\n", 16, MSG_NOSIGNAL), 16);
        for (int k = 0; k < 100 && heard(r, fd, text)[0] == 0; k++)
            poll(NULL, 0, 5); /* a pause is in wire time */
        busy += strstr(text, "busy: more than 20 requests a second of one client") != NULL;
        good += strstr(text, "\"ok\":true") != NULL;
    }
    assert_int_equal(busy + good, 60);
    assert_true(good >= 40);
    assert_true(busy > 0);
    close(fd);
}

static void the_running_windows_are_told_with_what_they_are_compared(void **state)
{
    struct rig *r = *state;
    assert_says(r, STRANGER, "{\"do\":\"windows\"}",
                "{\"limit\":\"test/"
                "pm10-hour\",\"title\":{\"zh\":\"\",\"en\":\"\"},\"window_s\":3600,\"compare\":\">=\","
                "\"value\":250.0,\"unit\":\"ug/m3\",\"point\":\"a/pm10\"}");
    for (int i = 0; i < 60; i++) {
        rig_sample(r, 0, RIG_START_MS + i * 1000 + 1, 300);
        rig_sample(r, 1, RIG_START_MS + i * 1000 + 2, NAN);
    }
    rig_mark(r, 0, RIG_START_MS + CLOCK_MINUTE_MS);
    rig_mark(r, 1, RIG_START_MS + CLOCK_MINUTE_MS);
    rig_turn(r, RIG_START_MS + CLOCK_MINUTE_MS, 60000);
    assert_says(
        r, STRANGER, "{\"do\":\"windows\"}",
        "\"verdict\":\"breach\",\"mean\":300.0,\"min\":300.0,\"max\":300.0,\"n\":1,\"of\":1,\"q\":\"N\"}");
    assert_says(r, STRANGER, "{\"do\":\"windows\"}",
                "\"point\":\"b/pm10\",\"start\":1767254400000,\"verdict\":\"unknown\",\"why\":\"too few "
                "valid values\",\"n\":0,\"of\":1,\"q\":\"B\"}");
}

static void only_open_issues_are_told_where_that_is_asked(void **state)
{
    struct rig *r = *state;
    find_one(r);
    assert_says(r, STRANGER, "{\"do\":\"issues\",\"open\":true}", "EX-2026-0001");
    assert_says(
        r, 0,
        "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"dismiss\",\"text\":\"t\",\"as\":\"officer\"}",
        "\"ok\":true");
    assert_says(r, STRANGER, "{\"do\":\"issues\",\"open\":true}", "\"result\":[]");
    assert_says(r, STRANGER, "{\"do\":\"issues\"}", "EX-2026-0001");
}

/* A refusal may quote what was asked, cut anywhere. */
static void a_refusal_is_always_a_whole_answer(void **state)
{
    struct rig *r = *state;
    char name[700] = "", *request;
    for (int i = 0; i < 200; i++)
        strcat(name, "问");
    for (int pad = 0; pad < 3; pad++) {
        request = mem_printf("{\"do\":\"act\",\"issue\":\"%.*s%s\",\"verb\":\"note\",\"text\":\"t\"}", pad,
                             "xxx", name);
        assert_says(r, MANAGER, request, "\"ok\":false");
        mem_free(request);
    }
}

static int64_t of_last(struct rig *r, const char *member)
{
    struct rig_rows denied = rig_rows(r, "denied", NULL);
    return denied.n ? rig_member(denied.body, member) : -1;
}

static void who_tries_what_he_may_not_leaves_a_row(void **state)
{
    struct rig *r = *state;
    find_one(r);
    ask_quietly(r, STRANGER, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"close\",\"text\":\"t\"}");
    ask_quietly(r, MANAGER, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"close\",\"text\":\"t\"}");
    struct rig_rows stranger = rig_rows(r, "denied",
                                        "\"subject\":\"uid 4711\",\"uid\":4711,\"did\":\"act close\","
                                        "\"about\":\"EX-2026-0001\",\"why\":\"your user is no person");
    assert_int_equal(stranger.n, 1);
    assert_int_equal(rig_rows(r, "denied", "\"subject\":\"manager\",\"uid\":1001,\"did\":\"act close\"").n,
                     1);
    assert_int_equal(rig_rows(r, "denied", NULL).n, 2);
    assert_int_equal(rig_rows(r, "issue", NULL).n, 1);
}

static void a_slip_of_root_and_a_request_that_is_none_leave_no_row(void **state)
{
    struct rig *r = *state;
    find_one(r);
    ask_quietly(r, 0, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"close\",\"text\":\"t\"}");
    ask_quietly(r, STRANGER, "{\"do\":\"act\",\"issue\":\"EX-2026-0001\",\"verb\":\"CLOSE\"}");
    ask_quietly(r, MANAGER, "{\"do\":\"act\",\"issue\":\"EX-2026-0099\",\"verb\":\"note\",\"text\":\"t\"}");
    assert_int_equal(rig_rows(r, "denied", NULL).n, 0);
}

static void somebody_who_goes_on_knocking_is_one_row_in_ten_minutes(void **state)
{
    struct rig *r = *state;
    int64_t now_us = clock_wire_us();
    struct attempt knock = {.uid = STRANGER, .person = "", .did = "reloading", .about = "", .why = "no"};
    for (int i = 0; i < 500; i++)
        denied_note(&r->d, RIG_START_MS + i * 1000, now_us + i * 1000000, &knock);
    denied_turn(&r->d, RIG_START_MS + 599000, now_us + 599000000);
    int before = r->d.batch.nrows;
    denied_turn(&r->d, RIG_START_MS + 600000, now_us + 600000000);
    assert_int_equal(r->d.batch.nrows, before + 1);
    batch_flush(&r->d);
    rig_settle(r);
    assert_int_equal(rig_rows(r, "denied", NULL).n, 2);
    assert_int_equal(of_last(r, "n"), 499);
    assert_int_equal(of_last(r, "from"), RIG_START_MS + 1000);
}

static void what_was_tried_last_has_its_row_before_the_end(void **state)
{
    struct rig *r = *state;
    struct attempt knock = {.uid = STRANGER, .person = "", .did = "reloading", .about = "", .why = "no"};
    for (int i = 0; i < 3; i++)
        denied_note(&r->d, RIG_START_MS, clock_wire_us(), &knock);
    denied_end(&r->d, RIG_START_MS);
    denied_end(&r->d, RIG_START_MS);
    batch_flush(&r->d);
    rig_settle(r);
    assert_int_equal(rig_rows(r, "denied", NULL).n, 2);
    assert_int_equal(of_last(r, "n"), 2);
}

static void more_users_than_are_remembered_lose_no_attempt(void **state)
{
    struct rig *r = *state;
    int64_t now_us = clock_wire_us(), told = 0;
    for (int round = 0; round < 3; round++)
        for (uid_t uid = 2000; uid < 2040; uid++)
            denied_note(&r->d, RIG_START_MS, ++now_us,
                        &(struct attempt){.uid = uid, .person = "", .did = "x", .about = "", .why = "no"});
    denied_turn(&r->d, RIG_START_MS + 600000, now_us + 600000000);
    for (int i = 0; i < r->d.batch.nrows; i++)
        if (strcmp(r->d.batch.rows[i].kind, "denied") == 0)
            told += rig_member(r->d.batch.rows[i].body, "n");
    assert_int_equal(told, 3 * 40);
}

#define VERB_TEST(test) cmocka_unit_test_setup_teardown(test, verbs_setup, verbs_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERB_TEST(a_request_that_is_no_known_verb_is_told_the_verbs),
        VERB_TEST(numbers_at_the_ends_of_their_range_are_answered),
        VERB_TEST(root_acts_only_for_a_person_that_it_names),
        VERB_TEST(a_user_who_is_no_person_may_only_read),
        VERB_TEST(an_act_is_answered_only_after_its_commit),
        VERB_TEST(a_client_that_leaves_before_the_answer_does_no_harm),
        VERB_TEST(a_failed_read_has_no_value_in_the_devices_answer),
        VERB_TEST(what_is_asked_with_hostile_members_is_refused_with_the_reason_and_changes_nothing),
        VERB_TEST(issues_are_told_page_by_page),
        VERB_TEST(a_photo_takes_one_open_file),
        VERB_TEST(what_a_text_says_is_kept_as_it_is),
        VERB_TEST(nobody_is_no_person_even_where_the_configuration_says_so),
        VERB_TEST(one_writes_at_a_time_and_readers_go_on),
        VERB_TEST(who_asks_too_often_is_told_to_come_again),
        VERB_TEST(the_running_windows_are_told_with_what_they_are_compared),
        VERB_TEST(only_root_and_people_of_site_or_office_may_reload),
        VERB_TEST(only_open_issues_are_told_where_that_is_asked),
        VERB_TEST(a_refusal_is_always_a_whole_answer),
        VERB_TEST(who_tries_what_he_may_not_leaves_a_row),
        VERB_TEST(a_slip_of_root_and_a_request_that_is_none_leave_no_row),
        VERB_TEST(somebody_who_goes_on_knocking_is_one_row_in_ten_minutes),
        VERB_TEST(what_was_tried_last_has_its_row_before_the_end),
        VERB_TEST(more_users_than_are_remembered_lose_no_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
