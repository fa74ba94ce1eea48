/* One SQLite connection as dustd wants it: EXCLUSIVE before WAL, synchronous FULL and read back, prepared
 * statements. One thread at a time. */
#ifndef DUST_DB_H
#define DUST_DB_H

#include "daemon/store/journal.h"
#include "daemon/store/sql.h"

#include <sqlite3.h>
#include <stdbool.h>

struct db {
    sqlite3 *handle;
    char *file;
    sqlite3_stmt *statement[SQL__COUNT];
    int frames; /* pages in the WAL after the last commit */
};

enum { DB_PAGE_BYTES = 4096 }; /* SQLite's default, of every database of ours */

/* DB_LOOK reads a file, with its WAL, on a file system that takes no writes: nobody can change it meanwhile,
 * so it is not locked, which would be a write. */
enum db_mode { DB_LOOK, DB_WRITE, DB_CREATE };

/* Opens the file and puts the settings in force. Statements are not prepared yet: the schema may still have
 * to be made. `d` must not move while open. ERR_DAMAGED: not a database; ERR_STATE: held by another process;
 * ERR_IO. db_close is due in any case. */
int db_open(struct db *d, const char *file, enum db_mode mode);
int db_prepare(struct db *d);

/* Accepts a closed one. The last connection's close folds the WAL into the file. */
void db_close(struct db *d);

/* A statement ready to be bound; db_run steps one that gives no rows, db_next one that does: ERR_OK with a
 * row, ERR_NOT_FOUND after the last. Both reset it when it has ended. */
sqlite3_stmt *db_use(struct db *d, enum sql which);
int db_run(struct db *d, enum sql which);
int db_next(struct db *d, enum sql which);
void db_reset(struct db *d, enum sql which);

/* A transaction; db_rollback is harmless without one. */
int db_begin(struct db *d);
int db_commit(struct db *d);
void db_rollback(struct db *d);

/* Runs a script of constant text. */
int db_script(struct db *d, const char *script);

/* The answer of a PRAGMA or count of constant text, 0 when there is none. */
int64_t db_number(struct db *d, const char *sql);

/* Never more than so many pages; fewer than there are already means: no page more. */
int db_limit_pages(struct db *d, int64_t pages);

/* backup.c. Everything as it is now in a file of its own, on the disk, whole or not at all; an older file of
 * that name is replaced. ERR_FULL when there is no room. */
int db_copy(struct db *d, const char *name);

/* Folds the WAL into the file, and cuts it to nothing if `empty`. */
int db_checkpoint(struct db *d, bool empty);

/* A row from the columns of a row statement. Strings are the caller's (row_finish). ERR_DAMAGED when a column
 * has not the type it must have. */
int db_row(struct db *d, enum sql which, struct row *row);

/* Copies a 32 byte blob column. */
int db_hash(struct db *d, enum sql which, int column, uint8_t hash[static HASH_SIZE]);

/* The text is borrowed until the statement is reset. */
int db_bind_text(struct db *d, enum sql which, int parameter, const char *text);

/* What SQLite's last answer means in our codes. */
int db_error(const struct db *d);

/* Whether the last failure leaves open if the transaction is on the disk. */
bool db_uncertain(const struct db *d);

const char *db_text(const struct db *d);

#endif
