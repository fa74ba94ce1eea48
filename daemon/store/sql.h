/* Every statement of the running daemon, prepared once when the database is opened. */
#ifndef DUST_SQL_H
#define DUST_SQL_H

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_CURSORS,
    SQL_CURSOR_SET,
    SQL_CURSORS_READ,
    SQL_EVENTS,
    SQL_HELD,
    SQL_HELD_ADD,
    SQL_HELD_DROP,
    SQL_META_GET,
    SQL_META_SET,
    SQL_MINUTES,
    SQL_RAWS,
    SQL_RAW_ADD,
    SQL_ROLLBACK,
    SQL_ROWS,
    SQL_ROW_ADD,
    SQL_ROW_HASH,
    SQL_ROW_LAST,
    SQL_SAMPLES,
    SQL_SAMPLES_EMPTY,
    SQL_SAMPLE_ADD,
    SQL_SPANS_READ,
    SQL_SPAN_ADD,
    SQL_SPAN_LAST,
    SQL_SPAN_NEXT,
    SQL_SPAN_OPEN,
    SQL__COUNT
};

extern const char *const sql_text[SQL__COUNT];

/* The columns of SQL_EVENTS, SQL_MINUTES, SQL_ROWS and SQL_ROW_LAST. */
enum { COLUMN_SEQ, COLUMN_AT, COLUMN_KIND, COLUMN_SUBJECT, COLUMN_HASH, COLUMN_BODY_SHA256, COLUMN_BODY };

#endif
