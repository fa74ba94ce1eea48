/* The MQTT uplink against a broker of ours that misbehaves: says nothing, answers wrongly, late, never; and
 * against a name server that hangs. */
#include "mqtt_rig.h"

#include <dlfcn.h>
#include <netdb.h>

enum { STUB_SEQS = 256 };

/* What the stub answers to row `seq`: a PUBACK's reason, or NO_ANSWER. */
enum { NO_ANSWER = -1 };

struct stub {
    int listener, fd;
    struct buf in;
    bool deaf;            /* accepts and says nothing */
    bool slow;            /* one byte of CONNACK */
    int connack;          /* reason */
    unsigned packet_most; /* announced in the CONNACK, 0 not */
    int (*answer)(int64_t seq, int times);
    int connects, publishes, unanswered, most_unanswered;
    int times[STUB_SEQS]; /* that each row came */
    char *bytes[STUB_SEQS];
    int64_t order[STUB_SEQS * 8];
    int norder;
    uint8_t connect[512];
    size_t connect_length;
};

static struct rig rig;
static struct stub stub;

static int taken(int64_t seq, int times)
{
    (void)seq, (void)times;
    return 0;
}

static int setup(void **state)
{
    *state = &rig;
    memset(&stub, 0, sizeof stub);
    rig_open(&rig);
    stub.fd = -1;
    stub.listener = rig_listen(&rig.config.port);
    stub.answer = taken;
    return 0;
}

static void stub_hang_up(void)
{
    if (stub.fd >= 0)
        close(stub.fd);
    stub.fd = -1;
    stub.unanswered = 0;
    buf_clear(&stub.in);
}

static int teardown(void **state)
{
    (void)state;
    stub_hang_up();
    close(stub.listener);
    rig_close(&rig);
    buf_finish(&stub.in);
    for (int i = 0; i < STUB_SEQS; i++)
        mem_free(stub.bytes[i]);
    return 0;
}

static void stub_send(const uint8_t *bytes, size_t length)
{
    if (send(stub.fd, bytes, length, MSG_NOSIGNAL) < 0)
        stub_hang_up();
}

static void on_connect(const uint8_t *packet, size_t length)
{
    stub.connects++;
    stub.connect_length = length < sizeof stub.connect ? length : sizeof stub.connect;
    memcpy(stub.connect, packet, stub.connect_length);
    const uint8_t connack[] = {0x20,
                               8,
                               0,
                               (uint8_t)stub.connack,
                               5,
                               0x27,
                               0,
                               0,
                               (uint8_t)(stub.packet_most >> 8),
                               (uint8_t)stub.packet_most};
    const uint8_t plain[] = {0x20, 3, 0, (uint8_t)stub.connack, 0};
    if (stub.deaf)
        return;
    if (stub.packet_most)
        stub_send(connack, sizeof connack);
    else
        stub_send(plain, stub.slow ? 1 : sizeof plain);
}

static void puback(unsigned id, int reason)
{
    const uint8_t ack[] = {0x40, 3, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)reason};
    stub.unanswered--;
    stub_send(ack, sizeof ack);
}

static void on_publish(const uint8_t *packet, size_t length)
{
    size_t at = 2U + (size_t)(packet[1] >= 0x80), topic = (size_t)(packet[at] << 8 | packet[at + 1]);
    unsigned id = (unsigned)(packet[at + 2 + topic] << 8 | packet[at + 3 + topic]);
    stub.publishes++;
    if (!(packet[0] & 0x06))
        return;
    if (++stub.unanswered > stub.most_unanswered)
        stub.most_unanswered = stub.unanswered;
    char *text = mem_string_n((const char *)packet + at + 5 + topic, length - at - 5 - topic);
    const char *mark = strstr(text, "\"seq\":");
    int64_t seq = mark ? strtoll(mark + 6, NULL, 10) % STUB_SEQS : 0;
    int reason = 0;
    if (mark) {
        if (stub.bytes[seq])
            assert_string_equal(stub.bytes[seq], text);
        else
            stub.bytes[seq] = mem_string(text);
        stub.order[stub.norder++ % (STUB_SEQS * 8)] = seq;
        reason = stub.answer(seq, ++stub.times[seq]);
    } else {
        reason = stub.answer(0, 1);
    }
    mem_free(text);
    if (reason != NO_ANSWER)
        puback(id, reason);
}

/* One whole packet off the front of what came; false when there is none. */
static bool stub_packet(void)
{
    const uint8_t *p = (const uint8_t *)stub.in.data;
    size_t n = stub.in.length, length = 0, head = 1;
    for (unsigned shift = 0; head < n && head < 5; shift += 7) {
        length |= (size_t)(p[head] & 0x7f) << shift;
        if (!(p[head++] & 0x80))
            break;
    }
    if (n < 2 || n < head + length)
        return false;
    uint8_t *packet = mem_array(head + length, 1);
    memcpy(packet, p, head + length);
    char *rest = mem_array(n, 1);
    size_t left = n - head - length;
    memcpy(rest, p + head + length, left);
    buf_clear(&stub.in);
    buf_add(&stub.in, rest, left);
    mem_free(rest);
    if (packet[0] == 0x10)
        on_connect(packet, head + length);
    else if ((packet[0] & 0xf0) == 0x30)
        on_publish(packet, head + length);
    else if (packet[0] == 0xe0)
        stub_hang_up();
    mem_free(packet);
    return stub.fd >= 0;
}

static void stub_step(void)
{
    uint8_t bytes[65536];
    int fd = accept4(stub.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        stub_hang_up();
        stub.fd = fd;
    }
    ssize_t n = stub.fd < 0 ? -1 : recv(stub.fd, bytes, sizeof bytes, 0);
    if (n == 0)
        stub_hang_up();
    if (n > 0) {
        buf_add(&stub.in, bytes, (size_t)n);
        while (stub_packet())
            ;
    }
}

#define until(condition)                                       \
    do {                                                       \
        int64_t end_ = clock_wire_us() + RIG_WAIT_MS * 1000LL; \
        while (!(condition) && clock_wire_us() < end_) {       \
            stub_step();                                       \
            rig_step(&rig);                                    \
        }                                                      \
        assert_true(condition);                                \
    } while (0)

static void turns(int ms)
{
    for (int64_t end = clock_wire_us() + ms * 1000LL; clock_wire_us() < end;) {
        stub_step();
        rig_step(&rig);
    }
}

/* Ends the uplink while the stub goes on answering. */
static void stop(void)
{
    mqtt_stop(rig.m);
    for (int i = 0; i < 500 && !mqtt_join(rig.m, 1); i++)
        stub_step();
    rig.m = NULL;
}

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
    int port;
    close(rig_listen(&port));
    rig.config.port = port;
    rig_start(&rig);
    turns(600);
    assert_int_equal(rig.lost, 1);
    assert_string_equal(rig.why, "Connection refused");
    assert_int_equal(rig_logged(&rig, "no connection to"), 1);
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
    for (unsigned most = 215; most <= 245; most++) {
        rig.taken = 0;
        rig.nrefused = 0;
        stub.packet_most = most;
        rig.timing.retry = 1;
        rig_start(&rig);
        until(rig.taken == 9);
        stop();
        stub_hang_up();
        assert_true(most < 240 || rig.nrefused == 0);
        assert_true(most > 215 || rig.nrefused > 0);
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
        TEST(never_more_than_twenty_are_in_flight_and_silence_ends_the_connection),
        TEST(quota_exceeded_is_waited_out_and_not_counted_as_taken),
        TEST(not_authorised_is_tried_three_times_and_nobody_listening_is_taken),
        TEST(refused_now_messages_are_said_once_and_do_not_hold_the_rows),
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
