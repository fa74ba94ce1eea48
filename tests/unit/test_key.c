/* The gateway's key: what the standards' own examples say, and what is no key of ours. */
#include "daemon/base/sign.h"

#include "daemon/base/decimals.h"
#include "daemon/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#define BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define END   "-----END PRIVATE KEY-----\n"

/* RFC 8410, 10.3 and 10.1: the example's private key, and the public key that belongs to it */
static const char example[] = BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" END;
static const char example_public[] = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

/* RFC 8032, 7.1, test 1, its secret key as PEM: an empty message */
static const char rfc8032[] = BEGIN "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" END;
static const char rfc8032_signature[] = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8"
                                        "821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
                                        "655141438e7a100b";

static void the_examples_of_rfc_8410_and_rfc_8032_come_out_as_printed(void **state)
{
    (void)state;
    char hex[2 * SIGNATURE_SIZE + 1];
    uint8_t signature[SIGNATURE_SIZE];
    struct signer *s = signer_read(example);
    assert_non_null(s);
    sodium_bin2hex(hex, sizeof hex, signer_public(s), SIGN_KEY_SIZE);
    assert_string_equal(hex, example_public);
    char *pem = signer_print(s);
    assert_string_equal(pem, example);
    mem_free(pem);
    signer_free(s);
    s = signer_read(rfc8032);
    assert_non_null(s);
    assert_true(signer_sign(s, "", 0, signature));
    sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
    assert_string_equal(hex, rfc8032_signature);
    assert_true(sign_verifies(signer_public(s), "", 0, signature));
    assert_false(sign_verifies(signer_public(s), "x", 1, signature));
    signature[3] ^= 1;
    assert_false(sign_verifies(signer_public(s), "", 0, signature));
    signer_free(s);
}

static void a_key_file_may_have_lines_of_dos_and_words_around_the_key(void **state)
{
    (void)state;
    static const char text[] = "gateway of the site\r\n-----BEGIN PRIVATE KEY-----\r\n"
                               "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\r\n1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\r\n"
                               "-----END PRIVATE KEY-----";
    struct signer *s = signer_read(text);
    assert_non_null(s);
    signer_free(s);
}

static void what_is_no_ed25519_key_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {
        "",
        "no key",
        BEGIN END,
        BEGIN,                                                                              /* and no end */
        BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVg=\n" END,     /* a byte short */
        BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCAA==\n" END, /* one more */
        BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVh*\n" END,
        BEGIN "MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" END, /* X25519 */
        "-----BEGIN ENCRYPTED PRIVATE "
        "KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(signer_read(none[i]));
    signer_free(NULL);
}

static void two_new_keys_differ(void **state)
{
    (void)state;
    struct signer *a = signer_make(), *b = signer_make();
    assert_non_null(a);
    assert_non_null(b);
    assert_memory_not_equal(signer_public(a), signer_public(b), SIGN_KEY_SIZE);
    signer_free(a);
    signer_free(b);
}

static void a_number_is_shown_with_its_decimals_and_a_tie_goes_to_the_even_digit(void **state)
{
    (void)state;
    static const struct {
        double value, want;
        int decimals;
    } cases[] = {{81.25, 81.2, 1}, {81.35, 81.4, 1},  {2.5, 2, 0},      {-2.5, -2, 0},
                 {0.5, 0, 0},      {1.0000004, 1, 6}, {-0.04, -0.0, 1}, {123456.789, 123456.79, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(decimals_round(cases[i].value, cases[i].decimals) == cases[i].want);
    assert_true(isnan(decimals_round(NAN, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_8410_and_rfc_8032_come_out_as_printed),
        cmocka_unit_test(a_key_file_may_have_lines_of_dos_and_words_around_the_key),
        cmocka_unit_test(what_is_no_ed25519_key_is_none),
        cmocka_unit_test(two_new_keys_differ),
        cmocka_unit_test(a_number_is_shown_with_its_decimals_and_a_tie_goes_to_the_even_digit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
