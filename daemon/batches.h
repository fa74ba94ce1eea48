/* Rows and chunks to the store, and what follows from a commit. Main thread. */
#ifndef DUST_BATCHES_H
#define DUST_BATCHES_H

#include <stdint.h>

struct dustd;

/* What waits for a row to be committed before anybody is told. */
struct told {
    int64_t seq;
    char issue[32];  /* "": no step of an issue */
    uint64_t client; /* control client to answer; 0: none */
    char source[32]; /* of an input over MQTT, "" of one by a client, and */
    char *reply;     /* what it is told; a client: what looked odd; NULL: nothing */
};

/* Who asks the store: a control client's id, or an uplink, of which each thread has a number of its own. */
#define ASKER_UPLINK ((uint64_t)1 << 63)
#define ASKER_HEALTH ((uint64_t)0) /* client 0, which is none */

/* Hands the batch to the store with the cursors as they are, if there is anything in it; while the store has
 * no room it goes on being filled. */
void batch_flush(struct dustd *d);

/* The running minute's samples that the sample table lacks, into the batch. */
void batch_chunk(struct dustd *d);

/* Takes the store's messages: commits, pages, trouble. */
void batch_store(struct dustd *d);

/* Once row `seq` is on the disk: the issue ("" none) is published, the control client (0 none) is answered;
 * or `source` is told `reply`, which is taken (mem_free). */
void batch_tell(struct dustd *d, int64_t seq, const char *issue, uint64_t client);
void batch_reply(struct dustd *d, int64_t seq, const char *source, char *reply);

/* The client that waits for that row hears this too; "" nothing. */
void batch_note(struct dustd *d, int64_t seq, const char *note);

#endif
