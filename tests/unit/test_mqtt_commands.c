/* Whether commands may be carried out, as the uplink finds it out at a real broker: with an ACL, without one,
 * and at one that hangs up on what it does not allow. Skipped where no mosquitto is to be found. */
#include "mqtt_rig.h"

#include <ifaddrs.h>
#include <net/if.h>

static struct rig rig;

static int setup(void **state)
{
    *state = &rig;
    if (rig_mosquitto())
        rig_open(&rig);
    rig.config.commands = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (rig_mosquitto())
        rig_close(&rig);
    return 0;
}

/* Everybody is anonymous here: what all may write is all but names below cmd/ that are nobody's. */
static void rig_apart(struct rig *r, const char *more)
{
    char *path = rig_path(r, "acl");
    char *settings = mem_printf("allow_anonymous true\nacl_file %s\n%s", path, more);
    rig_write(r, "acl",
              "topic read dust/#\ntopic write dust/1/example/state\ntopic write dust/1/example/device/#\n"
              "topic write dust/1/example/minute\ntopic write dust/1/example/hour\n"
              "topic write dust/1/example/event\ntopic write dust/1/example/cmd/zhao\n");
    rig_broker(r, settings);
    mem_free(settings);
    mem_free(path);
}

/* mosquitto_pub, which is not ours. */
static void rig_send(const struct rig *r, const char *user, const char *text, bool retained)
{
    char *line =
        mem_printf("mosquitto_pub -h 127.0.0.1 -p %d -V mqttv5 -q 1 %s -t dust/1/example/cmd/%s -m '%s'",
                   r->broker_port, retained ? "-r" : "", user, text);
    assert_int_equal(system(line), 0);
    mem_free(line);
}

static void a_broker_that_keeps_people_apart_is_taken_commands_from(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_apart(r, "");
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_CLOSED);
    rig_send(r, "zhao", "{}", false);
    rig_until(r, r->commands_heard == 1);
    assert_string_equal(r->asked, "zhao 0 {}");
}

static void one_that_lets_anybody_write_is_not_until_it_does_not(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_broker(r, "");
    rig_relay(r);
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_OPEN);
    assert_non_null(strstr(r->commands_why, "its ACL must keep each user to his own topic"));
    assert_int_equal(r->commands_heard, 0);
    rig_end(&r->broker, SIGTERM);
    rig_apart(r, "");
    rig_until(r, r->commands == COMMANDS_CLOSED);
    assert_int_equal(r->commands_heard, 0);
}

/* The ACL is opened and closed again while the connection stands: kill -HUP reads it anew. */
static void an_acl_that_is_changed_is_noticed_without_a_new_connection(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_apart(r, "");
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_CLOSED);
    rig_write(r, "acl", "topic readwrite dust/#\n");
    kill(r->broker, SIGHUP);
    rig_until(r, r->commands == COMMANDS_OPEN);
    rig_write(r, "acl", "topic read dust/#\ntopic write dust/1/example/state\n");
    kill(r->broker, SIGHUP);
    rig_until(r, r->commands == COMMANDS_CLOSED);
    assert_int_equal(mqtt_state(r->m).reconnects, 0);
}

static void a_broker_of_3_1_1_that_says_nothing_is_taken_for_closed_after_a_silence(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    r->config.mqtt5 = false;
    rig_apart(r, "");
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_CLOSED);
}

static void a_broker_of_3_1_1_without_an_acl_is_open(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    r->config.mqtt5 = false;
    r->timing.canary = 5000;
    rig_broker(r, "");
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_OPEN);
}

/* mosquitto 2.0.11 takes "no limit" for "the limit is reached", and hangs up. */
static void rows_go_on_to_a_broker_that_hangs_up_on_the_canary(void **state)
{
    struct rig *r = *state;
    int repeats;
    NEEDS_BROKER;
    r->timing.canary = 60000; /* "soon" */
    r->timing.canary_closed = 600000;
    rig_apart(r, "max_queued_messages 0");
    rig_subscribe(r);
    rig_commit(r, 100);
    rig_start(r);
    rig_until(r, r->taken == 100);
    rig_until(r, rig_check_rows(r, &repeats) == 100);
    if (r->lost == 0)
        return; /* a later mosquitto */
    rig_until(r, r->commands == COMMANDS_UNSAFE);
    assert_non_null(strstr(r->commands_why, "hangs up"));
    assert_int_equal(r->lost, 3);
}

static void a_retained_command_says_that_it_is_one(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_apart(r, "");
    rig_relay(r);
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_CLOSED);
    rig_send(r, "zhao", "{}", true);
    rig_until(r, r->commands_heard == 1);
    assert_string_equal(r->asked, "zhao 1 {}");
    rig_cut(r);
    rig_until(r, r->commands_heard >= 2);
    assert_string_equal(r->asked, "zhao 1 {}");
}

static void what_is_no_text_or_too_long_comes_without_its_text(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_apart(r, "");
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_CLOSED);
    char *text = mem_array(MQTT_COMMAND_MAX + 2, 1);
    memset(text, 'x', MQTT_COMMAND_MAX + 1);
    rig_send(r, "zhao", text, false);
    rig_until(r, r->commands_heard == 1);
    assert_string_equal(r->asked, "zhao 0 -");
    rig_send(r, "zhao", "", false);
    rig_until(r, r->commands_heard == 2);
    assert_string_equal(r->asked, "zhao 0 -");
    mem_free(text);
}

static void a_session_keeps_what_was_sent_while_the_line_was_down(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    rig_apart(r, "");
    rig_relay(r);
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_CLOSED);
    r->relay_open = false;
    rig_cut(r);
    rig_until(r, r->lost > 0);
    rig_send(r, "zhao", "{\"id\":\"a\"}", false);
    assert_int_equal(r->commands_heard, 0);
    r->relay_open = true;
    rig_until(r, r->commands_heard == 1);
    rig_until(r, r->commands == COMMANDS_CLOSED);
}

/* An address of this machine that is not its loopback; false: it has none. */
static bool own_address(char text[static INET_ADDRSTRLEN])
{
    struct ifaddrs *all, *a;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (a = all; a && !found; a = a->ifa_next) {
        bool fits = a->ifa_addr && a->ifa_addr->sa_family == AF_INET && !(a->ifa_flags & IFF_LOOPBACK);
        const struct sockaddr_in *in = fits ? (const struct sockaddr_in *)(const void *)a->ifa_addr : NULL;
        found = fits && inet_ntop(AF_INET, &in->sin_addr, text, INET_ADDRSTRLEN);
    }
    freeifaddrs(all);
    return found;
}

/* As a name that was thought to be this machine's may do. */
static void a_line_without_tls_that_leads_elsewhere_is_taken_none_from(void **state)
{
    struct rig *r = *state;
    static char host[INET_ADDRSTRLEN];
    struct sockaddr_in a = rig_loopback(0);
    socklen_t size = sizeof a;
    NEEDS_BROKER;
    if (!own_address(host)) {
        puts("no address but the loopback");
        skip();
    }
    rig_apart(r, "");
    inet_pton(AF_INET, host, &a.sin_addr);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(r->listener, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(r->listener, 8), 0);
    getsockname(r->listener, (struct sockaddr *)&a, &size);
    r->config.host = host;
    r->config.port = ntohs(a.sin_port);
    r->relay_open = true;
    rig_commit(r, 20);
    rig_start(r);
    rig_until(r, r->commands == COMMANDS_UNSAFE);
    assert_non_null(strstr(r->commands_why, "no TLS"));
    rig_send(r, "zhao", "{}", false);
    rig_until(r, r->taken == 20);
    assert_int_equal(r->commands_heard, 0);
}

static void without_commands_nothing_below_cmd_is_heard(void **state)
{
    struct rig *r = *state;
    NEEDS_BROKER;
    r->config.commands = false;
    rig_broker(r, "");
    rig_commit(r, 20);
    rig_start(r);
    rig_until(r, r->taken == 20);
    rig_send(r, "zhao", "{}", false);
    rig_commit(r, 40);
    rig_until(r, r->taken == 40);
    assert_int_equal(r->commands_heard, 0);
    assert_int_equal(r->commands, COMMANDS_OFF);
}

#define BROKER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(a_broker_that_keeps_people_apart_is_taken_commands_from),
        BROKER_TEST(one_that_lets_anybody_write_is_not_until_it_does_not),
        BROKER_TEST(an_acl_that_is_changed_is_noticed_without_a_new_connection),
        BROKER_TEST(a_broker_of_3_1_1_that_says_nothing_is_taken_for_closed_after_a_silence),
        BROKER_TEST(a_broker_of_3_1_1_without_an_acl_is_open),
        BROKER_TEST(rows_go_on_to_a_broker_that_hangs_up_on_the_canary),
        BROKER_TEST(a_retained_command_says_that_it_is_one),
        BROKER_TEST(what_is_no_text_or_too_long_comes_without_its_text),
        BROKER_TEST(a_session_keeps_what_was_sent_while_the_line_was_down),
        BROKER_TEST(a_line_without_tls_that_leads_elsewhere_is_taken_none_from),
        BROKER_TEST(without_commands_nothing_below_cmd_is_heard),
    };
    return cmocka_run_group_tests_name("mqtt_commands", tests, NULL, NULL);
}
