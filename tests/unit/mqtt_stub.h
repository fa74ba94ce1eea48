/* A broker of ours in the test's own thread, which misbehaves as told: says nothing, answers wrongly, late,
 * never. */
#ifndef MQTT_STUB_H
#define MQTT_STUB_H

#include "mqtt_rig.h"

enum { STUB_SEQS = 256 };

/* What the stub answers to row `seq`: a PUBACK's reason, or NO_ANSWER. */
enum { NO_ANSWER = -1 };

struct stub {
    int listener, fd;
    struct buf in;
    bool hangs_up;        /* accepts and closes */
    bool deaf;            /* accepts and says nothing */
    bool blind;           /* does not even look at what came: it is TLS */
    bool slow;            /* one byte of CONNACK */
    int connack;          /* reason */
    unsigned packet_most; /* announced in the CONNACK, 0 not */
    int (*answer)(int64_t seq, int times);
    int connects, unanswered, most_unanswered;
    int times[STUB_SEQS]; /* that each row came */
    char *bytes[STUB_SEQS];
    uint8_t connect[512];
    size_t connect_length;
};

static struct rig rig;
static struct stub stub;

static inline int taken(int64_t seq, int times)
{
    (void)seq, (void)times;
    return 0;
}

static inline int setup(void **state)
{
    *state = &rig;
    memset(&stub, 0, sizeof stub);
    rig_open(&rig);
    stub.fd = -1;
    stub.listener = rig_listen(&rig.config.port);
    stub.answer = taken;
    return 0;
}

static inline void stub_hang_up(void)
{
    if (stub.fd >= 0)
        close(stub.fd);
    stub.fd = -1;
    stub.unanswered = 0;
    buf_clear(&stub.in);
}

static inline int teardown(void **state)
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

static inline void stub_send(const uint8_t *bytes, size_t length)
{
    if (send(stub.fd, bytes, length, MSG_NOSIGNAL) < 0)
        stub_hang_up();
}

static inline void on_connect(const uint8_t *packet, size_t length)
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

static inline void puback(unsigned id, int reason)
{
    const uint8_t ack[] = {0x40, 3, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)reason};
    stub.unanswered--;
    stub_send(ack, sizeof ack);
}

static inline void on_publish(const uint8_t *packet, size_t length)
{
    size_t at = 2U + (size_t)(packet[1] >= 0x80), topic = (size_t)(packet[at] << 8 | packet[at + 1]);
    unsigned id = (unsigned)(packet[at + 2 + topic] << 8 | packet[at + 3 + topic]);
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
        reason = stub.answer(seq, ++stub.times[seq]);
    } else {
        reason = stub.answer(0, 1);
    }
    mem_free(text);
    if (reason != NO_ANSWER)
        puback(id, reason);
}

/* One whole packet off the front of what came; false when there is none. */
static inline bool stub_packet(void)
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

static inline void stub_step(void)
{
    uint8_t bytes[65536];
    int fd = accept4(stub.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        stub_hang_up();
        stub.fd = fd;
        if (stub.hangs_up)
            stub_hang_up();
    }
    ssize_t n = stub.fd < 0 ? -1 : recv(stub.fd, bytes, sizeof bytes, 0);
    if (n == 0)
        stub_hang_up();
    if (n > 0) {
        buf_add(&stub.in, bytes, (size_t)n);
        while (!stub.blind && stub_packet())
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

static inline void turns(int ms)
{
    for (int64_t end = clock_wire_us() + ms * 1000LL; clock_wire_us() < end;) {
        stub_step();
        rig_step(&rig);
    }
}

/* Ends the uplink while the stub goes on answering. */
static inline void stop(void)
{
    mqtt_stop(rig.m);
    for (int i = 0; i < 500 && !mqtt_join(rig.m, 1); i++)
        stub_step();
    rig.m = NULL;
}

#endif
