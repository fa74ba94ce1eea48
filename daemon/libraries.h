/* What libraries that several rooms use are told once. Apart from everything that knows base/err.h: OpenSSL
 * has names like ours. */
#ifndef DUST_LIBRARIES_H
#define DUST_LIBRARIES_H

/* jansson, SQLite and OpenSSL get their memory through base/mem.h: where they find none, the process says so
 * and ends with 71 as it does for our own, and nobody has to tell "no memory" from "damaged" or "bad file".
 * libyaml, libmodbus and libmosquitto cannot be given an allocator; they report it. First in main, before any
 * thread. */
void libraries_start(void);

#endif
