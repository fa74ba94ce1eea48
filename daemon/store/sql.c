#include "daemon/store/sql.h"

#define ROW   "SELECT seq, at_ms, kind, subject, hash, body_sha256, body FROM journal "
#define RANGE "WHERE seq > ?1 AND seq <= ?2 AND at_ms >= ?3 AND at_ms < ?4 "

/* Almost every row is a minute, so only the others are indexed by kind, and only for them that helps. */
const char *const sql_text[SQL__COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BODIES_DELETE] = "UPDATE journal SET body = NULL WHERE seq > ?1 AND seq <= ?2 AND kind = 'minute'",
    [SQL_COMMIT] = "COMMIT",
    [SQL_CURSORS] = "SELECT uplink, seq, lost FROM cursor ORDER BY uplink",
    [SQL_CURSOR_SET] =
        "INSERT INTO cursor(uplink, seq, lost) VALUES(?1, ?2, ?3) "
        "ON CONFLICT(uplink) DO UPDATE SET seq = excluded.seq, lost = max(lost, excluded.lost)",
    [SQL_CURSORS_READ] = "SELECT total(length(uplink)), total(seq) FROM cursor",
    [SQL_EVENTS] =
        "SELECT seq, at_ms, kind, subject, hash, body_sha256, body "
        "FROM journal INDEXED BY journal_event " RANGE "AND kind = ?5 AND kind <> 'minute' ORDER BY seq",
    [SQL_HELD] = "SELECT number, at_ms, boot, kind, data FROM held WHERE number > ?1 ORDER BY number",
    [SQL_HELD_ADD] =
        "INSERT OR REPLACE INTO held(number, at_ms, boot, kind, data) VALUES(?1, ?2, ?3, ?4, ?5)",
    [SQL_HELD_DROP] = "DELETE FROM held WHERE number <= ?1",
    [SQL_KEEP_DONE] = "UPDATE keep SET done = ?2 WHERE what = ?1",
    [SQL_KEEP_GET] = "SELECT done, goal FROM keep WHERE what = ?1",
    [SQL_KEEP_GOAL] = "UPDATE keep SET goal = max(goal, ?2) WHERE what = ?1",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SQL_META_SET] = "INSERT INTO meta(name, value) VALUES(?1, ?2)",
    [SQL_MINUTES] = ROW RANGE "AND kind = 'minute' ORDER BY seq",
    [SQL_OLD_BODIES] = "SELECT seq, at_ms, length(CAST(body AS BLOB)) FROM journal "
                       "WHERE seq > ?1 AND seq < ?2 AND kind = 'minute' AND body NOT NULL ORDER BY seq",
    [SQL_OLD_RAWS] =
        "SELECT raw.seq, at_ms, length(data) FROM raw CROSS JOIN journal ON journal.seq = raw.seq "
        "WHERE raw.seq > ?1 AND raw.seq < ?2 ORDER BY raw.seq",
    [SQL_PAGES] = "PRAGMA page_count",
    [SQL_PAGES_FREE] = "PRAGMA freelist_count",
    [SQL_RAWS] = "SELECT raw.seq, at_ms, data FROM raw CROSS JOIN journal ON journal.seq = raw.seq "
                 "WHERE raw.seq > ?1 AND raw.seq <= ?2 AND at_ms >= ?3 AND at_ms < ?4 "
                 "AND kind = 'minute' ORDER BY raw.seq",
    [SQL_RAWS_DELETE] = "DELETE FROM raw WHERE seq > ?1 AND seq <= ?2",
    [SQL_RAW_ADD] = "INSERT OR REPLACE INTO raw(seq, data) VALUES(?1, ?2)",
    [SQL_RAW_FIRST] = "SELECT min(seq) FROM raw",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_ROWS] = ROW RANGE "ORDER BY seq",
    [SQL_ROW_ADD] = "INSERT INTO journal(seq, at_ms, kind, subject, hash, body_sha256, body) "
                    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_ROW_DATED] = "SELECT at_ms FROM journal WHERE kind <> 'verdict' ORDER BY seq DESC LIMIT 1",
    [SQL_ROW_HASH] = "SELECT hash FROM journal WHERE seq = ?1",
    [SQL_ROW_LAST] = ROW "ORDER BY seq DESC LIMIT 1",
    [SQL_SAMPLES] = "SELECT number, data FROM sample ORDER BY number",
    [SQL_SAMPLES_EMPTY] = "DELETE FROM sample",
    [SQL_SAMPLE_ADD] = "INSERT OR REPLACE INTO sample(number, data) VALUES(?1, ?2)",
    [SQL_SPANS_READ] = "SELECT total(seq), total(from_ms), total(to_ms) FROM span",
    [SQL_SPAN_ADD] = "INSERT INTO span(seq, from_ms, to_ms) VALUES(?1, ?2, ?3)",
    [SQL_SPAN_LAST] = "SELECT max(seq) FROM span",
    [SQL_SPAN_NEXT] = "SELECT seq FROM span WHERE seq > ?1 AND to_ms >= ?2 AND from_ms < ?3 "
                      "ORDER BY seq LIMIT 1",
    [SQL_SPAN_OPEN] = "SELECT count(*), min(at_ms), max(at_ms) FROM journal WHERE seq >= ?1",
};
