#include "daemon/photo.h"

#include "daemon/base/mem.h"
#include "daemon/photo_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { PIECE = 65536, MODE = 0640 };

struct photo_keeper {
    int event;
    bool busy;
    pthread_t thread;
    struct photo_wish wish;
    char *dir;
    struct photo_part *part;
    struct photo_done done;
};

/* --- the thread --- */

static void fail(struct photo_done *done, const char *what, int error)
{
    snprintf(done->why, sizeof done->why, "%s%s%s", what, error ? ": " : "", error ? strerror(error) : "");
}

/* By its first bytes; a name says nothing. */
static const char *type_of(const unsigned char *head, size_t n)
{
    if (n >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0)
        return "jpg";
    if (n >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "png";
    if (n >= 12 && memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WEBP", 4) == 0)
        return "webp";
    return NULL;
}

static int64_t bytes_kept(int dir)
{
    int64_t sum = 0;
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    for (const struct dirent *e; list && (e = readdir(list));) {
        struct stat s;
        if (fstatat(dir, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(s.st_mode))
            sum += s.st_size;
    }
    if (list)
        closedir(list);
    return sum;
}

/* Copies until the end, no more than the limit, whatever the file grows to meanwhile. False: said why. */
static bool copy(const struct photo_wish *w, int to, crypto_hash_sha256_state *hash, struct photo_done *done)
{
    static const char no_photo[] = "no photo; allowed: JPEG, PNG or WebP";
    unsigned char *piece = mem_array(PIECE, 1);
    bool fine = true;
    for (ssize_t n; fine && (n = pread(w->file, piece, PIECE, done->bytes)) != 0;) {
        const char *type = done->bytes == 0 && n > 0 ? type_of(piece, (size_t)n) : done->type;
        fine = false;
        if (n < 0)
            fail(done, "the photo cannot be read", errno);
        else if (!type)
            fail(done, no_photo, 0);
        else if (done->bytes + n > w->size)
            snprintf(done->why, sizeof done->why, "the photo is too large; allowed: at most %lld bytes",
                     (long long)w->size);
        else if (write(to, piece, (size_t)n) != n)
            fail(done, "the photo cannot be kept", errno);
        else
            fine = crypto_hash_sha256_update(hash, piece, (size_t)n) == 0;
        if (fine && done->bytes == 0)
            snprintf(done->type, sizeof done->type, "%s", type);
        done->bytes += n > 0 ? n : 0;
    }
    if (fine && done->bytes == 0)
        fail(done, no_photo, 0);
    mem_free(piece);
    return !done->why[0];
}

static void name_it(crypto_hash_sha256_state *hash, struct photo_done *done)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(hash, digest);
    sodium_bin2hex(done->sha256, sizeof done->sha256, digest, sizeof digest);
}

/* Under its hash, durable before anybody hears of it. */
static void put(int dir, int file, struct photo_done *done)
{
    char name[80];
    struct stat s;
    snprintf(name, sizeof name, "%s.%s", done->sha256, done->type);
    done->was_there = fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == 0;
    if (fsync(file) != 0 || renameat(dir, ".new", dir, name) != 0 || fsync(dir) != 0)
        fail(done, "the photo cannot be kept", errno);
}

static void store_into(int dir, const struct photo_wish *w, struct photo_done *done)
{
    struct stat s;
    if (fstat(w->file, &s) != 0 || !S_ISREG(s.st_mode)) {
        fail(done, "no ordinary file", 0);
        return;
    }
    if (bytes_kept(dir) + s.st_size > w->room) {
        fail(done, "no room for more photos: issues: photo_room is used up", 0);
        return;
    }
    int to = openat(dir, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE);
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    if (to < 0) {
        fail(done, "the photo cannot be kept", errno);
    } else if (copy(w, to, &hash, done)) {
        name_it(&hash, done);
        if (w->sha256 && strcmp(w->sha256, done->sha256) != 0)
            fail(done, "the parts are not the photo that they name: its SHA-256 is another; send them again",
                 0);
        else
            put(dir, to, done);
    }
    if (done->why[0])
        unlinkat(dir, ".new", 0);
    if (to >= 0)
        close(to);
}

void photo_store(const struct photo_wish *w, struct photo_done *done)
{
    char *path = mem_printf("%s/photos", w->dir);
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        fail(done, path, errno);
    int dir = done->why[0] ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        store_into(dir, w, done);
    else if (!done->why[0])
        fail(done, path, errno);
    if (dir >= 0)
        close(dir);
    close(w->file);
    mem_free(path);
}

static void *work(void *arg)
{
    struct photo_keeper *k = arg;
    uint64_t one = 1;
    (k->part ? photo_part_store : photo_store)(&k->wish, &k->done);
    if (write(k->event, &one, sizeof one) < 0)
        return NULL; /* an eventfd that takes no 1 does not exist */
    return NULL;
}

/* --- main --- */

struct photo_keeper *photo_open(void)
{
    struct photo_keeper *k = mem_new(struct photo_keeper);
    k->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return k;
}

int photo_fd(const struct photo_keeper *k)
{
    return k->event;
}

static void close_file(const struct photo_wish *wish)
{
    if (wish->file >= 0)
        close(wish->file);
}

static struct photo_part *copy_part(const struct photo_part *part)
{
    struct photo_part *copied = part ? mem_new(struct photo_part) : NULL;
    if (copied)
        *copied = *part;
    return copied;
}

bool photo_keep(struct photo_keeper *k, const struct photo_wish *wish)
{
    if (k->busy) {
        close_file(wish);
        return false;
    }
    k->wish = *wish;
    k->wish.dir = k->dir = mem_string(wish->dir);
    k->wish.part = k->part = copy_part(wish->part);
    k->done = (struct photo_done){.as = mem_string(wish->as)};
    k->busy = pthread_create(&k->thread, NULL, work, k) == 0;
    if (k->busy)
        return true;
    close_file(wish);
    mem_free(k->dir);
    mem_free(k->part);
    mem_free(k->done.as);
    return false;
}

bool photo_take(struct photo_keeper *k, struct photo_done *done)
{
    uint64_t count;
    if (!k->busy || read(k->event, &count, sizeof count) != sizeof count)
        return false;
    pthread_join(k->thread, NULL);
    mem_free(k->dir);
    mem_free(k->part);
    k->busy = false;
    *done = k->done;
    return true;
}

void photo_close(struct photo_keeper *k, int wait_ms)
{
    struct photo_done done;
    if (!k)
        return;
    struct pollfd p = {.fd = k->event, .events = POLLIN};
    if (k->busy && poll(&p, 1, wait_ms) != 1)
        return; /* it hangs in a file system: what is its own stays with it */
    if (photo_take(k, &done))
        mem_free(done.as);
    close(k->event);
    mem_free(k);
}
