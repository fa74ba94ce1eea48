/* A command as somebody sends it to cmd/<user>: read and turned into the control socket's request for the
 * same thing, so that both are carried out by the same code. Pure. docs/schema/cmd.json says the same for
 * other programs. */
#ifndef DUST_COMMAND_H
#define DUST_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMAND_ID_MAX = 64,       /* bytes */
    COMMAND_AHEAD_MS = 600000, /* it may expire at most so far ahead: as long is an id remembered */
    COMMAND_WHY_SIZE = 600,
};

#define COMMAND_PHOTO "issue.photo"

struct command {
    char id[COMMAND_ID_MAX + 1]; /* another one for each; "" none that could be read, only with an error */
    int64_t expires_ms;
    const char *name; /* static: "issue.assign" */
    json_t *request;  /* {"do":"act","verb":"assign",…}; the caller's to free */
};

/* ERR_FORMAT (`why`: what was found, what is allowed) or ERR_RANGE: it has expired, or expires too far ahead.
 * `out->request` is NULL then. `text` may be NULL: it was empty, no text, or too long for the line. What the
 * members say is checked by whoever carries it out. */
int command_read(const char *text, int64_t now_ms, struct command *out, char why[static COMMAND_WHY_SIZE]);

/* ERR_RANGE as command_read says it: asked again when its turn comes. */
int command_check_time(const struct command *c, int64_t now_ms, char why[static COMMAND_WHY_SIZE]);

/* Whether it is a part of a photo: there are hundreds of a photo, and only the last becomes a row. */
bool command_is_part(const struct command *c);

#endif
