/* The control socket's server half: framing, sizes, peers, slow readers, clients that leave. */
#include "daemon/control.c"

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
static void settle(const struct fixture *f)
{
    struct pollfd p = {.fd = control_fd(f->control), .events = POLLIN};
    for (int i = 0; poll(&p, 1, 0) == 1; i++) {
        assert_in_range(i, 0, 100000); /* or the descriptor stays readable for nothing */
        control_step(f->control);
    }
}

static void say(const struct fixture *f, int fd, const char *text)
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

static const char *hear(const struct fixture *f, int fd, char text[static 4096])
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

static void the_seventeenth_client_is_told_and_closed(void **state)
{
    struct fixture *f = *state;
    int fds[CONTROL_CLIENTS_MAX + 1];
    for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
        fds[i] = dial(f);
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
    close(listen_on(&address)); /* as after a kill -9: the file stays */
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
