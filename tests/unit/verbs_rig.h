/* The rig with a control socket, asked by whoever the test says it is. */
#ifndef DUST_VERBS_RIG_H
#define DUST_VERBS_RIG_H

#include "daemon/control.h"
#include "tests/unit/pipeline_rig.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { MANAGER = 1001, STRANGER = 4711 };

static uid_t asking; /* the uid that the next request is said to come from */

static inline void as_asked(uint64_t client, uid_t uid, json_t *request, void *rig)
{
    (void)uid;
    verb_request(client, asking, request, &((struct rig *)rig)->d);
}

static inline int verbs_setup(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *r = *state;
    char *path = mem_printf("%s/control.sock", r->dir);
    assert_int_equal(control_open(path, as_asked, r, &r->d.control), ERR_OK);
    mem_free(path);
    return 0;
}

static inline int verbs_teardown(void **state)
{
    struct rig *r = *state;
    control_close(r->d.control);
    return rig_teardown(state);
}

static inline int dial(const struct rig *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", r->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void settle(const struct rig *r)
{
    struct pollfd p = {.fd = control_fd(r->d.control), .events = POLLIN};
    for (int i = 0; poll(&p, 1, 0) == 1; i++) {
        assert_in_range(i, 0, 10000);
        control_step(r->d.control, clock_wire_us());
    }
}

static inline void say(const struct rig *r, int fd, const char *request)
{
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    assert_int_equal(send(fd, "\n", 1, MSG_NOSIGNAL), 1);
    settle(r);
}

/* What has come so far, "" for nothing. */
static inline const char *heard(const struct rig *r, int fd, char text[static 16384])
{
    settle(r);
    ssize_t n = recv(fd, text, 16383, 0);
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* Asks, waits for the store as well, and takes the answer. */
static inline const char *ask_as(struct rig *r, uid_t uid, const char *request, char text[static 16384])
{
    int fd = dial(r);
    asking = uid;
    say(r, fd, request);
    text[0] = 0;
    for (int i = 0; i < 400 && !strstr(text, "\"ok\":"); i++) {
        struct pollfd p = {.fd = ring_fd(store_ring(r->d.store)), .events = POLLIN};
        batch_flush(&r->d);
        poll(&p, 1, 5);
        batch_store(&r->d);
        size_t got = strlen(text);
        char more[16384];
        snprintf(text + got, 16384 - got, "%s", heard(r, fd, more));
    }
    close(fd);
    settle(r);
    return text;
}

#define assert_says(r, uid, request, part)                 \
    do {                                                   \
        char text_[16384];                                 \
        if (!strstr(ask_as(r, uid, request, text_), part)) \
            fail_msg("%s: %s", request, text_);            \
    } while (0)

#endif
