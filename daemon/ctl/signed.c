#include "daemon/ctl/signed.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/head.h"

#include <string.h>

int signed_want(struct signed_heads *s, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        char *one = mem_string_n(list, length);
        s->wanted = mem_resize(s->wanted, (size_t)s->nwanted + 1, sizeof *s->wanted);
        int rc = sign_parse_fingerprint(one, s->wanted[s->nwanted]);
        mem_free(one);
        if (rc != ERR_OK)
            return rc;
        s->nwanted++;
        list += length + (list[length] == ',');
    }
    return s->nwanted ? ERR_OK : ERR_FORMAT;
}

static struct signing_key *key_of(struct signed_heads *s, const char *fingerprint, int64_t seq)
{
    for (int i = 0; i < s->nkeys; i++)
        if (strcmp(s->keys[i].fingerprint, fingerprint) == 0)
            return &s->keys[i];
    s->keys = mem_resize(s->keys, (size_t)s->nkeys + 1, sizeof *s->keys);
    struct signing_key *key = &s->keys[s->nkeys++];
    *key = (struct signing_key){.first = seq};
    memcpy(key->fingerprint, fingerprint, FINGERPRINT_SIZE);
    for (int i = 0; i < s->nwanted; i++)
        key->wanted = key->wanted || strcmp(s->wanted[i], fingerprint) == 0;
    return key;
}

int signed_take(struct signed_heads *s, const struct journal *before, const struct row *row)
{
    struct signed_head h;
    if (!row->body)
        return ERR_OK;
    json_t *body = json_loads(row->body, JSON_REJECT_DUPLICATES, NULL);
    int rc = head_read(body, before->id, &h);
    json_decref(body);
    if (rc != ERR_OK || h.head.seq != before->seq || memcmp(h.head.hash, before->hash, HASH_SIZE) != 0 ||
        !head_verifies(&h))
        return ERR_DAMAGED;
    sign_fingerprint(h.key, s->fingerprint);
    struct signing_key *key = key_of(s, s->fingerprint, row->seq);
    key->last = row->seq;
    if (s->nwanted && !key->wanted && !s->stranger)
        s->stranger = row->seq;
    s->count++;
    s->seq = h.head.seq;
    s->at_ms = h.at_ms;
    return ERR_OK;
}

void signed_finish(struct signed_heads *s)
{
    mem_free(s->wanted);
    mem_free(s->keys);
    *s = (struct signed_heads){0};
}
