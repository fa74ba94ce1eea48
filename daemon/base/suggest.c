#include "daemon/base/schema.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 40 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits (insert, delete, replace, swap of neighbours) from one word to the other: Damerau-Levenshtein with
 * restricted transpositions, three rows of its table. */
static int distance(const char *a, const char *b)
{
    int na = (int)strlen(a), nb = (int)strlen(b);
    int rows[3][WORD_MAX + 1];
    if (na > WORD_MAX || nb > WORD_MAX)
        return WORD_MAX;
    int *before = rows[0], *last = rows[1], *row = rows[2];
    for (int j = 0; j <= nb; j++)
        last[j] = j;
    for (int i = 1; i <= na; i++) {
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            row[j] = smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        int *next = before;
        before = last;
        last = row;
        row = next;
    }
    return last[nb];
}

const char *schema_suggest(const char *found, const char *const *names)
{
    const char *best = NULL;
    size_t length = strlen(found);
    int most = 1 + (int)length / 4, least = 2 * most + 2; /* further away it would be a guess */
    for (; *names; names++) {
        int d = distance(found, *names);
        int score = 2 * d + (strlen(*names) != length); /* of two as near, the one of the same length */
        if (d <= most && d < (int)strlen(*names) && score < least) {
            best = *names;
            least = score;
        }
    }
    return best;
}
