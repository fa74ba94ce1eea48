/* The MQTT uplink against a real broker: order, breaks, wills, passwords, refusals. Skipped where no
 * mosquitto is to be found (script/bootstrap fetches one into .tools/). */
#include "mqtt_rig.h"

static struct rig rig;

static int setup(void **state)
{
    *state = &rig;
    if (rig_mosquitto())
        rig_open(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (rig_mosquitto())
        rig_close(&rig);
    return 0;
}

static void rows_arrive_in_order_once_each(void **state)
{
    struct rig *r = *state;
    int repeats;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_subscribe(r);
    rig_commit(r, 300);
    rig_start(r);
    rig_until(r, r->taken == 300);
    rig_commit(r, 301);
    rig_until(r, r->taken == 301);
    rig_until(r, rig_check_rows(r, &repeats) == 301);
    assert_int_equal(repeats, 0);
    assert_true(
        rig_heard(r, ">0 dust/1/example/hour {\"journal\":\"" RIG_JOURNAL "\",\"seq\":8,\"hash\":\"0808"));
    assert_true(rig_heard(r, ">0 dust/1/example/event {\"journal\":"));
    assert_int_equal(mqtt_state(r->m).taken, 301);
    assert_int_equal(mqtt_state(r->m).in_flight, 0);
}

static void rows_of_3_1_1_arrive_in_order_once_each(void **state)
{
    struct rig *r = *state;
    int repeats;
    NEEDS_BROKER;
    r->config.mqtt5 = false;
    rig_broker(r, "");
    rig_subscribe(r);
    rig_commit(r, 100);
    rig_start(r);
    rig_until(r, r->taken == 100);
    rig_until(r, rig_check_rows(r, &repeats) == 100);
    assert_int_equal(repeats, 0);
}

/* Mid-stream: the broker is ended by `how`, started again, and listened to before the uplink is back. */
static void break_broker(struct rig *r, int how, int64_t from)
{
    rig_until(r, r->taken >= from);
    r->relay_open = false;
    rig_end(&r->broker, how);
    rig_until(r, !mqtt_state(r->m).connected);
    rig_turns(r, 100);
    rig_broker(r, "");
    rig_subscribe(r);
    r->relay_open = true;
    rig_until(r, mqtt_state(r->m).connected);
}

static void a_broker_that_is_stopped_or_killed_costs_only_repeats(void **state)
{
    struct rig *r = *state;
    static const int how[] = {SIGTERM, SIGKILL, SIGKILL};
    int repeats;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_relay(r);
    rig_subscribe(r);
    rig_start(r);
    rig_commit(r, 1000);
    for (int i = 0; i < 3; i++)
        break_broker(r, how[i], 100 + 250 * i);
    rig_until(r, r->taken == 1000);
    rig_until(r, rig_check_rows(r, &repeats) == 1000);
    assert_in_range(repeats, 0, 3 * MQTT_WINDOW);
    assert_int_equal(mqtt_state(r->m).reconnects, 3);
}

/* thingsboard-gateway#2098: after a reconnect data arrive twice, as new. Here a repeat has the same seq and
 * bytes. */
static void a_line_cut_in_mid_stream_costs_at_most_twenty_repeats_each(void **state)
{
    struct rig *r = *state;
    int repeats;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_relay(r);
    rig_subscribe(r);
    rig_start(r);
    rig_commit(r, 900);
    for (int i = 0; i < 8; i++) {
        rig_until(r, r->taken >= 20 + 100 * i);
        rig_cut(r);
        rig_until(r, r->lost > i);
    }
    rig_until(r, r->taken == 900);
    rig_until(r, rig_check_rows(r, &repeats) == 900);
    assert_in_range(repeats, 0, 8 * MQTT_WINDOW);
}

static void now_messages_come_again_after_a_reconnect_before_the_backlog(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_relay(r);
    rig_start(r);
    rig_commit(r, 10);
    rig_until(r, r->taken == 10);
    r->relay_open = false;
    rig_end(&r->broker, SIGKILL); /* it kept nothing on disk: what is retained is gone */
    rig_until(r, !mqtt_state(r->m).connected);
    rig_commit(r, 50);
    rig_broker(r, "");
    rig_subscribe(r);
    r->relay_open = true;
    rig_until(r, r->taken == 50 && rig_heard(r, "\"seq\":50"));
    const char *backlog = strstr(r->heard.data, "\"seq\":");
    static const char *const nows[] = {"example/state {\"online\":true}", "example/device/unit1 {",
                                       "example/device/unit2 {"};
    for (size_t i = 0; i < sizeof nows / sizeof *nows; i++) {
        const char *at = strstr(r->heard.data, nows[i]);
        assert_non_null(at);
        assert_true(at < backlog);
    }
    buf_clear(&r->heard);
    rig_subscribe(r); /* a newcomer gets the retained ones, and no row */
    rig_until(r, rig_heard(r, ">1 dust/1/example/state {\"online\":true}") &&
                     rig_heard(r, ">1 dust/1/example/device/unit2"));
    assert_false(rig_heard(r, "\"seq\":"));
}

static void no_row_leaves_before_every_now_message_was_given(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_subscribe(r);
    r->hold_ready = true;
    rig_commit(r, 5);
    rig_start(r);
    rig_until(r, rig_heard(r, "device/unit2"));
    rig_turns(r, 100);
    assert_int_equal(r->taken, 0);
    mqtt_ready(r->m);
    rig_until(r, r->taken == 5);
}

static void hundreds_of_now_messages_pass_and_the_latest_of_a_topic_stays(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_start(r);
    r->nows = 600;
    rig_until(r, r->connected == 1);
    for (int i = 0; i < 200; i++)
        mqtt_now(r->m, "site", i < 199 ? "{\"old\":true}" : "{\"new\":true}", 1);
    rig_until(r, mqtt_state(r->m).sent >= 600 && mqtt_state(r->m).in_flight == 0);
    rig_turns(r, 50);
    rig_subscribe(r);
    rig_until(r, rig_heard(r, "site {\"new\":true}") && rig_heard(r, "device/unit599"));
}

static void more_now_messages_than_the_ring_holds_are_asked_for_again(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_start(r);
    rig_until(r, r->connected == 1);
    for (int i = 0; i < 200000 && ring_refused(r->m->nows) == 0; i++)
        mqtt_now(r->m, "site", "{\"old\":true}", 0);
    if (ring_refused(r->m->nows) == 0)
        skip(); /* the thread keeps up: under TSan a push takes longer than a pop */
    rig_until(r, r->connected == 2);
    rig_commit(r, 3);
    rig_until(r, r->taken == 3);
    assert_int_equal(rig_logged(r, "too many at once"), 1);
}

static void never_further_than_twenty_rows_ahead_of_the_cursor_on_the_disk(void **state)
{
    struct rig *r = *state;
    int repeats;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_subscribe(r);
    r->hold_cursor = true;
    rig_commit(r, 100);
    rig_start(r);
    rig_until(r, r->taken == 20);
    rig_turns(r, 200);
    assert_int_equal(rig_check_rows(r, &repeats), 20);
    mqtt_persisted(r->m, 7);
    rig_until(r, r->taken == 27);
    rig_turns(r, 100);
    assert_int_equal(rig_check_rows(r, &repeats), 27);
    assert_int_equal(repeats, 0);
}

static void a_clean_stop_says_offline_once_and_leaves_no_will_behind(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_subscribe(r);
    rig_commit(r, 30);
    rig_start(r);
    rig_until(r, rig_heard(r, "state {\"online\":true}"));
    rig_stop(r);
    rig_until(r, rig_heard(r, "state {\"online\":false}"));
    rig_turns(r, 200);
    const char *once = strstr(r->heard.data, "state {\"online\":false}");
    assert_null(strstr(once + 1, "state {\"online\":false}"));
    buf_clear(&r->heard);
    rig_subscribe(r);
    rig_until(r, rig_heard(r, ">1 dust/1/example/state {\"online\":false}"));
}

static void a_stop_sends_the_rows_in_hand_first(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_subscribe(r);
    rig_start(r);
    rig_until(r, r->connected == 1);
    rig_commit(r, 9);
    rig_until(r, r->taken == 9);
    rig_stop(r);
    rig_until(r, rig_heard(r, "state {\"online\":false}"));
    assert_true(strstr(r->heard.data, "\"seq\":9,") < strstr(r->heard.data, "{\"online\":false}"));
}

/* The process that is killed: this program again, with the broker's port in the environment. */
static void be_killed(const char *port)
{
    rig.heard_fd = rig.near = rig.far = rig.listener = -1;
    rig.out = ring_create(256, sizeof(struct mqtt_event));
    rig.config = (struct mqtt_config){
        .name = "test", .host = "127.0.0.1", .port = atoi(port), .keepalive_s = 10, .mqtt5 = true};
    rig.committed = 20;
    rig.timing = rig_timing;
    rig_start(&rig);
    for (;;)
        rig_step(&rig);
}

static void the_will_says_offline_when_the_process_is_killed(void **state)
{
    struct rig *r = *state;
    char port[16];
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_subscribe(r);
    snprintf(port, sizeof port, "%d", r->broker_port);
    pid_t child = fork();
    if (child == 0) {
        setenv("DUST_TEST_KILLED", port, 1);
        execl("/proc/self/exe", "killed", (char *)NULL);
        _exit(127);
    }
    rig_until(r, rig_heard(r, "\"seq\":20,") && rig_heard(r, ">0 dust/1/example/state {\"online\":true}"));
    rig_end(&child, SIGKILL);
    rig_until(r, rig_heard(r, ">0 dust/1/example/state {\"online\":false}"));
}

static void a_wrong_password_is_logged_once_and_a_corrected_one_needs_no_restart(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    char *file = rig_path(r, "password"), *users = rig_path(r, "users");
    rig_write(r, "users", "uplink:right-secret\n");
    char *hash =
        mem_printf("P='%s'; PATH=\"${P%%/sbin/*}/bin:$PATH\" mosquitto_passwd -U %s", rig_mosquitto(), users);
    assert_int_equal(system(hash), 0);
    char *settings = mem_printf("allow_anonymous false\npassword_file %s", users);
    rig_broker(r, settings);
    r->config.username = "uplink";
    r->config.password_file = file;
    rig_start(r);
    rig_until(r, rig_logged(r, "password file") == 1); /* there is none yet */
    rig_write(r, "password", "wrong-secret\n");
    rig_until(r, rig_logged(r, "no connection to") == 2);
    rig_turns(r, 500);
    assert_int_equal(rig_logged(r, "no connection to"), 2);
    assert_true(rig_logged(r, "ot authorized") == 1);
    rig_write(r, "password", "right-secret\n");
    rig_commit(r, 3);
    rig_until(r, r->taken == 3);
    assert_int_equal(rig_logged(r, "-secret"), 0);
    mem_free(file);
    mem_free(users);
    mem_free(hash);
    mem_free(settings);
}

static void a_row_the_broker_does_not_allow_is_refused_after_three_tries_and_the_rest_goes_on(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    char *acl = rig_path(r, "acl");
    rig_write(r, "acl",
              "topic readwrite dust/1/example/minute\ntopic readwrite dust/1/example/hour\n"
              "topic readwrite dust/1/example/state\ntopic read dust/#\n");
    char *settings = mem_printf("allow_anonymous true\nacl_file %s", acl);
    rig_broker(r, settings);
    rig_commit(r, 20);
    rig_start(r);
    rig_until(r, r->taken == 20);
    assert_int_equal(r->nrefused, 2);
    assert_int_equal(r->refused[0], 9);
    assert_int_equal(r->refused[1], 18);
    assert_string_equal(r->refusal, "Not authorized");
    mem_free(acl);
    mem_free(settings);
}

static void a_row_too_large_for_the_broker_is_refused_after_three_tries(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "allow_anonymous true\nmax_packet_size 190");
    rig_commit(r, 20);
    rig_start(r);
    rig_until(r, r->taken == 20);
    assert_true(r->nrefused > 0);
    assert_non_null(strstr(r->refusal, "larger"));
}

/* mosquitto 2.0.11 does not say 0x8E, it closes. */
static void a_client_with_our_id_is_suspected_once_and_does_not_stop_the_rows(void **state)
{
    struct rig *r = *state;
    char port[16];
    NEEDS_BROKER;
    rig_broker(r, "");
    snprintf(port, sizeof port, "%d", r->broker_port);
    rig_start(r);
    rig_until(r, r->connected == 1);
    pid_t twin = fork();
    if (twin == 0) {
        execlp("mosquitto_sub", "mosquitto_sub", "-h", "127.0.0.1", "-p", port, "-t", "x", "-i",
               "dustd-example", (char *)NULL);
        _exit(127);
    }
    rig_until(r, r->lost == 4);
    rig_end(&twin, SIGKILL);
    assert_int_equal(rig_logged(r, "is another client connected as dustd-example"), 1);
    rig_commit(r, 50);
    rig_until(r, r->taken == 50);
}

int main(void)
{
    const char *port = getenv("DUST_TEST_KILLED");
    if (port)
        be_killed(port);
    signal(SIGPIPE, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    cmocka_set_test_filter(getenv("DUST_TEST"));
    const struct CMUnitTest tests[] = {
        TEST(rows_arrive_in_order_once_each),
        TEST(rows_of_3_1_1_arrive_in_order_once_each),
        TEST(a_broker_that_is_stopped_or_killed_costs_only_repeats),
        TEST(a_line_cut_in_mid_stream_costs_at_most_twenty_repeats_each),
        TEST(now_messages_come_again_after_a_reconnect_before_the_backlog),
        TEST(no_row_leaves_before_every_now_message_was_given),
        TEST(hundreds_of_now_messages_pass_and_the_latest_of_a_topic_stays),
        TEST(more_now_messages_than_the_ring_holds_are_asked_for_again),
        TEST(never_further_than_twenty_rows_ahead_of_the_cursor_on_the_disk),
        TEST(a_clean_stop_says_offline_once_and_leaves_no_will_behind),
        TEST(a_stop_sends_the_rows_in_hand_first),
        TEST(the_will_says_offline_when_the_process_is_killed),
        TEST(a_wrong_password_is_logged_once_and_a_corrected_one_needs_no_restart),
        TEST(a_row_the_broker_does_not_allow_is_refused_after_three_tries_and_the_rest_goes_on),
        TEST(a_row_too_large_for_the_broker_is_refused_after_three_tries),
        TEST(a_client_with_our_id_is_suspected_once_and_does_not_stop_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
