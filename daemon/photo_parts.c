#include "daemon/photo_parts.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/photo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

/* --- what a request says --- */

static int refuse(char why[static PHOTO_PART_WHY], const char *text)
{
    snprintf(why, PHOTO_PART_WHY, "%s", text);
    return ERR_FORMAT;
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int read_place(const json_t *request, int64_t size, struct photo_part *out,
                      char why[static PHOTO_PART_WHY])
{
    json_int_t part = json_integer_value(json_object_get(request, "part"));
    json_int_t of = json_integer_value(json_object_get(request, "of"));
    int64_t most = (size + PHOTO_PART_BYTES - 1) / PHOTO_PART_BYTES;
    most = most > PHOTO_PARTS_MAX ? PHOTO_PARTS_MAX : most;
    if (of < 1 || part < 1 || part > of)
        return refuse(why, "needs \"part\" and \"of\": which one of how many, from 1");
    if (of > most) {
        snprintf(why, PHOTO_PART_WHY, "the photo is too large; allowed: at most %lld bytes, %lld parts",
                 (long long)size, (long long)most);
        return ERR_FORMAT;
    }
    out->part = (int)part;
    out->of = (int)of;
    return ERR_OK;
}

static int read_data(const json_t *request, struct photo_part *out, char why[static PHOTO_PART_WHY])
{
    const json_t *data = json_object_get(request, "data");
    const char *text = json_string_value(data), *end = NULL;
    bool read = text && sodium_base642bin(out->data, sizeof out->data, text, json_string_length(data), NULL,
                                          &out->length, &end, sodium_base64_VARIANT_ORIGINAL) == 0;
    bool all = read && end == text + json_string_length(data);
    bool last = out->part == out->of;
    if (all && (last ? out->length > 0 : out->length == PHOTO_PART_BYTES))
        return ERR_OK;
    snprintf(why, PHOTO_PART_WHY, "\"data\" must be base64 of exactly %d bytes, in the last part of 1 to %d",
             PHOTO_PART_BYTES, PHOTO_PART_BYTES);
    return ERR_FORMAT;
}

/* The upload's own name: nobody's part goes into another's photo, and no text of anybody into a path. */
static void name_upload(const json_t *request, const char *sender, struct photo_part *out)
{
    const char *issue = json_string_value(json_object_get(request, "issue"));
    const char *const of[] = {out->sha256, issue ? issue : "", sender};
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) /* with its zero: where one ends is told */
        crypto_hash_sha256_update(&hash, (const unsigned char *)of[i], strlen(of[i]) + 1);
    crypto_hash_sha256_final(&hash, digest);
    sodium_bin2hex(out->upload, sizeof out->upload, digest, sizeof digest);
    crypto_hash_sha256(digest, (const unsigned char *)sender, strlen(sender));
    memcpy(&out->sender, digest, sizeof out->sender);
}

int photo_part_read(const json_t *request, const char *sender, int64_t size, int64_t now_ms,
                    struct photo_part *out, char why[static PHOTO_PART_WHY])
{
    const char *sha256 = json_string_value(json_object_get(request, "photo"));
    if (!is_hash(sha256))
        return refuse(why, "needs \"photo\": the SHA-256 of the whole photo, 64 digits of 0-9a-f");
    memcpy(out->sha256, sha256, sizeof out->sha256);
    out->now_ms = now_ms;
    int error = read_place(request, size, out, why);
    if (!error)
        error = read_data(request, out, why);
    if (!error)
        name_upload(request, sender, out);
    return error;
}

/* --- what lies on the disk --- */

/* Beside <upload>.data: which parts of it have come. Of this machine, and for an hour: as it is in memory. */
struct map {
    uint32_t magic;
    int32_t of;
    int64_t touched_ms;
    uint64_t sender;
    uint8_t have[PHOTO_PARTS_MAX / 8];
};

enum { MAP_MAGIC = 0x70686f31, MODE = 0640, NAME_SIZE = 80 };

struct upload {
    char name[65];
    struct map map;
};

static void file_name(const char *upload, const char *suffix, char name[static NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%.64s.%s", upload, suffix);
}

static void drop(int dir, const char *upload)
{
    char name[NAME_SIZE];
    file_name(upload, "map", name);
    unlinkat(dir, name, 0);
    file_name(upload, "data", name);
    unlinkat(dir, name, 0);
}

static bool read_map(int dir, const char *upload, struct map *map)
{
    char name[NAME_SIZE];
    file_name(upload, "map", name);
    int file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool read_it = file >= 0 && read(file, map, sizeof *map) == (ssize_t)sizeof *map;
    if (file >= 0)
        close(file);
    return read_it && map->magic == MAP_MAGIC && map->of >= 1 && map->of <= PHOTO_PARTS_MAX;
}

static int count(const struct map *map)
{
    int n = 0;
    for (int i = 0; i < map->of; i++)
        n += map->have[i / 8] >> i % 8 & 1;
    return n;
}

static bool is_stale(const struct map *map, int64_t now_ms)
{
    return now_ms - map->touched_ms > PHOTO_UPLOAD_MS || map->touched_ms - now_ms > PHOTO_UPLOAD_MS;
}

/* <64 digits>.map or .data: which upload it is of. False: something else lies there. */
static bool upload_of(const char *file, char upload[static 65])
{
    if (strlen(file) < 68)
        return false;
    memcpy(upload, file, 64);
    upload[64] = 0;
    return is_hash(upload) && (strcmp(file + 64, ".map") == 0 || strcmp(file + 64, ".data") == 0);
}

/* Those that are good; what is stale, cannot be read or is one too many is thrown away. */
static int list_uploads(int dir, int64_t now_ms, struct upload out[static PHOTO_UPLOADS])
{
    int n = 0, copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    for (const struct dirent *e; list && (e = readdir(list));) {
        struct upload u;
        if (!upload_of(e->d_name, u.name))
            continue;
        bool map = strcmp(e->d_name + 64, ".map") == 0;
        if (!read_map(dir, u.name, &u.map) || is_stale(&u.map, now_ms) || (map && n == PHOTO_UPLOADS))
            drop(dir, u.name);
        else if (map)
            out[n++] = u;
    }
    if (list)
        closedir(list);
    return n;
}

/* The one of the sender (of anybody: only of those that are whole) that was left alone for longest; -1. */
static int oldest(const struct upload *of, int n, uint64_t sender, bool anybody)
{
    int found = -1;
    for (int i = 0; i < n; i++)
        if ((anybody ? count(&of[i].map) == of[i].map.of : of[i].map.sender == sender) &&
            (found < 0 || of[i].map.touched_ms < of[found].map.touched_ms))
            found = i;
    return found;
}

/* Room for one more upload of this sender. */
static bool make_room(int dir, const struct photo_part *p)
{
    struct upload *list = mem_array(PHOTO_UPLOADS, sizeof *list);
    int n = list_uploads(dir, p->now_ms, list), own = 0;
    for (int i = 0; i < n; i++)
        own += list[i].map.sender == p->sender;
    int goes = own >= PHOTO_UPLOADS_OF_ONE ? oldest(list, n, p->sender, false)
               : n >= PHOTO_UPLOADS        ? oldest(list, n, p->sender, true)
                                           : -1;
    if (goes >= 0)
        drop(dir, list[goes].name);
    mem_free(list);
    return n < PHOTO_UPLOADS || goes >= 0;
}

static void fail(struct photo_done *done, const char *what)
{
    snprintf(done->why, sizeof done->why, "%s: %s", what, strerror(errno));
}

static bool write_at(int dir, const char *upload, const char *suffix, const void *bytes, size_t n, off_t at)
{
    char name[NAME_SIZE];
    file_name(upload, suffix, name);
    int file = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MODE);
    bool written = file >= 0 && pwrite(file, bytes, n, at) == (ssize_t)n;
    if (file >= 0)
        close(file);
    return written;
}

/* Data first: what the map names is there, but for a power cut, which the SHA-256 finds. */
static void add_part(int dir, const struct photo_part *p, struct map *map, struct photo_done *done)
{
    int i = p->part - 1;
    bool there = map->have[i / 8] >> i % 8 & 1;
    map->touched_ms = p->now_ms;
    if (!there && !write_at(dir, p->upload, "data", p->data, p->length, (off_t)i * PHOTO_PART_BYTES)) {
        fail(done, "the part cannot be kept");
        return;
    }
    map->have[i / 8] |= (uint8_t)(1u << i % 8);
    if (!write_at(dir, p->upload, "map", map, sizeof *map, 0))
        fail(done, "the part cannot be kept");
    done->have = count(map);
}

/* All are there. A photo stays here too until something takes its place: its step is not written yet. */
static void finish(int dir, const struct photo_wish *w, struct photo_done *done)
{
    char name[NAME_SIZE];
    struct photo_wish whole = *w;
    file_name(w->part->upload, "data", name);
    whole.file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    whole.part = NULL;
    whole.sha256 = w->part->sha256;
    if (whole.file < 0)
        fail(done, "the parts cannot be read");
    else
        photo_store(&whole, done);
    if (done->why[0])
        drop(dir, w->part->upload);
}

static void take_into(int dir, const struct photo_wish *w, struct photo_done *done)
{
    const struct photo_part *p = w->part;
    struct map map;
    bool known = read_map(dir, p->upload, &map) && !is_stale(&map, p->now_ms);
    done->of = p->of;
    if (!known && !make_room(dir, p)) {
        snprintf(done->why, sizeof done->why, "busy: %d photos are on their way in parts", PHOTO_UPLOADS);
        return;
    }
    if (!known) {
        drop(dir, p->upload);
        map = (struct map){.magic = MAP_MAGIC, .of = p->of, .sender = p->sender};
    }
    if (map.of != p->of) {
        snprintf(done->why, sizeof done->why, "this photo comes in %d parts, as was said before", map.of);
        return;
    }
    add_part(dir, p, &map, done);
    if (!done->why[0] && done->have == done->of)
        finish(dir, w, done);
}

void photo_part_store(const struct photo_wish *w, struct photo_done *done)
{
    char *path = mem_printf("%s/photo-parts", w->dir);
    bool made = mkdir(path, 0750) == 0 || errno == EEXIST;
    int dir = made ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0)
        take_into(dir, w, done);
    else
        fail(done, path);
    if (dir >= 0)
        close(dir);
    mem_free(path);
}
