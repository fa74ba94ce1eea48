/* The MQTT uplink against a broker of ours that misbehaves: says nothing, answers wrongly, late, never; and
 * against a name server that hangs. */
#include "mqtt_stub.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/resource.h>

static bool connect_holds(const void *bytes, size_t length)
{
    return memmem(stub.connect, stub.connect_length, bytes, length) != NULL;
}

static void connect_says_how_much_we_take_that_nothing_is_kept_and_what_our_will_is(void **state)
{
    (void)state;
    static const uint8_t most[] = {0x27, 0, 0, 0x40, 0}, expiry[] = {0x11, 0, 0, 0, 0};
    static const uint8_t head[] = {0,   4, 'M',  'Q', 'T',
                                   'T', 5, 0x2e, 0,   10}; /* will, QoS 1, retained, clean start */
    rig_start(&rig);
    until(rig.connected == 1);
    assert_true(connect_holds(head, sizeof head));
    assert_true(connect_holds(most, sizeof most));
    assert_true(connect_holds(expiry, sizeof expiry));
    assert_true(connect_holds("dustd-example", 13));
    assert_true(connect_holds("dust/1/example/state\0\020{\"online\":false}", 38));
    stop();
}

static void a_broker_that_accepts_and_says_nothing_is_left_at_the_deadline(void **state)
{
    (void)state;
    stub.deaf = true;
    int64_t begin = clock_wire_us();
    rig_start(&rig);
    until(stub.connects == 3);
    assert_true(clock_wire_us() - begin >= 2 * rig_timing.handshake * 1000);
    assert_int_equal(rig.connected, 0);
    assert_int_equal(rig.lost, 1); /* told once, not at each try */
    assert_int_equal(rig_logged(&rig, "said nothing"), 1);
    stub.deaf = false;
    until(rig.connected == 1);
    stop();
}

static void a_connack_that_stops_after_a_byte_is_left_at_the_deadline(void **state)
{
    (void)state;
    stub.slow = true;
    rig_start(&rig);
    until(stub.connects == 2);
    assert_int_equal(rig.connected, 0);
    stub.slow = false;
    until(rig.connected == 1);
    stop();
}

static void a_refused_connect_is_told_once_and_tried_again(void **state)
{
    (void)state;
    stub.connack = 0x86;
    rig_start(&rig);
    until(stub.connects == 4);
    assert_int_equal(rig.lost, 1);
    assert_string_equal(rig.why, "Bad User Name or Password");
    stub.connack = 0;
    until(rig.connected == 1);
    stop();
}

/* CPU time of this process over `ms` in which the test itself does nothing. */
static int64_t busy_us(int ms)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    usleep((useconds_t)ms * 1000);
    getrusage(RUSAGE_SELF, &after);
    return (after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec - before.ru_stime.tv_sec) *
               1000000L +
           after.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_utime.tv_usec -
           before.ru_stime.tv_usec;
}

static void waiting_takes_no_processor_time_connected_or_not(void **state)
{
    (void)state;
    char *ca = mem_printf(
        "sh -c 'cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=ca -keyout ca.key -out ca.crt 2>/dev/null'",
        rig.dir);
    assert_int_equal(system(ca), 0);
    mem_free(ca);
    rig.timing.handshake = 5000;
    rig_start(&rig);
    until(rig.connected == 1);
    turns(50);
    assert_in_range(busy_us(500), 0, 100000);
    stop();
    stub.blind = true; /* in the middle of a TLS handshake */
    ca = rig_path(&rig, "ca.crt");
    rig.config.ca_file = ca;
    rig_start(&rig);
    turns(200);
    assert_in_range(stub.in.length, 100, 2000); /* its hello */
    assert_in_range(busy_us(500), 0, 100000);
    stop();
    stub_hang_up();
    stub.hangs_up = true;
    rig_start(&rig);
    turns(200);
    assert_in_range(busy_us(500), 0, 100000);
    stop();
    mem_free(ca);
}

/* The stub does not answer pings either. */
static void a_silent_line_is_noticed_by_the_keep_alive(void **state)
{
    (void)state;
    rig.config.keepalive_s = 5;
    rig_start(&rig);
    until(rig.connected == 1);
    int64_t begin = clock_wire_us();
    until(rig.lost == 1);
    assert_in_range(clock_wire_us() - begin, 4000000, 13000000);
    until(rig.connected == 2);
    stop();
}

static int none_taken(int64_t seq, int times)
{
    (void)seq, (void)times;
    return NO_ANSWER;
}

static void never_more_than_twenty_are_in_flight_and_silence_ends_the_connection(void **state)
{
    (void)state;
    stub.answer = none_taken;
    rig_commit(&rig, 100);
    rig_start(&rig);
    until(stub.connects == 2); /* after the answer deadline */
    assert_int_equal(stub.most_unanswered, MQTT_WINDOW);
    assert_string_equal(rig.why, "no answer to what was sent");
    assert_int_equal(rig.taken, 0);
    stub.answer = taken;
    until(rig.taken == 100);
    for (int64_t seq = 1; seq <= 20; seq++)
        assert_in_range(stub.times[seq], 1, 2);
    stop();
}

static int quota_five_times(int64_t seq, int times)
{
    return seq == 3 && times <= 5 ? 0x97 : 0;
}

/* shuette42/ecoflow-energy-ha PR#187: what was handed to the local queue counted as sent. */
static void quota_exceeded_is_waited_out_and_not_counted_as_taken(void **state)
{
    (void)state;
    stub.answer = quota_five_times;
    rig_commit(&rig, 8);
    rig_start(&rig);
    until(stub.times[3] == 2);
    assert_int_equal(rig.taken, 2);
    until(rig.taken == 8);
    assert_int_equal(stub.times[3], 6);
    assert_int_equal(rig.nrefused, 0);
    assert_int_equal(rig_logged(&rig, "row 3 not taken: Quota exceeded"), 1);
    stop();
}

static int not_authorised(int64_t seq, int times)
{
    (void)times;
    return seq == 5 ? 0x87 : 0x10;
}

static void not_authorised_is_tried_three_times_and_nobody_listening_is_taken(void **state)
{
    (void)state;
    stub.answer = not_authorised;
    rig_commit(&rig, 9);
    rig_start(&rig);
    until(rig.taken == 9);
    assert_int_equal(stub.times[5], MQTT_TRIES);
    assert_int_equal(rig.nrefused, 1);
    assert_int_equal(rig.refused[0], 5);
    assert_string_equal(rig.refusal, "Not authorized");
    for (int64_t seq = 1; seq <= 9; seq++)
        assert_int_equal(stub.times[seq], seq == 5 ? MQTT_TRIES : 1);
    stop();
}

static int no_state(int64_t seq, int times)
{
    (void)times;
    return seq == 0 ? 0x87 : 0;
}

static void refused_now_messages_are_said_once_and_do_not_hold_the_rows(void **state)
{
    (void)state;
    stub.answer = no_state;
    rig_commit(&rig, 30);
    rig_start(&rig);
    until(rig.taken == 30);
    mqtt_now(rig.m, "state", "{\"online\":true}", 1);
    turns(300);
    assert_int_equal(rig_logged(&rig, "message of state not taken: Not authorized"), 1);
    stop();
}

/* An alert, told once: whoever waits for it hears what the broker said. */
static void what_is_told_once_is_answered_as_taken_or_refused(void **state)
{
    (void)state;
    rig_commit(&rig, 1);
    rig_start(&rig);
    until(rig.taken == 1); /* connected */
    assert_true(mqtt_tell(rig.m, "alert/chief", "{}", 77));
    until(rig.told == 77);
    assert_string_equal(rig.told_why, "");
    stub.answer = no_state;
    assert_true(mqtt_tell(rig.m, "alert/chief", "{}", 78));
    until(rig.told == 78);
    assert_string_equal(rig.told_why, "Not authorized");
    stop();
}

static void an_answer_to_nothing_is_ignored(void **state)
{
    (void)state;
    rig_start(&rig);
    until(rig.connected == 1);
    for (unsigned id = 30000; id < 30100; id++)
        puback(id, 0);
    rig_commit(&rig, 20);
    until(rig.taken == 20);
    assert_int_equal(rig.lost, 0);
    stop();
}

static void session_taken_over_is_named_and_waited_out(void **state)
{
    (void)state;
    static const uint8_t taken_over[] = {0xe0, 1, 0x8e};
    rig_start(&rig);
    until(rig.connected == 1);
    int64_t begin = clock_wire_us();
    stub_send(taken_over, sizeof taken_over);
    until(rig.connected == 2);
    assert_int_equal(rig_logged(&rig, "duplicate client id: another client connected as dustd-example"), 1);
    assert_true(clock_wire_us() - begin >= rig_timing.taken_over * 1000);
    stop();
}

static void a_disconnect_with_a_reason_is_told_with_it(void **state)
{
    (void)state;
    static const uint8_t administrative[] = {0xe0, 1, 0x98};
    rig_start(&rig);
    until(rig.connected == 1);
    stub_send(administrative, sizeof administrative);
    until(rig.lost == 1);
    assert_string_equal(rig.why, "Administrative action");
    until(rig.connected == 2);
    stop();
}

static void nobody_listening_is_told_once_with_the_systems_reason(void **state)
{
    (void)state;
    struct sockaddr_in here = rig_loopback(0); /* a port that is taken, and nobody listens */
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, size), 0);
    getsockname(fd, (struct sockaddr *)&here, &size);
    rig.config.port = ntohs(here.sin_port);
    rig_start(&rig);
    turns(600);
    assert_int_equal(rig.lost, 1);
    assert_string_equal(rig.why, "Connection refused");
    assert_int_equal(rig_logged(&rig, "no connection to"), 1);
    close(fd);
    stop();
}

static void a_stop_ends_in_time_when_the_broker_no_longer_answers(void **state)
{
    (void)state;
    rig.timing.stop = 300;
    rig_start(&rig);
    until(rig.connected == 1);
    stub.answer = none_taken;
    rig_commit(&rig, 20);
    turns(100);
    mqtt_stop(rig.m);
    int64_t begin = clock_wire_us();
    assert_true(mqtt_join(rig.m, 5000));
    rig.m = NULL;
    assert_in_range(clock_wire_us() - begin, 250000, 2000000);
}

/* libmosquitto 2.0.11 would end the program at a property it does not know. */
static void a_packet_with_an_unknown_property_costs_the_connection_only(void **state)
{
    (void)state;
    static const uint8_t puback[] = {0x40, 7, 0, 1, 0, 3, 0x7b, 0, 0};
    rig_start(&rig);
    until(rig.connected == 1);
    stub_send(puback, sizeof puback);
    until(rig.lost == 1);
    rig_commit(&rig, 20);
    until(rig.taken == 20);
    stop();
}

static void a_row_at_the_edge_of_the_brokers_packet_size_is_sent_or_refused(void **state)
{
    (void)state;
    rig_commit(&rig, 9);
    rig_start(&rig);
    until(rig.taken == 9);
    stop();
    for (unsigned most = 205; most <= 240; most++) {
        rig.taken = 0;
        rig.nrefused = 0;
        stub.packet_most = most;
        rig.timing.retry = 1;
        rig_start(&rig);
        until(rig.taken == 9);
        stop();
        stub_hang_up();
        assert_true(most < 240 || rig.nrefused == 0);
        assert_true(most > 205 || rig.nrefused > 0);
    }
}

/* Rubbish instead of MQTT, of every first byte. */
static void rubbish_ends_the_connection_and_nothing_else(void **state)
{
    (void)state;
    rig_start(&rig);
    for (int i = 0; i < 16; i++) {
        until(rig.connected == i + 1);
        uint8_t rubbish[64];
        for (size_t k = 0; k < sizeof rubbish; k++)
            rubbish[k] = (uint8_t)(16 * i + 5 + (int)(k * 37) % 7 * (i % 3));
        stub_send(rubbish, sizeof rubbish);
        stub_hang_up();
        until(rig.lost == i + 1);
    }
    rig_commit(&rig, 20);
    until(rig.taken == 20);
    stop();
}

/* In front of the C library's: "hangs.invalid" hangs until let go, "both.invalid" has an address where nobody
 * listens before the right one. */
static atomic_bool name_server_hangs;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name && strcmp(name, "hangs.invalid") == 0) {
        while (atomic_load(&name_server_hangs))
            usleep(1000);
        return EAI_AGAIN;
    }
    if (!name || strcmp(name, "both.invalid") != 0)
        return real(name, service, hints, out);
    struct addrinfo *right;
    int rc = real("::1", service, hints, out);
    if (rc == 0 && (rc = real("127.0.0.1", service, hints, &right)) == 0)
        (*out)->ai_next = right;
    return rc;
}

static void a_hanging_name_server_holds_up_only_the_uplinks_own_thread(void **state)
{
    (void)state;
    rig.config.host = "hangs.invalid";
    atomic_store(&name_server_hangs, true);
    rig_start(&rig);
    turns(50);
    int64_t begin = clock_wire_us();
    for (int i = 0; i < 1000; i++) {
        mqtt_now(rig.m, "state", "{}", 1);
        mqtt_committed(rig.m, i);
        mqtt_persisted(rig.m, i);
        assert_false(mqtt_state(rig.m).connected);
    }
    mqtt_stop(rig.m);
    assert_true(clock_wire_us() - begin < 500000);
    assert_false(mqtt_join(rig.m, 50));
    assert_true(clock_wire_us() - begin < 1000000);
    atomic_store(&name_server_hangs, false);
    assert_true(mqtt_join(rig.m, 5000));
    rig.m = NULL;
}

static void the_second_address_of_a_name_is_tried_at_once(void **state)
{
    (void)state;
    int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool have_six = six >= 0 && bind(six, (struct sockaddr *)&here, sizeof here) == 0;
    if (six >= 0)
        close(six);
    if (!have_six) {
        puts("no IPv6 here");
        skip();
    }
    rig.config.host = "both.invalid";
    rig_start(&rig);
    until(rig.connected == 1);
    assert_int_equal(rig.lost, 0);
    stop();
}

/* A property that libmosquitto does not know costs its 48 bytes (mqtt_guard.c); the other test programs of
 * the uplink look for leaks without this. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libmosquitto.so";
}

/* A DISCONNECT from the broker makes libmosquitto unlock a mutex that it has not locked. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "mutex:libmosquitto.so";
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    cmocka_set_test_filter(getenv("DUST_TEST"));
    const struct CMUnitTest tests[] = {
        TEST(connect_says_how_much_we_take_that_nothing_is_kept_and_what_our_will_is),
        TEST(a_broker_that_accepts_and_says_nothing_is_left_at_the_deadline),
        TEST(a_connack_that_stops_after_a_byte_is_left_at_the_deadline),
        TEST(a_refused_connect_is_told_once_and_tried_again),
        TEST(waiting_takes_no_processor_time_connected_or_not),
        TEST(a_silent_line_is_noticed_by_the_keep_alive),
        TEST(never_more_than_twenty_are_in_flight_and_silence_ends_the_connection),
        TEST(quota_exceeded_is_waited_out_and_not_counted_as_taken),
        TEST(not_authorised_is_tried_three_times_and_nobody_listening_is_taken),
        TEST(refused_now_messages_are_said_once_and_do_not_hold_the_rows),
        TEST(what_is_told_once_is_answered_as_taken_or_refused),
        TEST(an_answer_to_nothing_is_ignored),
        TEST(session_taken_over_is_named_and_waited_out),
        TEST(a_disconnect_with_a_reason_is_told_with_it),
        TEST(nobody_listening_is_told_once_with_the_systems_reason),
        TEST(a_stop_ends_in_time_when_the_broker_no_longer_answers),
        TEST(a_packet_with_an_unknown_property_costs_the_connection_only),
        TEST(a_row_at_the_edge_of_the_brokers_packet_size_is_sent_or_refused),
        TEST(rubbish_ends_the_connection_and_nothing_else),
        TEST(a_hanging_name_server_holds_up_only_the_uplinks_own_thread),
        TEST(the_second_address_of_a_name_is_tried_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
