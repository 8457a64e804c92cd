#include "http/entity_tag.h"

// Takes the first member off the list: a quoted one may hold commas.
static struct str take_member(struct str *list)
{
    size_t start = str_starts_with(*list, STR("W/")) ? 2 : 0;
    size_t end;
    if (start < list->len && list->ptr[start] == '"')
        end = str_find(*list, start + 1, '"') + 1;
    else
        end = str_find(*list, start, ',');
    struct str member = str_trim(str_slice(*list, start, end));
    size_t comma = end <= list->len ? str_find(*list, end, ',') : list->len;
    *list = str_trim(str_slice(*list, comma + 1, list->len));
    return member;
}

bool entity_tag_is_named(struct str if_none_match, struct str tag)
{
    struct str list = str_trim(if_none_match);
    if (str_eq(list, STR("*")))
        return true;
    while (list.len) {
        if (str_eq(take_member(&list), tag))
            return true;
    }
    return false;
}
