/* The parts of the MQTT uplink that decide: payloads and topics, what answers mean, back-off, the window of
 * rows, the merging of now-messages, what is told to a main that does not listen. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink/mqtt_parts.h"
#include "daemon/uplink/mqtt_private.h"

#include <jansson.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void windows_have_their_own_topic_and_all_else_is_an_event(void **state)
{
    (void)state;
    assert_string_equal(mqtt_row_topic("minute"), "minute");
    assert_string_equal(mqtt_row_topic("hour"), "hour");
    assert_string_equal(mqtt_row_topic("day"), "day");
    assert_string_equal(mqtt_row_topic("issue"), "event");
    assert_string_equal(mqtt_row_topic("hours"), "event");
    assert_string_equal(mqtt_row_topic(""), "event");
}

static void a_payload_is_the_body_as_it_is_behind_journal_seq_and_hash(void **state)
{
    (void)state;
    static char body[] =
        "{\"ts\":1,\"kind\":\"minute\",\"subject\":\"\",\"x\": 1.50 ,\"zh\":\"\u626c\u5c18\"}";
    struct row row = {.seq = 9007199254740993, .body = body};
    row.hash[0] = 0xab;
    row.hash[31] = 0x01;
    char *payload = mqtt_row_payload("00112233445566778899aabbccddeeff", &row);
    static const char front[] =
        "{\"journal\":\"00112233445566778899aabbccddeeff\",\"seq\":9007199254740993,\"hash\":\"ab00";
    assert_memory_equal(payload, front, sizeof front - 1);
    assert_string_equal(payload + strlen(payload) - strlen(body) + 1, body + 1);
    json_t *read = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(read);
    assert_int_equal(strlen(json_string_value(json_object_get(read, "hash"))), 64);
    json_decref(read);
    mem_free(payload);
}

static void an_empty_body_still_makes_an_object(void **state)
{
    (void)state;
    static char body[] = "{}";
    struct row row = {.seq = 1, .body = body};
    char *payload = mqtt_row_payload("j", &row);
    json_t *read = json_loads(payload, 0, NULL);
    assert_int_equal(json_object_size(read), 3);
    json_decref(read);
    mem_free(payload);
}

static void answers_of_mqtt_5_mean_what_the_design_says(void **state)
{
    (void)state;
    static const struct {
        int reason;
        enum mqtt_answer means;
    } cases[] = {{0x00, ANSWER_TAKEN}, {0x10, ANSWER_TAKEN}, {0x01, ANSWER_TAKEN}, {0x80, ANSWER_LATER},
                 {0x83, ANSWER_LATER}, {0x87, ANSWER_NEVER}, {0x90, ANSWER_NEVER}, {0x91, ANSWER_LATER},
                 {0x95, ANSWER_NEVER}, {0x97, ANSWER_LATER}, {0x99, ANSWER_NEVER}, {0xfe, ANSWER_LATER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(mqtt_answer(true, cases[i].reason), cases[i].means);
        assert_int_equal(mqtt_answer(false, cases[i].reason), ANSWER_CANNOT_TELL);
    }
}

static void the_librarys_own_refusals_are_told_from_a_broken_line(void **state)
{
    (void)state;
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_SUCCESS), ANSWER_TAKEN);
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_OVERSIZE_PACKET), ANSWER_NEVER);
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_MALFORMED_UTF8), ANSWER_NEVER);
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_QOS_NOT_SUPPORTED), ANSWER_LATER);
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_NO_CONN), ANSWER_BROKEN);
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_CONN_LOST), ANSWER_BROKEN);
    assert_int_equal(mqtt_answer_local(MOSQ_ERR_ERRNO), ANSWER_BROKEN);
}

static void the_back_off_doubles_up_to_its_most_and_spreads_evenly(void **state)
{
    (void)state;
    enum { RUNS = 4000 };
    for (int n = 0; n < 40; n++) {
        int64_t most = n < 10 ? 500LL << n : 300000, sum = 0, low = INT64_MAX, high = 0;
        most = most < 300000 ? most : 300000;
        struct backoff b = {.first_ms = 500, .most_ms = 300000, .random = 7};
        for (int i = 0; i < RUNS; i++) {
            b.tries = n;
            int64_t ms = backoff_next(&b);
            assert_in_range(ms, 0, most);
            sum += ms;
            low = ms < low ? ms : low;
            high = ms > high ? ms : high;
        }
        assert_int_equal(b.tries, n + 1);
        assert_in_range(sum / RUNS, most * 9 / 20, most * 11 / 20);
        assert_true(low < most / 100 + 1 && high > most - most / 100 - 1);
    }
}

static void the_same_seed_waits_the_same(void **state)
{
    (void)state;
    struct backoff a = {.first_ms = 500, .most_ms = 300000, .random = 42}, b = a;
    for (int i = 0; i < 50; i++)
        assert_int_equal(backoff_next(&a), backoff_next(&b));
}

/* A window behind cursor 100 with `count` rows. */
static struct window filled(int count)
{
    struct window w = {.taken = 100, .last = 100, .persisted = 100};
    for (int i = 1; i <= count; i++)
        assert_true(window_add(&w, 100 + i, "minute", mem_string("{}")));
    return w;
}

static void send(struct window *w, int64_t seq)
{
    struct slot *s = window_next(w);
    assert_non_null(s);
    assert_int_equal(s->seq, seq);
    s->state = SLOT_SENT;
    s->mid = (int)seq;
}

static void answer(struct window *w, int64_t seq, enum mqtt_answer means)
{
    struct slot *s = window_sent(w, (int)seq);
    assert_non_null(s);
    slot_answered(s, means, "why");
}

static void settles(struct window *w, int64_t taken, int64_t refused)
{
    int64_t got;
    const char *why;
    assert_true(window_settle(w, &got, &why));
    assert_int_equal(w->taken, taken);
    assert_int_equal(got, refused);
}

static void assert_settled(struct window *w)
{
    int64_t got;
    const char *why;
    assert_false(window_settle(w, &got, &why));
}

static void the_cursor_moves_over_the_longest_taken_front_only(void **state)
{
    (void)state;
    struct window w = filled(4);
    for (int64_t seq = 101; seq <= 104; seq++)
        send(&w, seq);
    answer(&w, 102, ANSWER_TAKEN);
    answer(&w, 103, ANSWER_CANNOT_TELL);
    assert_settled(&w);
    answer(&w, 101, ANSWER_TAKEN);
    settles(&w, 103, 0);
    assert_settled(&w);
    assert_int_equal(window_in_flight(&w), 1);
    window_finish(&w);
}

static void a_window_takes_twenty_rows_that_follow_each_other(void **state)
{
    (void)state;
    struct window w = filled(MQTT_WINDOW);
    char *more = mem_string("{}");
    assert_false(window_add(&w, 121, "minute", more));
    send(&w, 101);
    answer(&w, 101, ANSWER_TAKEN);
    settles(&w, 101, 0);
    assert_false(window_add(&w, 120, "minute", more)); /* given before */
    assert_true(window_add(&w, 121, "minute", more));
    window_finish(&w);
}

static void no_row_goes_out_further_than_twenty_past_the_disk(void **state)
{
    (void)state;
    struct window w = filled(MQTT_WINDOW);
    w.persisted = 85;
    for (int64_t seq = 101; seq <= 105; seq++)
        send(&w, seq);
    assert_null(window_next(&w));
    w.persisted = 86;
    send(&w, 106);
    assert_null(window_next(&w));
    window_finish(&w);
}

static void a_broken_line_sends_again_what_was_not_answered_from_the_front(void **state)
{
    (void)state;
    struct window w = filled(5);
    for (int64_t seq = 101; seq <= 104; seq++)
        send(&w, seq);
    answer(&w, 101, ANSWER_TAKEN);
    settles(&w, 101, 0);
    window_broke(&w);
    assert_int_equal(window_in_flight(&w), 0);
    for (int64_t seq = 102; seq <= 105; seq++)
        send(&w, seq);
    assert_null(window_next(&w));
    window_finish(&w);
}

static void a_row_refused_three_times_is_given_up_and_nothing_overtakes_it_meanwhile(void **state)
{
    (void)state;
    struct window w = filled(3);
    send(&w, 101);
    send(&w, 102);
    answer(&w, 101, ANSWER_NEVER);
    answer(&w, 102, ANSWER_TAKEN);
    assert_settled(&w);
    for (int tries = 2; tries <= MQTT_TRIES; tries++) {
        send(&w, 101);
        assert_null(window_next(&w)); /* 103 waits for its answer */
        answer(&w, 101, ANSWER_NEVER);
    }
    settles(&w, 101, 101);
    settles(&w, 102, 0);
    send(&w, 103);
    window_finish(&w);
}

static void later_is_not_a_refusal_however_often(void **state)
{
    (void)state;
    struct window w = filled(1);
    for (int i = 0; i < 10; i++) {
        send(&w, 101);
        answer(&w, 101, ANSWER_LATER);
        assert_settled(&w);
    }
    window_finish(&w);
}

static void a_row_whose_body_is_gone_is_passed_over_at_once(void **state)
{
    (void)state;
    struct window w = {.taken = 100, .last = 100, .persisted = 100};
    int64_t refused;
    const char *why;
    assert_true(window_add(&w, 101, "minute", NULL));
    assert_null(window_next(&w));
    assert_true(window_settle(&w, &refused, &why));
    assert_int_equal(refused, 0);
    assert_int_equal(w.taken, 101);
}

static void put(struct pending *p, const char *topic, const char *payload)
{
    pending_put(p, mem_string(topic), mem_string(payload), 1);
}

static void a_newer_now_message_replaces_the_waiting_one_and_keeps_its_turn(void **state)
{
    (void)state;
    struct pending p = {0};
    put(&p, "a", "1");
    put(&p, "b", "1");
    put(&p, "a", "2");
    assert_int_equal(p.count, 2);
    assert_string_equal(pending_first(&p)->topic, "a");
    assert_string_equal(pending_first(&p)->payload, "2");
    pending_sent(&p, 7);
    put(&p, "a", "3"); /* the one in flight cannot be replaced */
    assert_int_equal(p.count, 2);
    assert_string_equal(pending_first(&p)->topic, "b");
    assert_non_null(pending_flying(&p, 7));
    pending_finish(&p);
}

static void a_now_message_to_come_later_comes_unless_a_newer_one_waits(void **state)
{
    (void)state;
    struct pending p = {0};
    put(&p, "a", "1");
    pending_sent(&p, 1);
    put(&p, "b", "1");
    pending_sent(&p, 2);
    put(&p, "b", "2");
    pending_answered(&p, 2, ANSWER_LATER);
    pending_answered(&p, 1, ANSWER_LATER);
    assert_int_equal(p.in_flight, 0);
    assert_int_equal(p.count, 2);
    assert_string_equal(p.waiting[0].payload, "2");
    assert_string_equal(p.waiting[1].topic, "a");
    pending_answered(&p, 1, ANSWER_TAKEN); /* nobody knows it any more */
    assert_int_equal(p.count, 2);
    pending_finish(&p);
}

static void qos_0_is_not_in_flight(void **state)
{
    (void)state;
    struct pending p = {0};
    pending_put(&p, mem_string("live/a"), mem_string("{}"), 0);
    pending_sent(&p, 1);
    assert_int_equal(p.in_flight, 0);
    assert_null(pending_first(&p));
    pending_finish(&p);
}

static void hundreds_of_topics_wait_in_the_order_they_came(void **state)
{
    (void)state;
    struct pending p = {0};
    char topic[16];
    for (int i = 0; i < 500; i++) {
        snprintf(topic, sizeof topic, "t%d", i);
        put(&p, topic, "{}");
    }
    for (int i = 0; i < 500; i++) {
        snprintf(topic, sizeof topic, "t%d", i);
        assert_string_equal(pending_first(&p)->topic, topic);
        pending_drop(&p);
    }
    pending_finish(&p);
}

static void what_main_has_no_room_for_is_kept_in_order_and_taken_rows_are_told_once(void **state)
{
    (void)state;
    struct mqtt *m = mem_new(struct mqtt);
    struct mqtt_event e;
    m->out = ring_create(2, sizeof(struct mqtt_event));
    tell(m, MQTT_CONNECTED, 0);
    tell(m, MQTT_TAKEN, 5);
    tell(m, MQTT_TAKEN, 9);
    tell(m, MQTT_LOST, 0);
    tell(m, MQTT_TAKEN, 10);
    assert_false(tell_flush(m));
    static const struct {
        enum mqtt_event_kind kind;
        int64_t seq;
    } want[] = {{MQTT_CONNECTED, 0}, {MQTT_TAKEN, 9}, {MQTT_LOST, 0}, {MQTT_TAKEN, 10}};
    for (int i = 0; i < 4; i++) {
        tell_flush(m);
        assert_int_equal(ring_pop(m->out, &e), ERR_OK);
        assert_int_equal(e.kind, want[i].kind);
        assert_int_equal(e.seq, want[i].seq);
    }
    assert_true(tell_flush(m));
    ring_destroy(m->out);
    mem_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_have_their_own_topic_and_all_else_is_an_event),
        cmocka_unit_test(a_payload_is_the_body_as_it_is_behind_journal_seq_and_hash),
        cmocka_unit_test(an_empty_body_still_makes_an_object),
        cmocka_unit_test(answers_of_mqtt_5_mean_what_the_design_says),
        cmocka_unit_test(the_librarys_own_refusals_are_told_from_a_broken_line),
        cmocka_unit_test(the_back_off_doubles_up_to_its_most_and_spreads_evenly),
        cmocka_unit_test(the_same_seed_waits_the_same),
        cmocka_unit_test(the_cursor_moves_over_the_longest_taken_front_only),
        cmocka_unit_test(a_window_takes_twenty_rows_that_follow_each_other),
        cmocka_unit_test(no_row_goes_out_further_than_twenty_past_the_disk),
        cmocka_unit_test(a_broken_line_sends_again_what_was_not_answered_from_the_front),
        cmocka_unit_test(a_row_refused_three_times_is_given_up_and_nothing_overtakes_it_meanwhile),
        cmocka_unit_test(later_is_not_a_refusal_however_often),
        cmocka_unit_test(a_row_whose_body_is_gone_is_passed_over_at_once),
        cmocka_unit_test(a_newer_now_message_replaces_the_waiting_one_and_keeps_its_turn),
        cmocka_unit_test(a_now_message_to_come_later_comes_unless_a_newer_one_waits),
        cmocka_unit_test(qos_0_is_not_in_flight),
        cmocka_unit_test(hundreds_of_topics_wait_in_the_order_they_came),
        cmocka_unit_test(what_main_has_no_room_for_is_kept_in_order_and_taken_rows_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
