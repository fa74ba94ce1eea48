/* One convention for every function that can fail: int, ERR_OK == 0, else one of these negative codes;
 * results go through pointers. A bool answers a yes/no question only. Any thread may use this header. */
#ifndef DUST_ERR_H
#define DUST_ERR_H

enum err {
    ERR_OK = 0,
    ERR_IO = -1,        /* the system or a device said no; errno may say more */
    ERR_FORMAT = -2,    /* input that cannot be read */
    ERR_RANGE = -3,     /* a value outside what is allowed */
    ERR_NOT_FOUND = -4, /* no such thing */
    ERR_FULL = -5,      /* no room left: ring, disk, table */
    ERR_STATE = -6,     /* not now: the thing is in another state */
    ERR_DENIED = -7,    /* not you */
    ERR_TIMEOUT = -8,   /* no answer in time */
    ERR_CLOSED = -9,    /* the far end is gone */
    ERR_DAMAGED = -10,  /* stored data fail their own check */
    ERR_VERSION = -11,  /* made by a newer program */
    ERR__LAST = -11
};

/* Exit codes of our programs (design: 0 also after SIGTERM). 78 is EX_CONFIG of sysexits.h, 71 EX_OSERR. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_UNPROVEN = 3,
    EXIT_NO_MEMORY = 71,
    EXIT_CONFIG = 78
};

/* English text of a code; never NULL, static. */
const char *err_str(int code);

#endif
