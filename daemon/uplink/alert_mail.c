/* A mail: head lines, and the text in base64 (RFC 5322, 2045, 2047). */
#include "daemon/uplink/alert_private.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"
#include "daemon/uplink/alert.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

enum { WORD_BYTES = 42, LINE_BYTES = 57, SUBJECT_MOST = 300 }; /* 56 and 76 characters of base64 */

static void add_base64(struct buf *b, const char *bytes, size_t length)
{
    char text[LINE_BYTES / 3 * 4 + 5];
    sodium_bin2base64(text, sizeof text, (const unsigned char *)bytes, length,
                      sodium_base64_VARIANT_ORIGINAL);
    buf_text(b, text);
}

/* Encoded words of whole characters, one a line. */
static void add_subject(struct buf *b, const char *subject)
{
    size_t length = utf8_cut(subject, strlen(subject), SUBJECT_MOST);
    buf_text(b, "Subject:");
    for (size_t n; length; subject += n, length -= n) {
        n = utf8_cut(subject, length, WORD_BYTES);
        if (!n)
            break;
        buf_text(b, " =?UTF-8?B?");
        add_base64(b, subject, n);
        buf_text(b, n < length ? "?=\r\n" : "?=");
    }
    buf_text(b, "\r\n");
}

static void add_date(struct buf *b, int64_t at_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[32];
    clock_text(at_ms, 0, text); /* "2026-11-26T08:15:00.000+00:00" */
    int month = (text[5] - '0') * 10 + text[6] - '0' - 1;
    buf_printf(b, "Date: %.2s %.3s %.4s %.8s +0000\r\n", text + 8, months + (size_t)month * 3, text,
               text + 11);
}

char *mail_text(const struct alert_job *job, const char *site, const char *from, int64_t at_ms)
{
    struct buf b = {0};
    const char *domain = strchr(from, '@');
    add_date(&b, at_ms);
    buf_printf(&b, "From: dustd <%s>\r\nTo: <%s>\r\n", from, job->email);
    add_subject(&b, job->subject);
    buf_printf(&b, "Message-ID: <%s.%" PRId64 ".%" PRIu64 "@%s>\r\n", site, at_ms, job->id,
               domain ? domain + 1 : "localhost");
    buf_text(&b, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    size_t length = strlen(job->text);
    for (size_t at = 0; at < length; at += LINE_BYTES) {
        add_base64(&b, job->text + at, length - at < LINE_BYTES ? length - at : LINE_BYTES);
        buf_text(&b, "\r\n");
    }
    return buf_take(&b);
}
