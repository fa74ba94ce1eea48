/* Any bytes on the control socket, in pieces: every line gets one final line, nothing crashes, and the client
 * is dropped when it leaves. */
#include "daemon/control.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(uint64_t client, uid_t uid, json_t *request, void *arg)
{
    struct control **c = arg;
    (void)uid;
    if (!json_is_string(json_object_get(request, "do")))
        abort();
    control_line(*c, client, "{}");
    control_finish(*c, client, json_pack("{s:b}", "ok", 1));
}

/* Steps until nothing is left to do; counts the final lines. Time passes only while the client is paused. */
static size_t settle(struct control *c, int fd)
{
    size_t finals = 0;
    int64_t now_us = c->now_us;
    struct epoll_event event;
    while (epoll_wait(control_fd(c), &event, 1, 0) == 1 || c->clients[0].paused_us) {
        static const char mark[] = "\"ok\":";
        char heard[65536 + 1];
        now_us = c->clients[0].paused_us ? c->clients[0].paused_us : now_us;
        control_step(c, now_us);
        ssize_t n = recv(fd, heard, sizeof heard - 1, MSG_DONTWAIT);
        heard[n > 0 ? n : 0] = 0;
        for (const char *at = heard; (at = strstr(at, mark)); at++)
            finals++;
    }
    return finals;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/fuzz-control-XXXXXX", file[64];
    struct control *c = NULL;
    int pair[2];
    size_t lines = 0, finals = 0;
    log_open("fuzz", LOG_LEVEL_ERROR);
    if (!mkdtemp(path) || snprintf(file, sizeof file, "%s/s", path) < 0 ||
        control_open(file, answer, &c, &c) != ERR_OK ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    add_client(c, pair[1], 0);
    for (size_t at = 0; at < size;) {
        size_t piece = 1 + data[at] * 97u % 30000;
        piece = piece < size - at ? piece : size - at;
        ssize_t n = send(pair[0], data + at, piece, MSG_DONTWAIT);
        for (ssize_t i = 0; i < n; i++)
            lines += data[at + (size_t)i] == '\n';
        at += n > 0 ? (size_t)n : 0;
        finals += settle(c, pair[0]);
    }
    if (finals != lines)
        abort();
    close(pair[0]);
    control_step(c, c->now_us);
    if (find(c, 1))
        abort();
    control_close(c);
    rmdir(path);
    return 0;
}
