#include "hub/origin.h"

#include "base/option.h"

static struct str without_default_port(struct str origin)
{
    if (str_eq_nocase(str_slice(origin, 0, 7), STR("http://")) && str_ends_with(origin, STR(":80")))
        return str_slice(origin, 0, origin.len - 3);
    if (str_eq_nocase(str_slice(origin, 0, 8), STR("https://")) && str_ends_with(origin, STR(":443")))
        return str_slice(origin, 0, origin.len - 4);
    return origin;
}

struct str origin_of_url(struct str url)
{
    size_t colon = str_find(url, 0, ':');
    if (!str_starts_with(str_slice(url, colon, url.len), STR("://")) || str_find(url, 0, '/') < colon)
        return str_make(NULL, 0);
    size_t end = colon + 3;
    while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?' && url.ptr[end] != '#')
        end++;
    return without_default_port(str_slice(url, 0, end));
}

bool origin_equals(struct str a, struct str b)
{
    return str_eq_nocase(without_default_port(a), without_default_port(b));
}

static bool matches(struct str entry, struct str origin)
{
    size_t star = str_find(entry, 0, '*');
    if (star == entry.len)
        return origin_equals(entry, origin);
    struct str head = str_slice(entry, 0, star);
    struct str tail = str_slice(entry, star + 1, entry.len);
    return origin.len >= head.len + tail.len && str_eq_nocase(str_slice(origin, 0, head.len), head) &&
           str_eq_nocase(str_slice(origin, origin.len - tail.len, origin.len), tail);
}

bool origin_is_allowed(const struct option_list *list, struct str origin)
{
    for (size_t i = 0; i < list->count; i++) {
        if (matches(list->items[i], origin))
            return true;
    }
    return false;
}

bool origin_is_any(const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], STR("*")))
            return true;
    }
    return false;
}
