/* Where people are told: what a channel takes, what it must not say, and that no secret is repeated. */
#include "daemon/config/channel.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "unit/config_fixture.h"

#include <unistd.h>

static const char good[] =
    "  boss: {title: 经理, roles: [site, office], email: boss@example.org, channels: [group, post, screen]}\n"
    "channels:\n"
    "  group: {kind: dingtalk, url_file: /k/url, secret_file: secret, per_minute: 20}\n"
    "  post: {kind: smtp, host: mail, from: a@b, username: u, password_file: /k/pw}\n"
    "  screen: {kind: mqtt, broker: x}\n"
    "alerts: {quiet: [\"22:00-06:00\"], gather: 5min, keep: 1d}\n";

/* The base with `good` in place of its person, of which `old` is replaced. */
static char *site(const char *old, const char *new)
{
    char *told = replaced(good, old, new);
    char *text = replaced(base, "  boss: {title: 经理, roles: [site, office], unix_user: clerk}\n", told);
    mem_free(told);
    return text;
}

static int try(struct fixture *f, const char *old, const char *new, struct config **c, struct complaint *why)
{
    char *text = site(old, new);
    write_file(f, "f.yaml", text);
    mem_free(text);
    return config_load(f->file, f->dirs, c, why);
}

static void channels_and_who_is_told_there_are_read(void **state)
{
    struct config *c = NULL;
    struct complaint why;
    assert_int_equal(try(*state, "", "", &c, &why), ERR_OK);
    assert_int_equal(c->nchannels, 3);
    assert_int_equal(c->people[0].nchannels, 3);
    const struct channel_config *group = config_channel(c, "group"), *post = config_channel(c, "post");
    assert_int_equal(group->kind, CHANNEL_DINGTALK);
    assert_string_equal(group->secret_file, "secret");
    assert_int_equal(group->per_minute, 20);
    assert_false(group->mention);
    assert_int_equal(post->port, 587);
    assert_int_equal(post->tls, MAIL_STARTTLS);
    assert_int_equal(post->per_minute, 15);
    assert_string_equal(config_channel(c, "screen")->broker, "x");
    assert_null(config_channel(c, "other"));
    assert_int_equal(c->alerts.gather_ms, 300000);
    assert_int_equal(c->alerts.nquiet, 1);
    config_free(c);
}

static void each_bad_channel_is_refused_with_its_place_and_what_is_allowed(void **state)
{
    static const struct {
        const char *old, *new, *message;
    } bad[] = {
        {"kind: dingtalk", "kind: dingtlk", "f.yaml:12:17: found \"dingtlk\" for kind"},
        {"kind: dingtalk", "kind: webhook",
         "f.yaml:12:44: found secret_file with kind webhook; allowed: only with dingtalk feishu"},
        {"kind: dingtalk, ", "", "f.yaml:12:3: found no kind in channel; allowed:"},
        {"url_file: /k/url, ", "", "f.yaml:12:3: found no url_file"},
        {"url_file: /k/url", "url: https://h/key", "f.yaml:12:27: found the unknown key \"url\""},
        {"per_minute: 20", "per_minute: 21",
         "f.yaml:12:78: found \"21\" for per_minute; allowed: a whole number, 1 to"},
        {"per_minute: 20", "host: mail", "f.yaml:12:66: found host"},
        {"broker: x", "broker: y", "f.yaml:14:32: found \"y\" for broker; allowed: one of x"},
        {"from: a@b", "from: \"a@b>\\r\\nRCPT\"", "f.yaml:13:40: found"},
        {"from: a@b", "from: boss", "f.yaml:13:40: found \"boss\" for from; allowed: an e-mail address"},
        {"username: u, ", "", "f.yaml:13:60: found only one of username and password_file; allowed: both"},
        {"host: mail", "host: mail, tls: none",
         "f.yaml:13:39: found a password that would travel unencrypted"},
        {"email: boss@example.org, ", "",
         "f.yaml:10:54: found post, which sends e-mail, and no email; allowed: with email"},
        {"[group, post, screen]", "[grup]",
         "f.yaml:10:79: found \"grup\"; allowed: a name in channels, did you mean group?"},
        {"[group, post, screen]", "[group, group]",
         "f.yaml:10:79: found group twice; allowed: each channel once"},
        {"22:00-06:00", "22:00", "f.yaml:15:18: found \"22:00\""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config *c = NULL;
        struct complaint why = {{0}};
        int error = try(f, bad[i].old, bad[i].new, &c, &why);
        const char *text = strstr(why.text, "f.yaml:");
        if (error != ERR_FORMAT || !text || strncmp(text, bad[i].message, strlen(bad[i].message)) != 0 ||
            !strstr(why.text, "; allowed:"))
            fail_msg("%s -> %s gave %d \"%s\" instead of \"%s\"", bad[i].old, bad[i].new, error, why.text,
                     bad[i].message);
    }
}

/* People paste the address or the secret itself where its file is asked for. */
static void a_secret_pasted_in_place_of_its_file_is_not_repeated(void **state)
{
    static const char *const pasted[][2] = {
        {"url_file: /k/url", "url_file: \"https://h/robot?key=CANARY\""},
        {"secret_file: secret", "secret_file: \"SEC CANARY\""},
        {"password_file: /k/pw", "password_file: \"CANARY!\""},
    };
    for (size_t i = 0; i < sizeof pasted / sizeof *pasted; i++) {
        struct config *c = NULL;
        struct complaint why = {{0}};
        assert_int_equal(try(*state, pasted[i][0], pasted[i][1], &c, &why), ERR_FORMAT);
        assert_null(strstr(why.text, "CANARY"));
        assert_non_null(strstr(why.text, "_file"));
    }
}

static void what_is_printed_of_channels_loads_to_the_same(void **state)
{
    struct fixture *f = *state;
    struct config *c = NULL, *again = NULL;
    struct complaint why;
    char hex[2][65];
    assert_int_equal(try(f, "", "", &c, &why), ERR_OK);
    char *text = printed(c);
    write_file(f, "g.yaml", text);
    char *path = mem_printf("%s/g.yaml", f->dir);
    assert_int_equal(config_load(path, f->dirs, &again, &why), ERR_OK);
    config_hash(c, hex[0]);
    config_hash(again, hex[1]);
    assert_string_equal(hex[0], hex[1]);
    free(text);
    mem_free(path);
    config_free(c);
    config_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(channels_and_who_is_told_there_are_read),
        EACH(each_bad_channel_is_refused_with_its_place_and_what_is_allowed),
        EACH(a_secret_pasted_in_place_of_its_file_is_not_repeated),
        EACH(what_is_printed_of_channels_loads_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
