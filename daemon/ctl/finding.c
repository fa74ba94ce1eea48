#include "daemon/ctl/finding.h"
#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/when.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void add_text(json_t *request, const char *key, const char *text)
{
    if (!text)
        return;
    json_t *value = json_string(text);
    json_object_set_new(request, key, value ? value : json_string("\x7f")); /* no UTF-8: refused as such */
}

/* The photo goes as an open file: the daemon needs no right to read it by name. */
static json_t *send_photo(struct ctl *c, const char *id, const char *file, const char *when)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        complain("%s: %s", file, strerror(errno));
        return NULL;
    }
    const char *slash = strrchr(file, '/');
    json_t *request = json_pack("{s:s,s:s}", "do", "photo", "issue", id);
    add_text(request, "name", slash ? slash + 1 : file);
    add_text(request, "when", when);
    add_text(request, "as", c->as);
    if (ctl_connect(c) == ERR_OK)
        client_attach(c->client, fd);
    json_t *issue = ctl_result(c, request);
    close(fd);
    return issue;
}

json_t *finding_photo(struct ctl *c)
{
    if (c->nwords < 3) {
        complain("%s", say(c, "请写明照片文件", "name the photo's file"));
        return NULL;
    }
    return send_photo(c, c->words[0], c->words[2], c->nwords > 3 ? c->words[3] : NULL);
}

json_t *finding_open(struct ctl *c)
{
    static const char *const keys[] = {"category", "place", "text"};
    json_t *request = json_pack("{s:s}", "do", "open");
    for (int i = 0; i < 3; i++)
        add_text(request, keys[i], i + 1 < c->nwords ? c->words[i + 1] : NULL);
    add_text(request, "way", c->way ? c->way : "inspection");
    add_text(request, "person", c->person);
    add_text(request, "level", c->level);
    add_text(request, "as", c->as);
    json_t *issue = ctl_result(c, request);
    if (!issue || !c->photo)
        return issue;
    json_t *with = send_photo(c, text_of(issue, "id"), c->photo, "before");
    if (!with)
        complain(say(c, "问题 %s 已登记，但照片没有收下", "issue %s is recorded, but without the photo"),
                 text_of(issue, "id"));
    json_decref(issue);
    return with;
}

bool finding_due(struct ctl *c, json_t *request)
{
    int64_t now_ms, at_ms;
    if (!c->due)
        return true;
    if (!ctl_now(c, &now_ms))
        return false;
    if (when_parse(c->due, now_ms, c->zone_min, &at_ms) != ERR_OK) {
        complain(say(c, "%s：不是时间；可写 2026-11-23T08:15、2026-11-23、08:15",
                     "%s: no time; write 2026-11-23T08:15, 2026-11-23 or 08:15"),
                 c->due);
        return false;
    }
    json_object_set_new(request, "due", json_integer(at_ms));
    return true;
}
