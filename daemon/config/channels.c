/* Where and how people are told. What is secret stands in files. */
#include "daemon/base/credential.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/channel.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"

#include <string.h>

static const struct word mail_tls[] = {
    {"starttls", MAIL_STARTTLS}, {"tls", MAIL_TLS}, {"none", MAIL_PLAIN}, {0}};

enum {
    IS_ROBOT = 1 << CHANNEL_WECOM | 1 << CHANNEL_DINGTALK | 1 << CHANNEL_FEISHU,
    IS_SIGNED = 1 << CHANNEL_DINGTALK | 1 << CHANNEL_FEISHU,
    IS_HTTP = IS_ROBOT | 1 << CHANNEL_WEBHOOK,
    IS_MAIL = 1 << CHANNEL_SMTP,
    IS_MQTT = 1 << CHANNEL_MQTT,
    TAKES_MENTION = 1 << CHANNEL_WECOM | 1 << CHANNEL_DINGTALK,
};

/* What may stand in a command and a head line of SMTP; the rest of RFC 5321's addresses nobody here has. */
const char *check_email(const char *text)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    const char *at = strchr(text, '@');
    size_t length = strlen(text), local = at ? (size_t)(at - text) : 0;
    bool fits =
        at && local && local <= 64 && length <= 254 && at[1] && strspn(at + 1, legal) == strlen(at + 1);
    for (size_t i = 0; fits && i < local; i++)
        fits = strchr(legal, text[i]) || strchr("_+=", text[i]);
    return fits || !length ? NULL : "an e-mail address such as name@example.org";
}

static const struct setting channel_rows[] = {
    {"name", SETTING_KEY, FIELD(struct channel_config, name), .meaning = "name of the channel"},
    {"kind", SETTING_CHOICE, FIELD(struct channel_config, kind), .required = true,
     .words = channel_kind_words,
     .meaning = "a group robot (企业微信, 钉钉, 飞书), a plain POST, e-mail, a topic of a broker"},
    {"url_file", SETTING_TEXT, FIELD(struct channel_config, url_file), .secret = true, .required = true,
     .only = IS_HTTP, .check = credential_check,
     .meaning = "file whose first line is the robot's whole address, its key in it"},
    {"secret_file", SETTING_TEXT, FIELD(struct channel_config, secret_file), .secret = true,
     .only = IS_SIGNED, .check = credential_check,
     .meaning = "file whose first line is what messages are signed with"},
    {"mention", SETTING_BOOL, FIELD(struct channel_config, mention), .absent = "false", .only = TAKES_MENTION,
     .meaning = "the robot is told the telephone number of whom it is about, and calls him (@)"},
    {"ca_file", SETTING_TEXT, FIELD(struct channel_config, ca_file), .only = IS_HTTP | IS_MAIL,
     .check = credential_check, .meaning = "certificate authority; the system's when absent"},
    {"per_minute", SETTING_INT, FIELD(struct channel_config, per_minute), .absent = "15", .low = "1",
     .high = "20", .only = IS_HTTP | IS_MAIL,
     .meaning =
         "messages in any 60 s: the robots of 企业微信 and 钉钉 take 20, and are deaf for 10 min after more"},
    {"host", SETTING_TEXT, FIELD(struct channel_config, host), .required = true, .only = IS_MAIL,
     .check = check_host, .meaning = "the mail server"},
    {"port", SETTING_INT, FIELD(struct channel_config, port), .absent = "587", .low = "1", .high = "65535",
     .only = IS_MAIL, .meaning = "587 with starttls, 465 with tls by custom"},
    {"tls", SETTING_CHOICE, FIELD(struct channel_config, tls), .absent = "starttls", .words = mail_tls,
     .only = IS_MAIL, .meaning = "none: on a wire that is safe by itself"},
    {"username", SETTING_TEXT, FIELD(struct channel_config, username), .high = "256", .only = IS_MAIL,
     .meaning = "of the mail server; none when absent"},
    {"password_file", SETTING_TEXT, FIELD(struct channel_config, password_file), .secret = true,
     .only = IS_MAIL, .check = credential_check, .meaning = "file whose first line is its password"},
    {"from", SETTING_TEXT, FIELD(struct channel_config, from), .required = true, .only = IS_MAIL,
     .check = check_email, .meaning = "sender of the mails"},
    {"broker", SETTING_REF, FIELD(struct channel_config, broker), .required = true, .only = IS_MQTT,
     .of = "mqtt", .meaning = "which broker: topic alert/<person>"},
    {0},
};
const struct schema channel_schema = {"channel", sizeof(struct channel_config), channel_rows,
                                      &channel_rows[1], NULL};

static const struct setting alerts_rows[] = {
    {"quiet", SETTING_TEXTS, FIELD(struct loaded, c.alerts.quiet), COUNT(struct loaded, c.alerts.nquiet),
     .check = check_hours, .meaning = "general ones wait until these hours are over, site's zone"},
    {"gather", SETTING_DURATION, FIELD(struct loaded, c.alerts.gather_ms), .absent = "1min", .low = "0s",
     .high = "1h",
     .meaning = "what comes so soon after a person's last message waits and is merged; critical ones do not"},
    {"keep", SETTING_DURATION, FIELD(struct loaded, c.alerts.keep_ms), .absent = "3d", .low = "1h",
     .high = "30d", .meaning = "age at which what no channel has taken is given up"},
    {0},
};
const struct schema alerts_schema = {"alerts", 0, alerts_rows, NULL, NULL};

static int check_mail(const struct loading *l)
{
    const struct config *c = &l->l->c;
    for (int i = 0; i < c->nchannels; i++) {
        const struct channel_config *a = &c->channels[i];
        if (a->kind == CHANNEL_SMTP && !a->username[0] != !a->password_file[0])
            return yaml_complain(
                l->doc, place(l, "channels", a->name, a->username[0] ? "username" : "password_file"), l->why,
                "found only one of username and password_file; allowed: both or none");
        if (a->kind == CHANNEL_SMTP && a->tls == MAIL_PLAIN && a->username[0])
            return yaml_complain(l->doc, place(l, "channels", a->name, "tls"), l->why,
                                 "found a password that would travel unencrypted; allowed: starttls or tls");
    }
    return ERR_OK;
}

static int no_such(const struct loading *l, const struct person *p, const char *name)
{
    const struct config *c = &l->l->c;
    const char **names = mem_array((size_t)c->nchannels + 1, sizeof *names);
    for (int i = 0; i < c->nchannels; i++)
        names[i] = c->channels[i].name;
    const char *near = schema_suggest(name, names);
    char shown[72];
    int error = yaml_complain(l->doc, place(l, "people", p->name, "channels"), l->why,
                              "found %s; allowed: a name in channels%s%s%s", schema_shown(name, shown),
                              near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
    mem_free(names);
    return error;
}

static int check_told(const struct loading *l, const struct person *p, int k)
{
    const char *name = p->channels[k];
    const struct channel_config *a = config_channel(&l->l->c, name);
    if (!a)
        return no_such(l, p, name);
    if (a->kind == CHANNEL_SMTP && !p->email[0])
        return yaml_complain(l->doc, place(l, "people", p->name, "channels"), l->why,
                             "found %s, which sends e-mail, and no email; allowed: with email", name);
    for (int i = 0; i < k; i++)
        if (strcmp(p->channels[i], name) == 0)
            return yaml_complain(l->doc, place(l, "people", p->name, "channels"), l->why,
                                 "found %s twice; allowed: each channel once", name);
    return ERR_OK;
}

int check_channels(const struct loading *l)
{
    const struct config *c = &l->l->c;
    int error = check_mail(l);
    for (int i = 0; i < c->npeople && !error; i++)
        for (int k = 0; k < c->people[i].nchannels && !error; k++)
            error = check_told(l, &c->people[i], k);
    return error;
}
