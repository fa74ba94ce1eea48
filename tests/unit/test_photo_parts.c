/* A photo in parts: any order, again and again, over restarts; whole only when its SHA-256 fits; bounded. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/photo.h"
#include "daemon/photo_parts.h"

#include "photo_folder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

enum { SIZE = 5 * PHOTO_PART_BYTES + 77, PARTS = 6, MOST = 100000, HOUR_MS = 3600000 };
static const int64_t start_ms = 1777593600000;

static unsigned char jpeg[SIZE];
static char jpeg_sha256[65];

static void hash_of(const unsigned char *bytes, size_t n, char hex[static 65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, bytes, n);
    sodium_bin2hex(hex, 65, digest, sizeof digest);
}

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < SIZE; i++)
        jpeg[i] = (unsigned char)(i * 7 + i / 251);
    memcpy(jpeg, "\xff\xd8\xff", 3);
    hash_of(jpeg, SIZE, jpeg_sha256);
    return make_folder();
}

/* A part of the photo as somebody sends it. */
static json_t *a_request(int part)
{
    char text[sodium_base64_ENCODED_LEN(PHOTO_PART_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    size_t from = (size_t)(part - 1) * PHOTO_PART_BYTES;
    size_t n = part < PARTS ? PHOTO_PART_BYTES : SIZE - from;
    sodium_bin2base64(text, sizeof text, jpeg + from, n, sodium_base64_VARIANT_ORIGINAL);
    return json_pack("{s:s,s:s,s:i,s:i,s:s}", "issue", "LQ-2026-0001", "photo", jpeg_sha256, "part", part,
                     "of", PARTS, "data", text);
}

/* Takes the reference. */
static struct photo_done sent_as(json_t *request, const char *sender, int64_t now_ms)
{
    struct photo_part part;
    struct photo_done done = {.as = NULL};
    struct photo_wish wish = {.file = -1, .dir = dir, .size = MOST, .room = 10 * MOST, .part = &part};
    char why[PHOTO_PART_WHY] = "";
    if (photo_part_read(request, sender, MOST, now_ms, &part, why) == ERR_OK)
        photo_part_store(&wish, &done);
    else
        snprintf(done.why, sizeof done.why, "%s", why);
    json_decref(request);
    return done;
}

static struct photo_done sent(int part)
{
    return sent_as(a_request(part), "inspector", start_ms);
}

static void assert_kept(const struct photo_done *done)
{
    static unsigned char back[SIZE + 1];
    char *path = mem_printf("%s/photos/%s.jpg", dir, jpeg_sha256);
    FILE *in = fopen(path, "rb");
    assert_string_equal(done->why, "");
    assert_int_equal(done->have, PARTS);
    assert_string_equal(done->sha256, jpeg_sha256);
    assert_string_equal(done->type, "jpg");
    assert_int_equal(done->bytes, SIZE);
    assert_non_null(in);
    assert_int_equal(fread(back, 1, sizeof back, in), SIZE);
    assert_memory_equal(back, jpeg, SIZE);
    fclose(in);
    mem_free(path);
}

static int files_in(const char *folder)
{
    char *path = mem_printf("%s/%s", dir, folder);
    DIR *list = opendir(path);
    int n = 0;
    for (const struct dirent *e; list && (e = readdir(list));)
        n += e->d_name[0] != '.';
    if (list)
        closedir(list);
    mem_free(path);
    return n;
}

static void parts_in_any_order_and_again_and_again_make_the_photo(void **state)
{
    (void)state;
    static const int order[] = {6, 2, 2, 5, 1, 6, 1, 3, 5};
    static const int have[] = {1, 2, 2, 3, 4, 4, 4, 5, 5};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct photo_done done = sent(order[i]);
        assert_string_equal(done.why, "");
        assert_int_equal(done.have, have[i]);
        assert_int_equal(done.of, PARTS);
        assert_int_equal(files_in("photos"), 0);
    }
    struct photo_done done = sent(4);
    assert_kept(&done);
}

static void every_order_that_chance_finds_makes_the_photo(void **state)
{
    (void)state;
    const char *given = getenv("DUST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 20261126u;
    printf("seed %u\n", seed);
    for (int round = 0; round < 40; round++) {
        struct photo_done done = {.have = 0};
        int parts = 0;
        while (done.have < PARTS) {
            seed = seed * 1664525u + 1013904223u;
            int part = 1 + (int)(seed >> 16) % PARTS;
            parts |= 1 << part;
            done = sent_as(a_request(part), "inspector", start_ms + round * 2LL * HOUR_MS);
            assert_int_equal(done.have, __builtin_popcount((unsigned)parts));
        }
        assert_kept(&done);
    }
}

/* A step is written after the photo is kept; whoever was not told of it sends the last part again. */
static void the_last_part_again_gives_the_photo_again(void **state)
{
    (void)state;
    for (int part = 1; part < PARTS; part++)
        sent(part);
    struct photo_done done = sent(PARTS);
    assert_kept(&done);
    assert_false(done.was_there);
    done = sent(PARTS);
    assert_kept(&done);
    assert_true(done.was_there);
    assert_int_equal(files_in("photos"), 1);
}

static void parts_that_are_not_the_photo_they_name_are_thrown_away(void **state)
{
    (void)state;
    for (int part = 1; part <= PARTS; part++) {
        json_t *request = a_request(part);
        if (part == 3) /* one bit */
            jpeg[2 * PHOTO_PART_BYTES + 9] ^= 1;
        json_t *other = a_request(part);
        json_object_set(request, "data", json_object_get(other, "data"));
        json_decref(other);
        if (part == 3)
            jpeg[2 * PHOTO_PART_BYTES + 9] ^= 1;
        struct photo_done done = sent_as(request, "inspector", start_ms);
        if (part == PARTS)
            assert_non_null(strstr(done.why, "its SHA-256 is another"));
    }
    assert_int_equal(files_in("photos"), 0);
    assert_int_equal(files_in("photo-parts"), 0);
    for (int part = 1; part < PARTS; part++)
        assert_int_equal(sent(part).have, part);
    struct photo_done done = sent(PARTS);
    assert_kept(&done);
}

static void what_is_no_photo_is_thrown_away_when_it_is_whole(void **state)
{
    (void)state;
    memcpy(jpeg, "#!/", 3);
    hash_of(jpeg, SIZE, jpeg_sha256);
    struct photo_done done = {.have = 0};
    for (int part = 1; part <= PARTS; part++)
        done = sent(part);
    assert_non_null(strstr(done.why, "no photo"));
    assert_int_equal(files_in("photos") + files_in("photo-parts"), 0);
}

static void what_is_said_wrong_is_refused_in_words_and_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *member, *json, *why;
    } wrong[] = {
        {"photo", "\"../../etc/passwd\"", "needs \"photo\""},
        {"photo", "\"../../../../../../../../../../../../../../../../../../../../../../../.\"",
         "needs \"photo\""},
        {"photo", "\"AB80D76A557753A1076F86DE33EEB8DF8E6CDB3FD267A050EE3CE326C008C47A\"", "needs \"photo\""},
        {"photo", "7", "needs \"photo\""},
        {"part", "0", "needs \"part\" and \"of\""},
        {"part", "7", "needs \"part\" and \"of\""},
        {"part", "-1", "needs \"part\" and \"of\""},
        {"part", "4294967297", "needs \"part\" and \"of\""},
        {"of", "0", "needs \"part\" and \"of\""},
        {"of", "14", "too large; allowed: at most 100000 bytes, 13 parts"},
        {"of", "9223372036854775807", "too large"},
        {"data", "\"\"", "must be base64 of exactly 8192 bytes"},
        {"data", "\"AAAA\"", "must be base64 of exactly 8192 bytes"},
        {"data", "\"../x\"", "must be base64"},
        {"data", "\"%s%n\"", "must be base64"},
        {"data", "null", "must be base64"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *request = a_request(2);
        json_object_set_new(request, wrong[i].member, json_loads(wrong[i].json, JSON_DECODE_ANY, NULL));
        struct photo_done done = sent_as(request, "inspector", start_ms);
        if (!strstr(done.why, wrong[i].why))
            fail_msg("%s %s: %s", wrong[i].member, wrong[i].json, done.why);
    }
    assert_int_equal(files_in("photos") + files_in("photo-parts"), 0);
}

static void data_that_go_on_after_their_base64_are_refused(void **state)
{
    (void)state;
    json_t *request = a_request(PARTS);
    char *more = mem_printf("%s=junk", json_string_value(json_object_get(request, "data")));
    json_object_set_new(request, "data", json_string(more));
    mem_free(more);
    assert_non_null(strstr(sent_as(request, "inspector", start_ms).why, "must be base64"));
}

static void a_photo_keeps_the_number_of_parts_that_was_said_first(void **state)
{
    (void)state;
    sent(1);
    json_t *request = a_request(2);
    json_object_set_new(request, "of", json_integer(PARTS + 1));
    assert_string_equal(sent_as(request, "inspector", start_ms).why,
                        "this photo comes in 6 parts, as was said before");
    assert_int_equal(sent(2).have, 2);
}

static void parts_of_two_people_or_two_issues_are_not_mixed(void **state)
{
    (void)state;
    assert_int_equal(sent(1).have, 1);
    assert_int_equal(sent_as(a_request(2), "office", start_ms).have, 1);
    json_t *request = a_request(3);
    json_object_set_new(request, "issue", json_string("../../LQ-2026-0002"));
    assert_int_equal(sent_as(request, "inspector", start_ms).have, 1);
    assert_int_equal(files_in("photo-parts"), 6);
    assert_int_equal(sent(4).have, 2);
}

static void what_is_left_alone_for_an_hour_is_forgotten(void **state)
{
    (void)state;
    sent(1);
    assert_int_equal(sent_as(a_request(2), "inspector", start_ms + HOUR_MS).have, 2);
    assert_int_equal(sent_as(a_request(3), "inspector", start_ms + 2LL * HOUR_MS + 1).have, 1);
    assert_int_equal(sent_as(a_request(1), "office", start_ms + 4LL * HOUR_MS).have, 1);
    assert_int_equal(files_in("photo-parts"), 2);
}

/* One part of a photo of which nothing else is known. */
static struct photo_done one_of(int n, const char *sender, int64_t now_ms)
{
    json_t *request = a_request(1);
    char other[65];
    hash_of((const unsigned char *)&n, sizeof n, other);
    json_object_set_new(request, "photo", json_string(other));
    return sent_as(request, sender, now_ms);
}

static void a_flood_of_photos_that_are_begun_takes_two_places_of_one_and_eight_in_all(void **state)
{
    (void)state;
    sent(1);
    for (int n = 0; n < 50; n++)
        assert_int_equal(one_of(n, "flooder", start_ms + n).have, 1);
    assert_int_equal(files_in("photo-parts"), 2 * 3);
    assert_int_equal(sent(2).have, 2);
    for (int n = 0; n < 5; n++) {
        char *sender = mem_printf("flooder %d", n);
        assert_int_equal(one_of(n, sender, start_ms).have, 1);
        mem_free(sender);
    }
    assert_string_equal(one_of(1, "one more", start_ms).why, "busy: 8 photos are on their way in parts");
    assert_int_equal(files_in("photo-parts"), 2 * PHOTO_UPLOADS);
    struct photo_done done = {.have = 0};
    for (int part = 3; part <= PARTS; part++)
        done = sent(part);
    assert_kept(&done);
    assert_int_equal(one_of(1, "one more", start_ms).have, 1); /* in the place of the photo that is whole */
    assert_int_equal(files_in("photo-parts"), 2 * PHOTO_UPLOADS);
}

static void what_else_lies_there_is_no_upload(void **state)
{
    (void)state;
    sent(1);
    char *command =
        mem_printf("cd %s/photo-parts && echo x >notes.txt && echo damaged >%064d.map && echo lone "
                   ">%063d1.data",
                   dir, 0, 0);
    assert_int_equal(system(command), 0);
    mem_free(command);
    assert_int_equal(one_of(1, "office", start_ms).have, 1);
    assert_int_equal(files_in("photo-parts"), 5); /* two uploads and the notes */
    assert_int_equal(sent(2).have, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(parts_in_any_order_and_again_and_again_make_the_photo),
        TEST(every_order_that_chance_finds_makes_the_photo),
        TEST(the_last_part_again_gives_the_photo_again),
        TEST(parts_that_are_not_the_photo_they_name_are_thrown_away),
        TEST(what_is_no_photo_is_thrown_away_when_it_is_whole),
        TEST(what_is_said_wrong_is_refused_in_words_and_leaves_nothing),
        TEST(data_that_go_on_after_their_base64_are_refused),
        TEST(a_photo_keeps_the_number_of_parts_that_was_said_first),
        TEST(parts_of_two_people_or_two_issues_are_not_mixed),
        TEST(what_is_left_alone_for_an_hour_is_forgotten),
        TEST(a_flood_of_photos_that_are_begun_takes_two_places_of_one_and_eight_in_all),
        TEST(what_else_lies_there_is_no_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
