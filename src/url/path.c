#include "url/parser_priv.h"
#include "url/percent.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Of Windows: a letter with ":" or "|" after it.
static bool is_drive_letter(struct str s)
{
    return s.len == 2 && is_alpha(s.ptr[0]) && (s.ptr[1] == ':' || s.ptr[1] == '|');
}

bool parser_at_drive_letter(const struct parser *parser)
{
    int c = parser_peek(parser, 2);
    return is_drive_letter(parser_slice(parser, parser->at, parser->at + 2)) &&
           (c == PARSER_END || c == '/' || c == '\\' || c == '?' || c == '#');
}

struct str parser_drive_letter_of(struct str path)
{
    bool is_segment = path.len == 3 || (path.len > 3 && path.ptr[3] == '/');
    struct str first = str_slice(path, 1, 3);
    return is_segment && is_drive_letter(first) && first.ptr[1] == ':' ? str_slice(path, 0, 3) : STR("");
}

void parser_shorten_path(struct parser *parser)
{
    struct span *path = &parser->path;
    struct str text = parser_span(parser, path);
    if (parser->is_file && text.len == 3 && parser_drive_letter_of(text).len > 0)
        return;
    while (path->len > 0 && text.ptr[--path->len] != '/')
        ;
    parser->out.len = path->from + path->len;
}

// Takes "." or "%2e" (any case) off the front.
static bool take_dot(struct str *segment)
{
    size_t len = str_starts_with(*segment, STR(".")) ? 1 : str_percent_byte(*segment, 0) == '.' ? 3 : 0;
    *segment = str_slice(*segment, len, segment->len);
    return len > 0;
}

// The number of dots that a segment consists of: 1, 2, or 0 when it is an ordinary one.
static int dots_of(struct str segment)
{
    int dots = 0;
    while (dots < 2 && take_dot(&segment))
        dots++;
    return segment.len == 0 ? dots : 0;
}

bool url_has_dot_segments(struct str text)
{
    size_t end = 0;
    while (end < text.len && text.ptr[end] != '?' && text.ptr[end] != '#')
        end++;
    struct str path = str_slice(text, 0, end);
    struct str segment;
    while (str_split(&path, '/', &segment)) {
        if (dots_of(segment))
            return true;
    }
    return false;
}

static void append_segment(struct parser *parser, struct str segment)
{
    bool is_drive = parser->is_file && parser->path.len == 0 && is_drive_letter(segment);
    buf_append_c(&parser->out, '/');
    percent_encode(&parser->out, is_drive ? str_slice(segment, 0, 1) : segment, &percent_path_set);
    if (is_drive)
        buf_append_c(&parser->out, ':');
    parser->path.len = parser->out.len - parser->path.from;
}

static size_t segment_end(const struct parser *parser)
{
    size_t end = parser->at;
    for (; end < parser->in.len; end++) {
        char c = parser->in.ptr[end];
        if (c == '/' || c == '?' || c == '#' || (c == '\\' && parser->is_special))
            break;
    }
    return end;
}

// Dots work on the path as it is so far; as the last segment they leave a "/" at the end.
static void read_segment(struct parser *parser, struct str segment, bool is_last)
{
    int dots = dots_of(segment);
    if (dots == 2)
        parser_shorten_path(parser);
    if (dots == 0)
        append_segment(parser, segment);
    else if (is_last)
        append_segment(parser, STR(""));
}

void parser_read_path(struct parser *parser)
{
    if (!parser->path.is_set)
        parser_copy(parser, &parser->path, STR(""));
    bool is_last = false;
    while (!is_last) {
        size_t end = segment_end(parser);
        struct str segment = parser_slice(parser, parser->at, end);
        parser->at = end;
        is_last = !parser_is_slash(parser, parser_peek(parser, 0));
        read_segment(parser, segment, is_last);
        parser->at += !is_last;
    }
}

void parser_start_path(struct parser *parser)
{
    int c = parser_peek(parser, 0);
    if (parser_is_slash(parser, c))
        parser->at++;
    else if (!parser->is_special && (c == PARSER_END || c == '?' || c == '#'))
        return; // only special URLs always have a path
    parser_read_path(parser);
}

static size_t opaque_path_end(const struct parser *parser)
{
    size_t end = parser->at;
    while (end < parser->in.len && parser->in.ptr[end] != '?' && parser->in.ptr[end] != '#')
        end++;
    return end;
}

void parser_read_opaque_path(struct parser *parser)
{
    size_t end = opaque_path_end(parser);
    struct str text = parser_slice(parser, parser->at, end);
    parser->at = end;
    parser->has_opaque_path = true;
    // A space before the query would be lost when the query is taken away.
    bool ends_in_space = str_ends_with(text, STR(" "));
    parser_put(parser, &parser->path, str_slice(text, 0, text.len - ends_in_space), &percent_c0_set);
    if (ends_in_space)
        buf_append_str(&parser->out, STR("%20"));
    parser->path.len = parser->out.len - parser->path.from;
}
