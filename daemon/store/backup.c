#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/db.h"
#include "daemon/store/last.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool has_room(const char *dir, int64_t bytes)
{
    struct statvfs at;
    return statvfs(dir, &at) != 0 || (int64_t)at.f_bavail * (int64_t)at.f_frsize > bytes;
}

/* Through our connection, which alone may touch the database's file. */
static int copy_pages(struct db *d, const char *draft)
{
    sqlite3 *to = NULL;
    int rc =
        sqlite3_open_v2(draft, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(to, "main", d->handle, "main") : NULL;
    if (backup) {
        rc = sqlite3_backup_step(backup, -1);
        int end = sqlite3_backup_finish(backup);
        rc = rc == SQLITE_DONE ? end : rc;
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_errcode(to);
    }
    int closed = sqlite3_close(to);
    rc = rc == SQLITE_OK ? closed : rc;
    return rc == SQLITE_OK ? ERR_OK : (rc & 0xff) == SQLITE_FULL ? ERR_FULL : ERR_IO;
}

static int sync_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    int rc = fsync(fd);
    close(fd);
    return rc ? ERR_IO : ERR_OK;
}

int db_copy(struct db *d, const char *name)
{
    char *draft = mem_printf("%s.tmp", name), *path = mem_string(name);
    const char *dir = dirname(path);
    unlink(draft); /* of a start that was cut off */
    int rc =
        has_room(dir, db_number(d, "PRAGMA page_count") * DB_PAGE_BYTES) ? copy_pages(d, draft) : ERR_FULL;
    if (rc == ERR_OK)
        rc = sync_file(draft);
    if (rc == ERR_OK && rename(draft, name) != 0)
        rc = ERR_IO;
    if (rc == ERR_OK)
        rc = dir_sync(dir);
    if (rc)
        unlink(draft);
    mem_free(path);
    mem_free(draft);
    return rc;
}
