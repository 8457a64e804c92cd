#include "conf/tree.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

// A sequence or mapping that is still open.
struct level {
    struct tree *node;
    struct tree **tail; // where its next element or member goes
    bool keyed;         // a key waits for its value:
    struct tree key;
};

struct builder {
    struct arena *arena;
    struct tree_error *reterr;
    struct tree *root;
    struct level levels[TREE_DEPTH_MAX];
    size_t depth;
    size_t nodes;
    bool document; // one has begun
};

static unsigned place(size_t index)
{
    return index < UINT32_MAX ? (unsigned)index + 1 : UINT32_MAX;
}

static int refuse(struct builder *builder, int err, yaml_mark_t mark, const char *text)
{
    struct tree_error *reterr = builder->reterr;
    *reterr = (struct tree_error){.line = place(mark.line), .column = place(mark.column)};
    (void)snprintf(reterr->text, sizeof(reterr->text), "%s", text);
    return err;
}

// What people most often forget in YAML, in words that help; libyaml's own words otherwise.
static int refuse_syntax(struct builder *builder, const yaml_parser_t *parser)
{
    const char *context = parser->context ? parser->context : "";
    const char *problem = parser->problem ? parser->problem : "malformed YAML";
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR)
        return refuse(builder, HUB_E_INVALID, parser->mark,
                      "the text is not valid UTF-8, or holds a control character");
    if (strstr(context, "tag") || strstr(problem, "tag"))
        return refuse(builder, HUB_E_INVALID, parser->context_mark,
                      "a value that starts with '!' must stand in quotes");
    if (strstr(context, "alias"))
        return refuse(builder, HUB_E_INVALID, parser->context_mark,
                      "a value that starts with '*' must stand in quotes");
    if (strstr(context, "anchor"))
        return refuse(builder, HUB_E_INVALID, parser->context_mark,
                      "a value that starts with '&' must stand in quotes");
    char text[160];
    (void)snprintf(text, sizeof(text), "malformed YAML: %s (are quotes missing?)", problem);
    return refuse(builder, HUB_E_INVALID, parser->problem_mark, text);
}

static bool is_null(const yaml_event_t *event)
{
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0)
            return true;
    }
    return false;
}

static bool has_member(const struct tree *mapping, struct str key)
{
    for (const struct tree *member = mapping->child; member; member = member->next) {
        if (str_eq(member->key, key))
            return true;
    }
    return false;
}

static int take_key(struct builder *builder, struct level *level, const struct tree *node, yaml_mark_t mark)
{
    if (node->kind != TREE_SCALAR)
        return refuse(builder, HUB_E_INVALID, mark, "a key must be a plain word");
    if (level->node->count == TREE_MEMBERS_MAX)
        return refuse(builder, HUB_E_TOO_BIG, mark, "there are too many keys");
    level->key = *node;
    level->key.twice = has_member(level->node, node->text);
    level->keyed = true;
    return HUB_OK;
}

// Puts the node where it belongs. *ret_node is where it lives, NULL when it was a key.
static int attach(struct builder *builder, const struct tree *node, yaml_mark_t mark, struct tree **ret_node)
{
    struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;
    *ret_node = NULL;
    if (level && level->node->kind == TREE_MAPPING && !level->keyed)
        return take_key(builder, level, node, mark);
    if (builder->nodes++ == TREE_NODES_MAX)
        return refuse(builder, HUB_E_TOO_BIG, mark, "the text has too many values");
    struct tree *copy = arena_alloc(builder->arena, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = *node;
    *ret_node = copy;
    if (!level) {
        builder->root = copy;
        return HUB_OK;
    }
    if (level->keyed) {
        copy->key = level->key.text;
        copy->key_line = level->key.line;
        copy->key_column = level->key.column;
        copy->twice = level->key.twice;
        level->keyed = false;
    }
    *level->tail = copy;
    level->tail = &copy->next;
    level->node->count++;
    return HUB_OK;
}

static int add_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct tree node = {
        .kind = TREE_SCALAR,
        .null = is_null(event),
        .line = place(event->start_mark.line),
        .column = place(event->start_mark.column),
        .text = arena_dup(builder->arena,
                          str_make((const char *)event->data.scalar.value, event->data.scalar.length)),
    };
    if (!node.text.ptr)
        return -ENOMEM;
    struct tree *added;
    return attach(builder, &node, event->start_mark, &added);
}

static int open_level(struct builder *builder, const yaml_event_t *event, enum tree_kind kind)
{
    struct tree node = {
        .kind = kind,
        .line = place(event->start_mark.line),
        .column = place(event->start_mark.column),
    };
    if (builder->depth == TREE_DEPTH_MAX)
        return refuse(builder, HUB_E_TOO_BIG, event->start_mark, "the text is nested too deeply");
    struct tree *added;
    int err = attach(builder, &node, event->start_mark, &added);
    if (!err && added) // a key is a scalar
        builder->levels[builder->depth++] = (struct level){.node = added, .tail = &added->child};
    return err;
}

static int start_document(struct builder *builder, const yaml_event_t *event)
{
    if (builder->document)
        return refuse(builder, HUB_E_INVALID, event->start_mark, "there may be only one document");
    builder->document = true;
    return HUB_OK;
}

static int refuse_properties(struct builder *builder, const yaml_event_t *event, const void *anchor,
                             const void *tag)
{
    if (tag)
        return refuse(builder, HUB_E_INVALID, event->start_mark,
                      "a value that starts with '!' must stand in quotes");
    if (anchor)
        return refuse(builder, HUB_E_INVALID, event->start_mark,
                      "anchors are not supported; a value that starts with '&' must stand in quotes");
    return HUB_OK;
}

static int handle_event(struct builder *builder, const yaml_event_t *event)
{
    int err;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return start_document(builder, event);
    case YAML_SCALAR_EVENT:
        err = refuse_properties(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
        return err ? err : add_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        err = refuse_properties(builder, event, event->data.sequence_start.anchor,
                                event->data.sequence_start.tag);
        return err ? err : open_level(builder, event, TREE_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        err = refuse_properties(builder, event, event->data.mapping_start.anchor,
                                event->data.mapping_start.tag);
        return err ? err : open_level(builder, event, TREE_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        HUB_ASSERT(builder->depth > 0);
        builder->depth--;
        return HUB_OK;
    case YAML_ALIAS_EVENT:
        return refuse(builder, HUB_E_INVALID, event->start_mark,
                      "aliases are not supported; a value that starts with '*' must stand in quotes");
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return HUB_OK;
    }
    return HUB_OK;
}

static int build(struct builder *builder, yaml_parser_t *parser)
{
    int err = HUB_OK;
    bool end = false;
    while (!err && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return refuse_syntax(builder, parser);
        err = handle_event(builder, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return err;
}

// A line that libyaml would read as a directive: they say nothing that we want to hear, and it compares each
// with all others. The line, from 1, or 0.
static unsigned find_directive(struct str text)
{
    unsigned line = 1;
    bool start = true;
    for (size_t i = 0; i < text.len; i++) {
        if (start && text.ptr[i] == '%')
            return line;
        start = text.ptr[i] == '\n' || text.ptr[i] == '\r';
        line += text.ptr[i] == '\n';
    }
    return 0;
}

int tree_parse(struct tree **ret_root, struct str text, struct arena *arena, struct tree_error *reterr)
{
    if (text.len > TREE_TEXT_MAX) {
        *reterr = (struct tree_error){.text = "the text is larger than 256 KiB"};
        return HUB_E_TOO_BIG;
    }
    unsigned directive = find_directive(text);
    if (directive) {
        *reterr = (struct tree_error){directive, 1, "no line may start with '%'"};
        return HUB_E_INVALID;
    }
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    struct builder builder = {.arena = arena, .reterr = reterr};
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
    int err = build(&builder, &parser);
    yaml_parser_delete(&parser);
    if (!err)
        *ret_root = builder.root && builder.root->null ? NULL : builder.root;
    return err;
}
