/* Photos: what is taken in, under which name, and what is refused. */
#include "daemon/base/mem.h"
#include "daemon/photo.h"

#include "photo_folder.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    (void)state;
    return make_folder();
}

/* An open file of these bytes. */
static int a_file(const char *bytes, size_t n)
{
    char *path = mem_printf("%s/sent", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(write(fd, bytes, n) == (ssize_t)n);
    mem_free(path);
    return fd;
}

static struct photo_done stored(int file, int64_t size, int64_t room)
{
    struct photo_wish wish = {.file = file, .dir = dir, .size = size, .room = room, .as = ""};
    struct photo_done done = {0};
    photo_store(&wish, &done);
    return done;
}

static bool kept(const char *name)
{
    char *path = mem_printf("%s/photos/%s", dir, name);
    bool is = access(path, F_OK) == 0;
    mem_free(path);
    return is;
}

static void a_photo_is_kept_under_the_hash_of_what_it_is(void **state)
{
    (void)state;
    struct photo_done done = stored(a_file("\xff\xd8\xff test", 8), 1000, 10000);
    assert_string_equal(done.why, "");
    assert_string_equal(done.type, "jpg");
    assert_int_equal(done.bytes, 8);
    /* printf '\xff\xd8\xff test' | sha256sum */
    assert_string_equal(done.sha256, "a2080d76a557753a1076f86de33eeb8df8e6cdb3fd267a050ee3ce326c008c47");
    assert_false(done.was_there);
    done = stored(a_file("\xff\xd8\xff test", 8), 1000, 10000);
    assert_true(done.was_there);
    assert_false(kept(".new"));
}

static void what_is_no_photo_is_refused_whatever_it_is_called(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *type; /* NULL: refused */
    } files[] = {{"\x89PNG\r\n\x1a\n....", 12, "png"},
                 {"RIFF....WEBP", 12, "webp"},
                 {"<svg onload=alert(1)>", 21, NULL},
                 {"#!/bin/sh", 9, NULL},
                 {"\xff\xd8", 2, NULL},
                 {"", 0, NULL}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct photo_done done = stored(a_file(files[i].bytes, files[i].n), 1000, 10000);
        assert_string_equal(done.why, files[i].type ? "" : "no photo; allowed: JPEG, PNG or WebP");
        assert_string_equal(done.type, files[i].type ? files[i].type : "");
    }
}

static void a_photo_over_the_limit_or_beyond_the_room_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct photo_done done = stored(a_file("\xff\xd8\xff test", 8), 7, 10000);
    assert_string_equal(done.why, "the photo is too large; allowed: at most 7 bytes");
    assert_false(kept(".new"));
    done = stored(a_file("\xff\xd8\xff test", 8), 1000, 7);
    assert_string_equal(done.why, "no room for more photos: issues: photo_room is used up");
    done = stored(a_file("\xff\xd8\xff test", 8), 1000, 8);
    assert_string_equal(done.why, "");
    done = stored(a_file("\xff\xd8\xff more", 8), 1000, 8);
    assert_string_equal(done.why, "no room for more photos: issues: photo_room is used up");
}

static void what_is_no_ordinary_file_is_never_read(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_string_equal(stored(ends[0], 1000, 10000).why, "no ordinary file");
    close(ends[1]);
    assert_string_equal(stored(open("/dev/zero", O_RDONLY), 1000, 10000).why, "no ordinary file");
    assert_string_equal(stored(open("/", O_RDONLY), 1000, 10000).why, "no ordinary file");
}

static void a_keeper_takes_one_at_a_time_and_says_what_came_of_it(void **state)
{
    (void)state;
    struct photo_keeper *k = photo_open();
    struct photo_done done;
    assert_false(photo_take(k, &done));
    struct photo_wish wish = {
        .file = a_file("\xff\xd8\xff test", 8), .dir = dir, .size = 1000, .room = 10000, .as = "whose"};
    assert_true(photo_keep(k, &wish));
    wish.file = a_file("\xff\xd8\xff test", 8);
    assert_false(photo_keep(k, &wish));
    struct pollfd p = {.fd = photo_fd(k), .events = POLLIN};
    assert_int_equal(poll(&p, 1, -1), 1);
    assert_true(photo_take(k, &done));
    assert_string_equal(done.why, "");
    assert_string_equal(done.as, "whose");
    mem_free(done.as);
    assert_false(photo_take(k, &done));
    photo_close(k, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_photo_is_kept_under_the_hash_of_what_it_is),
        TEST(what_is_no_photo_is_refused_whatever_it_is_called),
        TEST(a_photo_over_the_limit_or_beyond_the_room_is_refused_and_leaves_nothing),
        TEST(what_is_no_ordinary_file_is_never_read),
        TEST(a_keeper_takes_one_at_a_time_and_says_what_came_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
