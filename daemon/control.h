/* The server half of the control socket: JSON lines over a Unix socket, one JSON object a request. It knows
 * nothing of verbs: it reads, checks the form, hands a request to the handler, and writes what the handler
 * answers, then or later. The protocol is described in docs/interface.md. Main is the only thread.
 *
 * A client has one request at a time: what it sends meanwhile waits unread. It is told in plain words when
 * its line is no JSON object with a text "do", or longer than CONTROL_REQUEST_MAX, and then waits for 50 ms.
 * A client that lets more than CONTROL_WAITING_MAX bytes of answer wait, takes longer than CONTROL_LINE_S
 * over a line, or is silent for CONTROL_IDLE_S, is dropped; one too many gets an error line and is closed. At
 * most 100 clients a second are accepted or turned away, after 200 at once; the others wait in the queue. */
#ifndef DUST_CONTROL_H
#define DUST_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    CONTROL_CLIENTS_MAX = 16,
    CONTROL_CLIENTS_OF_USER = 12,          /* of these: nobody can keep all others out */
    CONTROL_REQUEST_MAX = 16 * 1024,       /* bytes of a request, its line end included */
    CONTROL_WAITING_MAX = 8 * 1024 * 1024, /* bytes of answer waiting for one client */
    CONTROL_LINE_S = 10,                   /* wire time from the first byte of a line to its end */
    CONTROL_IDLE_S = 600,                  /* without a request, or without taking any of its answer */
};

struct control;

/* A request of `client` (its id; ids never repeat, 0 is none), whose process runs as `uid` (SO_PEERCRED at
 * the time it connected). `request` is an object with a text "do", borrowed. Exactly one control_finish must
 * follow, in the handler or later. */
typedef void (*control_handler)(uint64_t client, uid_t uid, json_t *request, void *arg);

/* Listens on `path` (mode 0660). A socket that is left over is removed, but only when nobody answers on it.
 * ERR_STATE: somebody answers there, or it is no socket (nothing is removed); ERR_RANGE: the path is too
 * long; ERR_IO with errno. */
int control_open(const char *path, control_handler handler, void *arg, struct control **out);

/* Gives the socket to the group `name`, as listener_give does: ERR_NOT_FOUND, ERR_DENIED. */
int control_give(struct control *c, const char *name);

/* The one descriptor to poll for POLLIN. */
int control_fd(const struct control *c);

/* Accepts, reads, calls the handler, writes what is waiting. Never blocks. `wire_us` is now. */
void control_step(struct control *c, int64_t wire_us);

/* Hands over no further request of this client for so long from the last step on. */
void control_pause(struct control *c, uint64_t client, int64_t for_us);

/* The open file that came with the client's request (SCM_RIGHTS), the caller's from now on; -1: none came, or
 * more than one. */
int control_take_file(struct control *c, uint64_t client);

/* Whether the client is still there. */
bool control_has(const struct control *c, uint64_t client);

/* A data line of the answer: `json_line` is one JSON text without a line end; copied. Nothing happens when
 * the client has left or has no open request. */
void control_line(struct control *c, uint64_t client, const char *json_line);

/* The last line of the answer; the reference of `final` is stolen, also when the client has left. */
void control_finish(struct control *c, uint64_t client, json_t *final);

/* Drops all clients and removes the socket, if it is still ours. NULL ok. */
void control_close(struct control *c);

#endif
