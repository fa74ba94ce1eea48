/* The control socket's file: made so that at no moment others may connect, given to the user dustd, removed
 * at the end if it is still ours. Main thread. */
#ifndef DUST_LISTENER_H
#define DUST_LISTENER_H

#include <sys/types.h>

struct listener {
    int fd;
    char *path;
    dev_t device; /* identity of our file */
    ino_t inode;
};

/* Listens on `path`, mode 0660, for `backlog` connections that nobody has accepted yet. A socket that is left
 * over is removed, but only when nobody answers on it. ERR_STATE: somebody answers there, or it is no socket
 * (nothing is removed); ERR_RANGE: the path is too long; ERR_IO with errno. */
int listener_open(struct listener *l, const char *path, int backlog);

/* Gives the file to the group `name`, where there is one and this process may: as one of its members. Root
 * gives it to the user of that name as well. ERR_NOT_FOUND: there is no such group, the file stays as it is;
 * ERR_DENIED: not a member. */
int listener_give(struct listener *l, const char *name);

/* Ends listening, and removes the file, if it is still ours. */
void listener_close(struct listener *l);

#endif
