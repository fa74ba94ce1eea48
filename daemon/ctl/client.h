/* The client half of the control socket. Blocking, with a time limit. */
#ifndef DUST_CLIENT_H
#define DUST_CLIENT_H

#include <jansson.h>

struct client;

/* A data line, as text and parsed (both borrowed). ERR_OK, or anything else to get no more of them. */
typedef int (*client_line)(const char *text, const json_t *data, void *arg);

/* ERR_NOT_FOUND: nobody listens there; ERR_DENIED: not for this user; ERR_RANGE: too long a path; ERR_IO. */
int client_open(const char *path, struct client **out);

/* Sends a request (its reference is stolen) and reads up to the final line, a new reference in `final`.
 * ERR_CLOSED: the daemon hung up; ERR_TIMEOUT: silence for 30 s; ERR_FORMAT: what came is no answer. */
int client_ask(struct client *k, json_t *request, client_line each, void *arg, json_t **final);

/* NULL ok. */
void client_close(struct client *k);

#endif
