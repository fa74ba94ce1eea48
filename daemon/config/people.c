/* Who takes part: persons and the organisations that they are of. */
#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"
#include "daemon/config/person.h"

#include <string.h>

static const char *check_user(const char *text)
{
    size_t length = strlen(text);
    bool fits = length <= 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length &&
                !strchr("-0123456789", length ? text[0] : 'a');
    return fits ? NULL : "a user name of this machine, at most 32 of a-z 0-9 _ -";
}

static const char *check_mqtt_user(const char *text)
{
    bool fits = strlen(text) <= 64;
    for (const char *c = text; *c; c++)
        fits &= (unsigned char)*c > ' ' && !strchr("/+#\x7f", *c);
    return fits ? NULL : "a user name of the brokers, at most 64 bytes without blank / + #";
}

static const char *check_phone(const char *text)
{
    size_t length = strlen(text), digits = 0;
    for (const char *c = text; *c; c++)
        digits += *c >= '0' && *c <= '9';
    bool fits = !length || (length <= 24 && digits >= 3 && strspn(text, "0123456789+- ") == length);
    return fits ? NULL : "a telephone number of digits, + - and blanks";
}

const struct word person_role_words[] = {{"site", ROLE_SITE},           {"contractor", ROLE_CONTRACTOR},
                                         {"community", ROLE_COMMUNITY}, {"office", ROLE_OFFICE},
                                         {"inspector", ROLE_INSPECTOR}, {0}};

static const struct setting person_rows[] = {
    {"name", SETTING_KEY, FIELD(struct person, name), .meaning = "short name of the person"},
    {"title", SETTING_TEXT, FIELD(struct person, title), .required = true, .meaning = "as shown"},
    {"roles", SETTING_SET, FIELD(struct person, roles), .required = true, .words = person_role_words,
     .meaning = "what the person may do"},
    {"unix_user", SETTING_TEXT, FIELD(struct person, unix_user), .check = check_user,
     .meaning = "who that is on this machine's control socket"},
    {"mqtt_user", SETTING_TEXT, FIELD(struct person, mqtt_user), .check = check_mqtt_user,
     .meaning = "who that is at the brokers, in topics cmd/<mqtt_user> and reply/<mqtt_user>"},
    {"organisation", SETTING_REF, FIELD(struct person, organisation), .of = "organisations",
     .meaning = "of which organisation"},
    {"phone", SETTING_TEXT, FIELD(struct person, phone), .check = check_phone,
     .meaning = "for the ledger's own lists, never in a public notice"},
    {"email", SETTING_TEXT, FIELD(struct person, email), .check = check_email,
     .meaning = "where channels of e-mail send to"},
    {"channels", SETTING_TEXTS, FIELD(struct person, channels), COUNT(struct person, nchannels),
     .meaning = "where he is told of what concerns him: names in channels"},
    {0},
};
const struct schema person_schema = {"person", sizeof(struct person), person_rows, NULL, NULL};

const struct word organisation_kind_words[] = {{"community", ORGANISATION_COMMUNITY},
                                               {"department", ORGANISATION_DEPARTMENT},
                                               {"unit", ORGANISATION_UNIT},
                                               {0}};

static const struct setting organisation_rows[] = {
    {"name", SETTING_KEY, FIELD(struct organisation, name), .meaning = "short name of the organisation"},
    {"title", SETTING_TITLE, FIELD(struct organisation, title_zh), .required = true, .meaning = "as shown"},
    {"kind", SETTING_CHOICE, FIELD(struct organisation, kind), .required = true,
     .words = organisation_kind_words,
     .meaning = "community 属地社区, department 行业主管部门, unit 责任单位"},
    {0},
};
const struct schema organisation_schema = {"organisation", sizeof(struct organisation), organisation_rows,
                                           NULL, NULL};

static int check_taken(const struct loading *l, const struct person *a, const struct person *b)
{
    if (a->unix_user[0] && strcmp(a->unix_user, b->unix_user) == 0)
        return yaml_complain(l->doc, place(l, "people", a->name, "unix_user"), l->why,
                             "found the user of %s again; allowed: each user is one person", b->name);
    if (a->mqtt_user[0] && strcmp(a->mqtt_user, b->mqtt_user) == 0)
        return yaml_complain(l->doc, place(l, "people", a->name, "mqtt_user"), l->why,
                             "found the user of %s again; allowed: each user is one person", b->name);
    return ERR_OK;
}

int check_people(const struct loading *l)
{
    const struct config *c = &l->l->c;
    for (int i = 0; i < c->npeople; i++) {
        const struct person *a = &c->people[i];
        if (!a->roles)
            return yaml_complain(
                l->doc, place(l, "people", a->name, "roles"), l->why,
                "found no role; allowed: at least one of site contractor community office inspector");
        int error = ERR_OK;
        for (int j = 0; j < i && !error; j++)
            error = check_taken(l, a, &c->people[j]);
        if (error)
            return error;
    }
    return ERR_OK;
}
