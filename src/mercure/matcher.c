#include "mercure/matcher.h"

#include "mercure/pattern.h"

#include <stdlib.h>

static int compare_texts(const struct matcher *a, const struct matcher *b)
{
    return a->kind != b->kind ? a->kind - b->kind : str_cmp(a->text, b->text);
}

static int by_text(const void *a, const void *b)
{
    const struct matcher *left = a;
    const struct matcher *right = b;
    int order = compare_texts(left, right);
    return order ? order : left->place - right->place;
}

static int by_place(const void *a, const void *b)
{
    const struct matcher *left = a;
    const struct matcher *right = b;
    return left->kind != right->kind ? left->kind - right->kind : left->place - right->place;
}

size_t matchers_sort(struct matcher *matchers, size_t count)
{
    if (count == 0)
        return 0;
    qsort(matchers, count, sizeof(*matchers), by_text);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (compare_texts(&matchers[i], &matchers[kept - 1]) != 0)
            matchers[kept++] = matchers[i];
        else
            matchers_done(&matchers[i], 1);
    }
    qsort(matchers, kept, sizeof(*matchers), by_place);
    return kept;
}

void matchers_done(struct matcher *matchers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (matchers[i].pattern)
            pattern_unref(matchers[i].pattern);
        matchers[i].pattern = NULL;
    }
}
