#include "hub/publish_form.h"

#include "base/arena.h"
#include "base/err.h"
#include "http/form.h"
#include "mercure/publication.h"

#include <errno.h>

static void set_once(struct str *field, struct str value)
{
    if (!field->ptr)
        *field = value;
}

static void set_field(struct publication *publication, struct str *topics, size_t max_topics, struct str name,
                      struct str value)
{
    if (str_eq(name, STR("topic"))) {
        if (publication->topic_count < max_topics)
            topics[publication->topic_count] = value;
        publication->topic_count++;
    } else if (str_eq(name, STR("data"))) {
        set_once(&publication->data, value);
    } else if (str_eq(name, STR("id"))) {
        set_once(&publication->id, value);
    } else if (str_eq(name, STR("type"))) {
        set_once(&publication->type, value);
    } else if (str_eq(name, STR("retry"))) {
        set_once(&publication->retry, value);
    } else if (str_eq(name, STR("private"))) {
        publication->private = true;
    }
}

static size_t count_pairs(struct str body, size_t max)
{
    size_t count = 1;
    for (size_t at = str_find(body, 0, '&'); at < body.len && count < max; at = str_find(body, at + 1, '&'))
        count++;
    return count;
}

int publish_form_read(struct publication *ret_publication, struct str body, size_t max_topics,
                      struct arena *arena)
{
    struct publication publication = {0};
    size_t room = count_pairs(body, max_topics);
    struct str *topics = arena_calloc(arena, room, sizeof(*topics));
    if (!topics)
        return -ENOMEM;
    struct form form;
    form_init(&form, body, arena);
    struct str name;
    struct str value;
    while (form_next(&form, &name, &value))
        set_field(&publication, topics, room, name, value);
    publication.topics = topics;
    *ret_publication = publication;
    return form.err;
}
