/* The control socket's server half: framing, sizes, peers, slow readers, clients that leave. */
#include "daemon/control.c"
#include "daemon/listener.c"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    char dir[64], path[96];
    struct control *control;
    int64_t now_us;
    int calls;
    uint64_t client; /* of the last request */
    uid_t uid;
    char verb[64];
};

static void answer_by_verb(uint64_t client, uid_t uid, json_t *request, void *arg)
{
    struct fixture *f = arg;
    const char *verb = json_string_value(json_object_get(request, "do"));
    f->calls++;
    f->client = client;
    f->uid = uid;
    snprintf(f->verb, sizeof f->verb, "%.60s", verb);
    if (strcmp(verb, "later") == 0)
        return;
    if (strcmp(verb, "lines") == 0) {
        control_line(f->control, client, "{\"n\":1}");
        control_line(f->control, client, "{\"n\":2}");
    }
    control_finish(f->control, client, json_pack("{s:b,s:s}", "ok", 1, "did", verb));
}

static int setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    f->now_us = 1000000;
    strcpy(f->dir, "/tmp/dust-control-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/control.sock", f->dir);
    assert_int_equal(control_open(f->path, answer_by_verb, f, &f->control), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    control_close(f->control);
    unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    mem_free(f);
    return 0;
}

static int dial(const struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, f->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Main's loop: a step whenever the descriptor is readable, until nothing happens any more. */
static void settle_now(struct fixture *f)
{
    struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};
    for (int i = 0; poll(&p, 1, 0) == 1; i++) {
        assert_in_range(i, 0, 100000); /* or the descriptor stays readable for nothing */
        control_step(f->control, f->now_us);
    }
}

static bool is_anybody_paused(const struct fixture *f)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (f->control->clients[i].id && f->control->clients[i].paused_us)
            return true;
    return false;
}

/* And until nobody is paused any more. */
static void settle(struct fixture *f)
{
    settle_now(f);
    while (is_anybody_paused(f)) {
        f->now_us += 10000;
        control_step(f->control, f->now_us);
        settle_now(f);
    }
}

static void pass_s(struct fixture *f, int seconds)
{
    f->now_us += seconds * 1000000LL;
    control_step(f->control, f->now_us);
    settle(f);
}

static void say(struct fixture *f, int fd, const char *text)
{
    size_t length = strlen(text);
    while (length) {
        ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
        settle(f);
    }
}

static const char *hear(struct fixture *f, int fd, char text[static 4096])
{
    settle(f);
    ssize_t n = recv(fd, text, 4095, 0);
    text[n > 0 ? n : 0] = 0;
    return n == 0 ? "<closed>" : text;
}

#define assert_hears(f, fd, want) assert_string_equal(hear(f, fd, (char[4096]){0}), want)

static void a_request_is_answered_with_data_lines_and_one_final_line(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"lines\"}\n");
    assert_hears(f, fd, "{\"n\":1}\n{\"n\":2}\n{\"ok\":true,\"did\":\"lines\"}\n");
    close(fd);
}

static void a_request_in_single_bytes_is_one_request(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    const char *text = "{\"do\":\"status\"}\r\n";
    for (size_t i = 0; text[i]; i++)
        say(f, fd, (char[2]){text[i], 0});
    assert_int_equal(f->calls, 1);
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void requests_sent_together_are_answered_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"a\"}\n{\"do\":\"b\"}\n{\"do\":\"c\"}\n");
    assert_hears(f, fd,
                 "{\"ok\":true,\"did\":\"a\"}\n{\"ok\":true,\"did\":\"b\"}\n{\"ok\":true,\"did\":\"c\"}\n");
    close(fd);
}

static void the_next_request_waits_until_the_open_one_is_answered(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"later\"}\n{\"do\":\"b\"}\n");
    assert_int_equal(f->calls, 1);
    control_finish(f->control, f->client, json_pack("{s:b}", "ok", 1));
    assert_hears(f, fd, "{\"ok\":true}\n{\"ok\":true,\"did\":\"b\"}\n");
    assert_int_equal(f->calls, 2);
    close(fd);
}

static void a_full_pipeline_behind_an_open_request_is_not_taken_for_a_hang_up(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    char text[20000];
    memset(text, ' ', sizeof text);
    memcpy(text, "{\"do\":\"later\"}\n", 15);
    text[8000] = '\n'; /* "   ...\n": not JSON; then more than the buffer holds */
    assert_true(send(fd, text, sizeof text, 0) > 0);
    settle(f);
    control_finish(f->control, f->client, json_pack("{s:b}", "ok", 1));
    settle(f);
    say(f, fd, "\n{\"do\":\"b\"}\n");
    char heard[4096];
    hear(f, fd, heard);
    assert_non_null(strstr(heard, "{\"ok\":true,\"did\":\"b\"}\n"));
    close(fd);
}

static void what_is_no_request_is_refused_in_words_and_the_client_stays(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "hello\n",
        "\n",
        "[1,2]\n",
        "{\"do\":5}\n",
        "{}\n",
        "{\"do\":\"a\",\"do\":\"b\"}\n",
        "{\"do\":\"a\"} x\n",
        "{\"do\":\"\xff\"}\n",
        "{\"do\":\"a\\u0000\"}\n",
        "{\"do\":\"a\"\n",
        "{'do':'a'}\n",
        "{\"do\":\"a\",\"n\":01}\n",
        "{\"do\":\"a\",\"n\":1e999}\n",
        "{\"do\":\"a\",\"n\":NaN}\n",
        "{\"do\":\"\xc0\xaf\"}\n",        /* overlong */
        "{\"do\":\"\xed\xa0\x80\"}\n",    /* half a surrogate pair */
        "{\"do\":\"\\ud800\"}\n",         /* the same, escaped */
        "{\"do\":\"a\",\"\\u0000\":1}\n", /* NUL in a name */
        "{\"do\":null}\n",
        "{\"Do\":\"a\"}\n",
        "\"do\"\n",
    };
    int fd = dial(f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char heard[4096];
        say(f, fd, bad[i]);
        hear(f, fd, heard);
        assert_non_null(strstr(heard, "{\"ok\":false,\"error\":\"the request is not "));
    }
    assert_int_equal(f->calls, 0);
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void nesting_without_end_is_refused(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    char text[CONTROL_REQUEST_MAX + 1], heard[4096];
    static const char *const deep[] = {"[", "{\"do\":"};
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        size_t unit = strlen(deep[i]), length = 0;
        for (; length + unit < CONTROL_REQUEST_MAX; length += unit)
            memcpy(text + length, deep[i], unit);
        text[length] = '\n';
        text[length + 1] = 0;
        say(f, fd, text);
        hear(f, fd, heard);
        assert_non_null(strstr(heard, "maximum parsing depth"));
    }
    assert_int_equal(f->calls, 0);
    close(fd);
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    struct fixture *f = *state;
    static const char whole[] = "{\"do\":\"ab\"}\n";
    char text[sizeof whole], heard[4096];
    int fd = dial(f);
    for (size_t i = 0; i < sizeof whole - 2; i++) {
        memcpy(text, whole, sizeof whole);
        text[i] = 0;
        assert_int_equal(send(fd, text, sizeof whole - 1, MSG_NOSIGNAL), (ssize_t)sizeof whole - 1);
        hear(f, fd, heard);
        assert_non_null(strstr(heard, "\"ok\":false"));
    }
    assert_int_equal(f->calls, 0);
    close(fd);
}

/* A request of `length` bytes, its line end included. */
static char *request_of(size_t length)
{
    char *text = mem_array(length + 1, 1);
    memset(text, ' ', length);
    memcpy(text, "{\"do\":\"long\"}", 13);
    text[length - 1] = '\n';
    return text;
}

static void a_request_of_16_kib_is_taken_and_one_byte_more_refused(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    char *text = request_of(CONTROL_REQUEST_MAX);
    say(f, fd, text);
    mem_free(text);
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"long\"}\n");
    text = request_of(CONTROL_REQUEST_MAX + 1);
    say(f, fd, text);
    mem_free(text);
    assert_hears(f, fd, "{\"ok\":false,\"error\":\"the request is longer than 16384 bytes\"}\n");
    text = request_of(5 * CONTROL_REQUEST_MAX);
    say(f, fd, text);
    mem_free(text);
    assert_hears(f, fd, "{\"ok\":false,\"error\":\"the request is longer than 16384 bytes\"}\n");
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void the_handler_learns_who_asks(void **state)
{
    struct fixture *f = *state;
    f->uid = 12345;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_int_equal(f->uid, getuid());
    close(fd);
}

static void ids_never_repeat(void **state)
{
    struct fixture *f = *state;
    uint64_t last = 0;
    for (int i = 0; i < 40; i++) {
        int fd = dial(f);
        say(f, fd, "{\"do\":\"status\"}\n");
        assert_true(f->client > last);
        last = f->client;
        close(fd);
        settle(f);
    }
}

static void an_answer_to_a_client_that_left_does_no_harm(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"later\"}\n");
    close(fd);
    settle(f);
    int other = dial(f); /* takes the same slot, not the same id */
    settle(f);
    control_line(f->control, f->client, "{\"n\":1}");
    control_finish(f->control, f->client, json_pack("{s:b}", "ok", 1));
    char heard[4096];
    hear(f, other, heard);
    assert_string_equal(heard, "");
    close(other);
}

static void a_client_that_ended_its_side_still_gets_its_answer(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"later\"}\n");
    shutdown(fd, SHUT_WR);
    settle(f);
    control_finish(f->control, f->client, json_pack("{s:b}", "ok", 1));
    assert_hears(f, fd, "{\"ok\":true}\n");
    assert_hears(f, fd, "<closed>");
    close(fd);
}

static void a_second_finish_is_ignored(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(f, fd, "{\"do\":\"status\"}\n");
    control_line(f->control, f->client, "{\"n\":1}");
    control_finish(f->control, f->client, json_pack("{s:b}", "ok", 0));
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void a_long_answer_reaches_a_reader_that_takes_its_time(void **state)
{
    struct fixture *f = *state;
    enum { LINES = 40000 };
    int fd = dial(f);
    char line[128];
    size_t want = 0, got = 0;
    say(f, fd, "{\"do\":\"later\"}\n");
    for (int i = 0; i < LINES; i++) {
        want +=
            (size_t)snprintf(line, sizeof line, "{\"n\":%d,\"filler\":\"%0100d\"}", i, 0) % sizeof line + 1;
        control_line(f->control, f->client, line);
    }
    control_finish(f->control, f->client, json_pack("{s:b}", "ok", 1));
    want += strlen("{\"ok\":true}\n");
    while (got < want) {
        char some[30000];
        settle(f);
        ssize_t n = recv(fd, some, sizeof some, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_int_equal(got, want);
    close(fd);
}

static void a_client_that_does_not_read_is_dropped_at_8_mib_and_others_are_served(void **state)
{
    struct fixture *f = *state;
    int slow = dial(f), other = dial(f);
    say(f, slow, "{\"do\":\"later\"}\n");
    uint64_t id = f->client;
    char line[8192];
    memset(line, 'x', sizeof line);
    line[0] = line[sizeof line - 2] = '"';
    line[sizeof line - 1] = 0;
    for (int i = 0; i < 1200; i++)
        control_line(f->control, id, line);
    assert_null(find(f->control, id));
    control_finish(f->control, id, json_pack("{s:b}", "ok", 1));
    say(f, other, "{\"do\":\"status\"}\n");
    assert_hears(f, other, "{\"ok\":true,\"did\":\"status\"}\n");
    close(slow);
    close(other);
}

static void what_a_steady_reader_has_taken_is_not_kept(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    char line[4096], some[65536];
    memset(line, 'x', sizeof line);
    line[0] = line[sizeof line - 2] = '"';
    line[sizeof line - 1] = 0;
    say(f, fd, "{\"do\":\"later\"}\n");
    for (int i = 0; i < 20000; i++) { /* 80 MB, always about 1 MB behind */
        control_line(f->control, f->client, line);
        settle(f);
        if (i > 300)
            assert_true(recv(fd, some, sizeof line, 0) > 0);
    }
    assert_in_range(find(f->control, f->client)->out.room, 0, CONTROL_WAITING_MAX);
    close(fd);
}

/* A client of another user: as if the system had said so. */
static int dial_as(struct fixture *f, uid_t uid)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    add_client(f->control, pair[1], uid);
    return pair[0];
}

static void the_seventeenth_client_is_told_and_closed(void **state)
{
    struct fixture *f = *state;
    int fds[CONTROL_CLIENTS_MAX + 1];
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
        fds[i] = dial_as(f, (uid_t)i);
        settle(f);
    }
    assert_hears(f, fds[CONTROL_CLIENTS_MAX], "{\"ok\":false,\"error\":\"too many clients\"}\n");
    assert_hears(f, fds[CONTROL_CLIENTS_MAX], "<closed>");
    say(f, fds[0], "{\"do\":\"status\"}\n");
    assert_hears(f, fds[0], "{\"ok\":true,\"did\":\"status\"}\n");
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
    settle(f);
    int fd = dial(f);
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void one_user_cannot_keep_all_others_out(void **state)
{
    struct fixture *f = *state;
    int fds[CONTROL_CLIENTS_OF_USER + 1];
    for (int i = 0; i <= CONTROL_CLIENTS_OF_USER; i++) {
        fds[i] = dial(f);
        settle(f);
    }
    assert_hears(f, fds[CONTROL_CLIENTS_OF_USER],
                 "{\"ok\":false,\"error\":\"too many clients of your user\"}\n");
    assert_hears(f, fds[CONTROL_CLIENTS_OF_USER], "<closed>");
    int other = dial_as(f, getuid() + 1);
    say(f, other, "{\"do\":\"status\"}\n");
    assert_hears(f, other, "{\"ok\":true,\"did\":\"status\"}\n");
    assert_int_equal(f->uid, getuid() + 1);
    close(other);
    for (int i = 0; i <= CONTROL_CLIENTS_OF_USER; i++)
        close(fds[i]);
}

static void a_flood_of_what_is_no_request_waits_50_ms_for_each_refusal(void **state)
{
    struct fixture *f = *state;
    enum { LINES = 1000 };
    int fd = dial(f);
    size_t heard = 0;
    char some[65536];
    for (int i = 0; i < 2 * LINES; i++)
        some[i] = "x\n"[i % 2];
    assert_int_equal(send(fd, some, (size_t)2 * LINES, MSG_NOSIGNAL), 2 * LINES);
    for (int i = 0; i < 1000; i++, f->now_us += 1000) { /* one second */
        control_step(f->control, f->now_us);
        settle_now(f);
    }
    ssize_t n = recv(fd, some, sizeof some, 0);
    for (ssize_t i = 0; i < n; i++)
        heard += some[i] == '\n';
    assert_in_range(heard, 19, 21);
    close(fd);
}

static void a_pause_lets_one_client_wait_and_no_other(void **state)
{
    struct fixture *f = *state;
    int slow = dial(f), other = dial(f);
    say(f, slow, "{\"do\":\"a\"}\n");
    assert_hears(f, slow, "{\"ok\":true,\"did\":\"a\"}\n");
    control_pause(f->control, f->client, 500000);
    assert_true(send(slow, "{\"do\":\"b\"}\n", 11, MSG_NOSIGNAL) == 11);
    settle_now(f);
    assert_int_equal(f->calls, 1);
    assert_true(send(other, "{\"do\":\"c\"}\n", 11, MSG_NOSIGNAL) == 11);
    settle_now(f);
    assert_string_equal(f->verb, "c");
    f->now_us += 500000;
    control_step(f->control, f->now_us);
    settle_now(f);
    assert_string_equal(f->verb, "b");
    close(slow);
    close(other);
}

static void a_client_that_has_ended_its_side_and_waits_is_still_served(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    assert_true(send(fd, "x\n{\"do\":\"b\"}\n", 13, MSG_NOSIGNAL) == 13);
    shutdown(fd, SHUT_WR);
    settle(f);
    assert_string_equal(f->verb, "b");
    close(fd);
}

static void half_a_line_is_waited_for_10_s_and_dripping_does_not_help(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    for (int i = 0; i < CONTROL_LINE_S; i++) {
        say(f, fd, "{");
        assert_hears(f, fd, "");
        pass_s(f, 1);
    }
    assert_hears(f, fd, "<closed>");
    close(fd);
}

static void a_half_open_client_is_dropped_after_ten_minutes(void **state)
{
    struct fixture *f = *state;
    int idle = dial(f), waiting = dial(f), steady = dial(f);
    say(f, waiting, "{\"do\":\"later\"}\n");
    for (int i = 0; i < CONTROL_IDLE_S / 60; i++) {
        char heard[4096];
        pass_s(f, 60);
        say(f, steady, "{\"do\":\"status\"}\n");
        hear(f, steady, heard);
    }
    assert_hears(f, idle, "<closed>");
    assert_hears(f, waiting, ""); /* it waits for us, not we for it */
    assert_hears(f, steady, "");
    close(idle);
    close(waiting);
    close(steady);
}

static void a_reader_that_takes_nothing_for_ten_minutes_is_dropped(void **state)
{
    struct fixture *f = *state;
    enum { BYTES = 2 * 1024 * 1024 }; /* more than the system keeps for it, less than 8 MiB */
    int fd = dial(f);
    char line[8192];
    memset(line, 'x', sizeof line);
    line[0] = line[sizeof line - 2] = '"';
    line[sizeof line - 1] = 0;
    say(f, fd, "{\"do\":\"later\"}\n");
    uint64_t id = f->client;
    for (int i = 0; i < BYTES / (int)sizeof line; i++)
        control_line(f->control, id, line);
    control_finish(f->control, id, json_pack("{s:b}", "ok", 1));
    settle(f);
    pass_s(f, CONTROL_IDLE_S - 1);
    assert_non_null(find(f->control, id));
    while (recv(fd, line, sizeof line, 0) > 0) /* what the system has kept for it: room for more */
        ;
    settle(f);
    pass_s(f, CONTROL_IDLE_S - 1);
    assert_non_null(find(f->control, id));
    pass_s(f, 2);
    assert_null(find(f->control, id));
    close(fd);
}

static void a_flood_of_connects_waits_in_the_queue_and_costs_nothing(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, f->path);
    int taken = 0, refused = 0;
    for (int i = 0; i < 2000; i++) { /* in one moment */
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
            taken++;
        else
            refused += errno == EAGAIN;
        close(fd);
        settle_now(f);
    }
    assert_int_equal(taken, connects.burst + CONTROL_CLIENTS_MAX + 1);
    assert_int_equal(taken + refused, 2000);
    struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0); /* main sleeps though sixteen wait */
    pass_s(f, 1);
    int fd = dial(f);
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void the_timer_wakes_main_for_a_pause_that_is_over(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    assert_true(send(fd, "x\n{\"do\":\"b\"}\n", 13, MSG_NOSIGNAL) == 13);
    settle_now(f);
    struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    f->now_us += MALFORMED_PAUSE_US;
    control_step(f->control, f->now_us);
    assert_string_equal(f->verb, "b");
    close(fd);
}

static void root_gives_the_socket_to_a_user_and_its_group(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    const struct passwd *user = getpwnam("daemon");
    if (geteuid() != 0 || !user || !getgrnam("daemon"))
        skip(); /* not root, or not a Debian */
    assert_int_equal(control_give(f->control, "daemon"), ERR_OK);
    assert_int_equal(lstat(f->path, &st), 0);
    assert_int_equal(st.st_uid, user->pw_uid);
    assert_int_equal(st.st_gid, getgrnam("daemon")->gr_gid);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void where_there_is_no_such_group_the_socket_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct stat before, after;
    assert_int_equal(lstat(f->path, &before), 0);
    assert_int_equal(control_give(f->control, "no-such-group-here"), ERR_NOT_FOUND);
    assert_int_equal(lstat(f->path, &after), 0);
    assert_int_equal(after.st_gid, before.st_gid);
}

static void only_owner_and_group_may_connect(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(lstat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_socket_in_use_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct control *second = NULL;
    assert_int_equal(control_open(f->path, answer_by_verb, f, &second), ERR_STATE);
    int fd = dial(f);
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void a_socket_nobody_answers_on_is_replaced(void **state)
{
    struct fixture *f = *state;
    control_close(f->control);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, f->path);
    close(listen_on(&address, 1)); /* as after a kill -9: the file stays */
    assert_int_equal(control_open(f->path, answer_by_verb, f, &f->control), ERR_OK);
    int fd = dial(f);
    say(f, fd, "{\"do\":\"status\"}\n");
    assert_hears(f, fd, "{\"ok\":true,\"did\":\"status\"}\n");
    close(fd);
}

static void closing_removes_the_socket_but_not_what_took_its_place(void **state)
{
    struct fixture *f = *state;
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside", f->dir);
    assert_int_equal(rename(f->path, aside), 0);
    close(open(f->path, O_CREAT | O_WRONLY, 0600));
    control_close(f->control);
    assert_int_equal(access(f->path, F_OK), 0);
    unlink(f->path);
    unlink(aside);
    assert_int_equal(control_open(f->path, answer_by_verb, f, &f->control), ERR_OK);
    control_close(f->control);
    assert_int_not_equal(access(f->path, F_OK), 0);
    f->control = NULL;
}

static void a_file_that_is_no_socket_is_never_removed(void **state)
{
    struct fixture *f = *state;
    struct control *second = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/file", f->dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(control_open(path, answer_by_verb, f, &second), ERR_STATE);
    assert_int_equal(unlink(path), 0);
}

static void a_path_that_does_not_fit_or_exist_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct control *second = NULL;
    char path[300];
    snprintf(path, sizeof path, "%s/%0200d", f->dir, 0);
    assert_int_equal(control_open(path, answer_by_verb, f, &second), ERR_RANGE);
    snprintf(path, sizeof path, "%s/no/control.sock", f->dir);
    assert_int_equal(control_open(path, answer_by_verb, f, &second), ERR_IO);
    control_close(NULL);
}

int main(void)
{
    log_open("test_control", LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_with_data_lines_and_one_final_line),
        TEST(a_request_in_single_bytes_is_one_request),
        TEST(requests_sent_together_are_answered_one_after_the_other),
        TEST(the_next_request_waits_until_the_open_one_is_answered),
        TEST(a_full_pipeline_behind_an_open_request_is_not_taken_for_a_hang_up),
        TEST(what_is_no_request_is_refused_in_words_and_the_client_stays),
        TEST(a_request_of_16_kib_is_taken_and_one_byte_more_refused),
        TEST(nesting_without_end_is_refused),
        TEST(a_nul_byte_is_refused_wherever_it_stands),
        TEST(one_user_cannot_keep_all_others_out),
        TEST(a_flood_of_what_is_no_request_waits_50_ms_for_each_refusal),
        TEST(a_pause_lets_one_client_wait_and_no_other),
        TEST(a_client_that_has_ended_its_side_and_waits_is_still_served),
        TEST(half_a_line_is_waited_for_10_s_and_dripping_does_not_help),
        TEST(a_half_open_client_is_dropped_after_ten_minutes),
        TEST(a_reader_that_takes_nothing_for_ten_minutes_is_dropped),
        TEST(a_flood_of_connects_waits_in_the_queue_and_costs_nothing),
        TEST(the_timer_wakes_main_for_a_pause_that_is_over),
        TEST(root_gives_the_socket_to_a_user_and_its_group),
        TEST(where_there_is_no_such_group_the_socket_stays_as_it_is),
        TEST(the_handler_learns_who_asks),
        TEST(ids_never_repeat),
        TEST(an_answer_to_a_client_that_left_does_no_harm),
        TEST(a_client_that_ended_its_side_still_gets_its_answer),
        TEST(a_second_finish_is_ignored),
        TEST(a_long_answer_reaches_a_reader_that_takes_its_time),
        TEST(a_client_that_does_not_read_is_dropped_at_8_mib_and_others_are_served),
        TEST(what_a_steady_reader_has_taken_is_not_kept),
        TEST(the_seventeenth_client_is_told_and_closed),
        TEST(only_owner_and_group_may_connect),
        TEST(a_socket_in_use_is_left_alone),
        TEST(a_socket_nobody_answers_on_is_replaced),
        TEST(closing_removes_the_socket_but_not_what_took_its_place),
        TEST(a_file_that_is_no_socket_is_never_removed),
        TEST(a_path_that_does_not_fit_or_exist_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
