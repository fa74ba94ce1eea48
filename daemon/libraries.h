/* What libraries that several rooms use are told once. Apart from everything that knows base/err.h: OpenSSL
 * has names like ours. */
#ifndef DUST_LIBRARIES_H
#define DUST_LIBRARIES_H

/* jansson, SQLite and OpenSSL (and libcurl, when it is loaded: curl_calls.h) get their memory through
 * base/mem.h: where they find none, the process says so and ends with 71 as it does for our own, and nobody
 * has to tell "no memory" from "damaged" or "bad file". libyaml, libmodbus and libmosquitto cannot be given
 * an allocator; they report it. First in main, before any thread. */
void libraries_start(void);

/* Gives back the memory that only the start needed: what malloc has free, and the pages of the program and
 * its libraries that nobody writes to (relocations, the registration of OpenSSL's algorithms, the YAML
 * parser; some 7 MB). What is used again comes back from the page cache, or from the disk, as any such page
 * does that the kernel has taken away. Main thread, after the start and after a reload. A debugger's
 * breakpoints are given back too: set them afterwards. */
void libraries_settle(void);

/* The end of a daemon that has closed all it had: leaves with `code`, without what libraries would do then.
 * Gnutls, which libcurl brings, asks for memory at that moment, and glibc ends a process that has none with
 * 127. Returns `code` where a sanitizer has yet to look. Main thread. */
int libraries_leave(int code);

#endif
