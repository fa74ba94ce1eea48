/* Main's side of an MQTT uplink, a real broker, a subscriber that is not ours (mosquitto_sub), and a relay
 * between uplink and broker that can be cut and opened. Rows are made up from their seq, so that a repeat
 * must have the same bytes. */
#ifndef MQTT_RIG_H
#define MQTT_RIG_H

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/uplink/mqtt_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RIG_MOST = 4096, RIG_WAIT_MS = 15000, RIG_REFUSED = 64, RIG_NOWS = 3 };

#define RIG_JOURNAL "0123456789abcdef0123456789abcdef"

struct rig {
    char dir[40], log_file[80];
    int saved_stderr;
    int broker_port, relay_port, listener; /* listener < 0: the uplink dials the broker itself */
    bool relay_open;
    int near, far; /* the relayed connection */
    pid_t broker, subscriber;
    int heard_fd;
    struct buf heard; /* lines of the subscriber: "><retained> <topic> <payload>" */
    struct mqtt_config config;
    struct mqtt_timing timing; /* rig_timing; read by rig_start */
    struct ring *out;
    struct mqtt *m;
    int64_t committed, taken;
    bool hold_cursor, hold_ready; /* main does not persist; main does not say ready */
    int nows;                     /* given at each connect */
    int connected, lost, nrefused;
    int64_t refused[RIG_REFUSED];
    char why[160], refusal[160], told_why[160];
    enum mqtt_commands commands; /* as last told, and why */
    char commands_why[160];
    char asked[256]; /* the last command: "<user> <retained> <text>" */
    int commands_heard;
    int64_t told; /* the last message of mqtt_tell that was answered, and how */
};

static inline const char *rig_mosquitto(void)
{
    static const char *const places[] = {".tools/usr/sbin/mosquitto", "/usr/sbin/mosquitto",
                                         "/usr/local/sbin/mosquitto"};
    const char *named = getenv("DUST_MOSQUITTO");
    if (named && *named)
        return named;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

#define NEEDS_BROKER                                                                 \
    do {                                                                             \
        if (!rig_mosquitto()) {                                                      \
            puts("no mosquitto broker: set DUST_MOSQUITTO or run script/bootstrap"); \
            skip();                                                                  \
        }                                                                            \
    } while (0)

static inline struct sockaddr_in rig_loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A listening socket on a free port, which goes to `port`. */
static inline int rig_listen(int *port)
{
    struct sockaddr_in a = rig_loopback(0);
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)&a, &size);
    *port = ntohs(a.sin_port);
    return fd;
}

static inline int rig_dial(int port)
{
    struct sockaddr_in a = rig_loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline void rig_write(const struct rig *r, const char *name, const char *text)
{
    char path[120];
    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0600);
}

static inline char *rig_path(const struct rig *r, const char *name)
{
    return mem_printf("%s/%s", r->dir, name);
}

/* How often `text` stands in what was logged. */
static inline int rig_logged(const struct rig *r, const char *text)
{
    static char log[1 << 20];
    int count = 0, fd = open(r->log_file, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, log, sizeof log - 1);
    close(fd);
    log[n < 0 ? 0 : n] = 0;
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* Starts the broker with these lines besides the listener ("" for an open one) and waits until it answers. */
static inline void rig_broker(struct rig *r, const char *settings)
{
    char *conf = rig_path(r, "broker.conf"), *log = rig_path(r, "broker.log");
    char *text =
        mem_printf("%slistener %d 127.0.0.1\nlog_dest file %s\n%s\n", getuid() == 0 ? "user root\n" : "",
                   r->broker_port, log, *settings ? settings : "allow_anonymous true");
    rig_write(r, "broker.conf", text);
    r->broker = fork();
    if (r->broker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test is killed */
        execl(rig_mosquitto(), "mosquitto", "-c", conf, (char *)NULL);
        _exit(127);
    }
    int fd = -1;
    for (int i = 0; i < 500 && (fd = rig_dial(r->broker_port)) < 0; i++)
        usleep(10000);
    assert_true(fd >= 0);
    close(fd);
    mem_free(text);
    mem_free(conf);
    mem_free(log);
}

static inline void rig_end(pid_t *pid, int signal_number)
{
    if (*pid > 0) {
        kill(*pid, signal_number);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

/* What the subscriber says from now on is read by rig_step. */
static inline void rig_subscribe(struct rig *r)
{
    int fds[2];
    char port[8];
    snprintf(port, sizeof port, "%d", r->broker_port);
    rig_end(&r->subscriber, SIGKILL);
    if (r->heard_fd >= 0)
        close(r->heard_fd);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    r->subscriber = fork();
    if (r->subscriber == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        execlp("stdbuf", "stdbuf", "-oL", "mosquitto_sub", "-d", "-h", "127.0.0.1", "-p", port, "-t",
               "dust/#", "-F", ">%r %t %p", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    r->heard_fd = fds[0];
    char got[4096] = "";
    size_t n = 0;
    while (!strstr(got, "Subscribed") && n + 1 < sizeof got) {
        ssize_t more = read(r->heard_fd, got + n, 1);
        assert_true(more == 1);
        n++;
    }
    fcntl(r->heard_fd, F_SETFL, O_NONBLOCK);
}

static const struct mqtt_timing rig_timing = {.handshake = 500,
                                              .answer = 2000,
                                              .retry = 100,
                                              .first = 50,
                                              .most = 200,
                                              .stable = 60000,
                                              .taken_over = 700,
                                              .stop = 2000,
                                              .canary = 50,
                                              .canary_open = 300,
                                              .canary_closed = 300};

static inline void rig_open(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->heard_fd = r->near = r->far = r->listener = -1;
    strcpy(r->dir, "/tmp/dust-mqtt-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->log_file, sizeof r->log_file, "%s/log", r->dir);
    fflush(stderr);
    r->saved_stderr = dup(STDERR_FILENO);
    int fd = open(r->log_file, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
    close(rig_listen(&r->broker_port));
    r->out = ring_create(256, sizeof(struct mqtt_event));
    r->nows = RIG_NOWS;
    r->timing = rig_timing;
    r->config = (struct mqtt_config){.name = "test",
                                     .host = "127.0.0.1",
                                     .port = r->broker_port,
                                     .client_id = "",
                                     .username = "",
                                     .password_file = "",
                                     .ca_file = "",
                                     .cert_file = "",
                                     .key_file = "",
                                     .keepalive_s = 10,
                                     .mqtt5 = true};
}

/* The uplink dials the relay from now on; it is open. */
static inline void rig_relay(struct rig *r)
{
    r->listener = rig_listen(&r->relay_port);
    r->config.port = r->relay_port;
    r->relay_open = true;
}

/* Starts the uplink from the cursor `r->taken`. */
static inline void rig_start(struct rig *r)
{
    r->m = mqtt_create(&r->config, "example", RIG_JOURNAL, r->out);
    assert_non_null(r->m);
    r->m->timing = r->timing;
    assert_true(mqtt_park(r->m));
    mqtt_go(r->m, r->taken);
    mqtt_committed(r->m, r->committed);
}

static inline void rig_commit(struct rig *r, int64_t seq)
{
    r->committed = seq;
    if (r->m)
        mqtt_committed(r->m, seq);
}

/* Row `seq`: seven minutes, then an hour, then an issue, again and again. */
static inline struct row rig_row(int64_t seq)
{
    const char *kind = seq % 9 == 0 ? "issue" : seq % 9 == 8 ? "hour" : "minute";
    struct row row = {.seq = seq,
                      .at_ms = 1700000000000 + seq * 60000,
                      .kind = mem_string(kind),
                      .subject = mem_string("")};
    row.body = mem_printf("{\"ts\":%" PRId64 ",\"kind\":\"%s\",\"subject\":\"\",\"value\":%" PRId64 "}",
                          row.at_ms, kind, seq * seq % 1000);
    memset(row.hash, (int)(seq % 251), sizeof row.hash);
    return row;
}

static inline void rig_answer_want(struct rig *r, const struct mqtt_event *e)
{
    struct row rows[MQTT_WINDOW];
    int n = 0;
    assert_in_range(e->limit, 1, MQTT_WINDOW);
    for (int64_t seq = e->seq + 1; seq <= r->committed && n < e->limit; seq++)
        rows[n++] = rig_row(seq);
    mqtt_rows(r->m, rows, n);
}

static inline void rig_answer_connected(struct rig *r)
{
    r->connected++;
    mqtt_now(r->m, "state", "{\"online\":true}", 1);
    for (int i = 1; i < r->nows; i++) {
        char topic[32];
        snprintf(topic, sizeof topic, "device/unit%d", i);
        mqtt_now(r->m, topic, "{\"state\":\"up\"}", i % 2);
    }
    if (!r->hold_ready)
        mqtt_ready(r->m);
}

static inline void rig_cursor(struct rig *r, int64_t seq)
{
    assert_true(seq > r->taken);
    r->taken = seq;
    if (!r->hold_cursor)
        mqtt_persisted(r->m, seq);
}

static inline void rig_event(struct rig *r, const struct mqtt_event *e)
{
    switch (e->kind) {
    case MQTT_INPUT: mem_free(e->payload); break; /* nobody is asked for any */
    case MQTT_COMMAND:
        snprintf(r->asked, sizeof r->asked, "%s %d %s", e->text, e->limit, e->payload ? e->payload : "-");
        r->commands_heard++;
        mem_free(e->payload);
        break;
    case MQTT_COMMANDS:
        r->commands = (enum mqtt_commands)e->limit;
        snprintf(r->commands_why, sizeof r->commands_why, "%s", e->text);
        break;
    case MQTT_CONNECTED: rig_answer_connected(r); break;
    case MQTT_LOST:
        r->lost++;
        snprintf(r->why, sizeof r->why, "%s", e->text);
        break;
    case MQTT_WANT: rig_answer_want(r, e); break;
    case MQTT_TAKEN: rig_cursor(r, e->seq); break;
    case MQTT_TOLD:
        r->told = e->seq;
        snprintf(r->told_why, sizeof r->told_why, "%s", e->text);
        break;
    case MQTT_REFUSED:
        r->refused[r->nrefused++ % RIG_REFUSED] = e->seq;
        snprintf(r->refusal, sizeof r->refusal, "%s", e->text);
        rig_cursor(r, e->seq);
        break;
    }
}

static inline void rig_cut(struct rig *r)
{
    if (r->near >= 0)
        close(r->near);
    if (r->far >= 0)
        close(r->far);
    r->near = r->far = -1;
}

static inline void rig_carry(struct rig *r, int from, int to)
{
    char bytes[65536];
    if (from < 0 || to < 0)
        return;
    ssize_t n = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN) || (n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) != n))
        rig_cut(r);
}

static inline void rig_move_relay(struct rig *r)
{
    int fd = r->listener < 0 ? -1 : accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        int far = r->relay_open ? rig_dial(r->broker_port) : -1;
        rig_cut(r);
        r->near = far < 0 ? -1 : fd;
        r->far = far;
        if (far < 0)
            close(fd);
    }
    rig_carry(r, r->near, r->far);
    rig_carry(r, r->far, r->near);
}

/* One turn of main. */
static inline void rig_step(struct rig *r)
{
    struct mqtt_event e;
    char bytes[65536];
    struct pollfd fds[] = {{.fd = ring_fd(r->out), .events = POLLIN},
                           {.fd = r->heard_fd, .events = POLLIN},
                           {.fd = r->listener, .events = POLLIN},
                           {.fd = r->near, .events = POLLIN},
                           {.fd = r->far, .events = POLLIN}};
    poll(fds, 5, 20);
    ring_woken(r->out);
    while (r->m && ring_pop(r->out, &e) == ERR_OK)
        rig_event(r, &e);
    ssize_t n = r->heard_fd < 0 ? 0 : read(r->heard_fd, bytes, sizeof bytes);
    if (n > 0)
        buf_add(&r->heard, bytes, (size_t)n);
    rig_move_relay(r);
}

static inline bool rig_heard(const struct rig *r, const char *text)
{
    return r->heard.data && strstr(r->heard.data, text) != NULL;
}

/* Turns until the condition holds or the time is up. */
#define rig_until(r, condition)                                \
    do {                                                       \
        int64_t end_ = clock_wire_us() + RIG_WAIT_MS * 1000LL; \
        while (!(condition) && clock_wire_us() < end_)         \
            rig_step(r);                                       \
        assert_true(condition);                                \
    } while (0)

static inline void rig_turns(struct rig *r, int ms)
{
    for (int64_t end = clock_wire_us() + ms * 1000LL; clock_wire_us() < end;)
        rig_step(r);
}

/* What the subscriber heard of the rows: each seq first comes right after the one before it, a repeat has the
 * same bytes. Returns the last seq; `repeats` counts. */
static inline int64_t rig_check_rows(const struct rig *r, int *repeats)
{
    static char *first[RIG_MOST];
    int64_t last = 0;
    *repeats = 0;
    char *copy = mem_string(r->heard.data ? r->heard.data : ""), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && rest;) {
        const char *mark = strstr(line, "\"seq\":");
        if (*line != '>' || !mark)
            continue;
        assert_memory_equal(line, ">0 dust/1/example/", 18);
        int64_t seq = strtoll(mark + 6, NULL, 10);
        assert_in_range(seq, 1, RIG_MOST - 1);
        if (seq > last) {
            assert_int_equal(seq, last + 1);
            last = seq;
            first[seq] = line;
        } else {
            assert_string_equal(line, first[seq]);
            ++*repeats;
        }
    }
    mem_free(copy);
    return last;
}

static inline void rig_stop(struct rig *r)
{
    if (!r->m)
        return;
    mqtt_stop(r->m);
    for (int i = 0; i < 500 && !mqtt_join(r->m, 1); i++)
        rig_move_relay(r);
    r->m = NULL;
}

static inline void rig_close(struct rig *r)
{
    rig_stop(r);
    rig_cut(r);
    rig_end(&r->subscriber, SIGKILL);
    rig_end(&r->broker, SIGKILL);
    if (r->heard_fd >= 0)
        close(r->heard_fd);
    if (r->listener >= 0)
        close(r->listener);
    ring_destroy(r->out);
    buf_finish(&r->heard);
    fflush(stderr);
    dup2(r->saved_stderr, STDERR_FILENO);
    close(r->saved_stderr);
    if (rig_logged(r, "Sanitizer")) { /* its report went where our log goes */
        char *show = mem_printf("cat '%s' >&2", r->log_file);
        (void)!system(show);
        fail_msg("a sanitizer has something to say");
    }
    char *remove = mem_printf("rm -rf '%s'", r->dir);
    assert_int_equal(system(remove), 0);
    mem_free(remove);
}

#endif
