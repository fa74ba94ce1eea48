/* The MQTT uplink over TLS: a broker that wants a client certificate, certificates of our own CA made here
 * with openssl, and what may be wrong with them. Everything recovers without a restart. */
#include "mqtt_rig.h"

static struct rig rig;

/* A CA, another CA, the broker's certificates (good, expired, for another host) and ours. */
static const char make_certificates[] =
    "set -e; cd \"$1\"; exec >/dev/null 2>&1\n"
    "key() { openssl req \"$@\" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes; }\n"
    "sign() { openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days $3 -extfile $4 "
    "-out $1.crt; }\n"
    "key -x509 -days 2 -subj '/CN=example CA' -keyout ca.key -out ca.crt\n"
    "key -x509 -days 2 -subj '/CN=another CA' -keyout other.key -out other.crt\n"
    "echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >here\n"
    "echo 'subjectAltName=DNS:elsewhere.example' >there\n"
    "for n in good expired elsewhere ours; do key -subj /CN=$n -keyout $n.key -out $n.csr; done\n"
    "sign good ca 2 here; sign expired ca -1 here; sign elsewhere ca 2 there; sign ours ca 2 here\n"
    "key -subj /CN=ours -keyout stranger.key -out stranger.csr; sign stranger other 2 here\n";

static int setup(void **state)
{
    *state = &rig;
    if (!rig_mosquitto())
        return 0;
    rig_open(&rig);
    char *script = mem_printf("sh -c '%s' sh %s", "eval \"$MAKE\"", rig.dir);
    setenv("MAKE", make_certificates, 1);
    int rc = system(script);
    unsetenv("MAKE");
    mem_free(script);
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    if (!rig_mosquitto())
        return 0;
    mem_free((char *)(uintptr_t)rig.config.ca_file);
    mem_free((char *)(uintptr_t)rig.config.cert_file);
    mem_free((char *)(uintptr_t)rig.config.key_file);
    rig_close(&rig);
    return 0;
}

static void copy(const char *from, const char *to)
{
    char *command = mem_printf("cp '%s/%s' '%s/.new' && mv '%s/.new' '%s/%s'", rig.dir, from, rig.dir,
                               rig.dir, rig.dir, to);
    assert_int_equal(system(command), 0);
    mem_free(command);
}

/* The uplink reads ca-used.crt, cert-used.crt and key-used.key, which tests replace. */
static void use(const char *ca, const char *cert)
{
    char name[32];
    snprintf(name, sizeof name, "%s.crt", ca);
    copy(name, "ca-used.crt");
    snprintf(name, sizeof name, "%s.key", cert);
    copy(name, "key-used.key");
    snprintf(name, sizeof name, "%s.crt", cert);
    copy(name, "cert-used.crt");
}

static void tls_broker(const char *cert)
{
    char *settings =
        mem_printf("allow_anonymous true\ncafile %s/ca.crt\ncertfile %s/%s.crt\nkeyfile %s/%s.key\n"
                   "require_certificate true\ntls_version tlsv1.2",
                   rig.dir, rig.dir, cert, rig.dir, cert);
    rig_broker(&rig, settings);
    mem_free(settings);
}

static void start(const char *host)
{
    rig.config.host = host;
    rig.config.ca_file = rig_path(&rig, "ca-used.crt");
    rig.config.cert_file = rig_path(&rig, "cert-used.crt");
    rig.config.key_file = rig_path(&rig, "key-used.key");
    rig_commit(&rig, 40);
    rig_start(&rig);
}

/* For some tries nothing goes over the line, and why is said once. (The end of the connection may overtake
 * the alert that tells the reason: then there is one line more.) */
static void stays_away(const char *why)
{
    rig_until(&rig, rig_logged(&rig, why) == 1);
    rig_turns(&rig, 500);
    assert_int_equal(rig.connected, 0);
    assert_in_range(rig.lost, 1, 2);
    assert_int_equal(rig_logged(&rig, why), 1);
    assert_int_equal(rig.taken, 0);
}

static void rows_go_over_tls_with_a_client_certificate(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("good");
    use("ca", "ours");
    start("localhost");
    rig_until(&rig, rig.taken == 40);
    assert_int_equal(rig.lost, 0);
}

static void an_address_in_the_certificate_will_do(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("good");
    use("ca", "ours");
    start("127.0.0.1");
    rig_until(&rig, rig.taken == 40);
}

static void a_wrong_ca_makes_no_connection_until_the_file_is_right(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("good");
    use("other", "ours");
    start("localhost");
    stays_away("self-signed certificate in certificate chain");
    use("ca", "ours");
    rig_until(&rig, rig.taken == 40);
}

static void an_expired_broker_makes_no_connection_until_it_is_renewed(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("expired");
    use("ca", "ours");
    start("localhost");
    stays_away("certificate has expired");
    rig_end(&rig.broker, SIGTERM);
    tls_broker("good");
    rig_until(&rig, rig.taken == 40);
}

static void a_certificate_for_another_host_makes_no_connection(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("elsewhere");
    use("ca", "ours");
    start("localhost");
    stays_away("hostname mismatch");
    rig_end(&rig.broker, SIGTERM);
    tls_broker("good");
    rig_until(&rig, rig.taken == 40);
}

static void a_client_certificate_the_broker_does_not_know_is_told_and_can_be_replaced(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("good");
    use("ca", "stranger");
    start("localhost");
    stays_away("unknown ca");
    use("ca", "ours");
    rig_until(&rig, rig.taken == 40);
}

static void a_missing_or_broken_file_is_named_and_can_be_repaired(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("good");
    use("ca", "ours");
    rig_write(&rig, "key-used.key", "not a key\n");
    start("localhost");
    stays_away("key-used.key");
    use("ca", "ours");
    rig_until(&rig, rig.taken == 40);
}

static void a_broker_without_tls_gets_no_mqtt_from_us(void **state)
{
    (void)state;
    NEEDS_BROKER;
    rig_broker(&rig, "");
    use("ca", "ours");
    start("localhost");
    rig_until(&rig, rig.lost >= 1);
    rig_turns(&rig, 300);
    assert_int_equal(rig.connected, 0);
    rig_end(&rig.broker, SIGKILL);
    tls_broker("good");
    rig_until(&rig, rig.taken == 40);
}

static void a_stopped_tls_broker_costs_only_repeats(void **state)
{
    (void)state;
    NEEDS_BROKER;
    tls_broker("good");
    use("ca", "ours");
    rig_relay(&rig);
    start("localhost");
    rig_until(&rig, rig.taken == 40);
    rig_cut(&rig);
    rig_commit(&rig, 80);
    rig_until(&rig, rig.taken == 80);
    rig_end(&rig.broker, SIGKILL);
    rig_commit(&rig, 120);
    tls_broker("good");
    rig_until(&rig, rig.taken == 120);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    cmocka_set_test_filter(getenv("DUST_TEST"));
    const struct CMUnitTest tests[] = {
        TEST(rows_go_over_tls_with_a_client_certificate),
        TEST(an_address_in_the_certificate_will_do),
        TEST(a_wrong_ca_makes_no_connection_until_the_file_is_right),
        TEST(an_expired_broker_makes_no_connection_until_it_is_renewed),
        TEST(a_certificate_for_another_host_makes_no_connection),
        TEST(a_client_certificate_the_broker_does_not_know_is_told_and_can_be_replaced),
        TEST(a_missing_or_broken_file_is_named_and_can_be_repaired),
        TEST(a_broker_without_tls_gets_no_mqtt_from_us),
        TEST(a_stopped_tls_broker_costs_only_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
