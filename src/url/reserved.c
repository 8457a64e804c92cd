#include "url/reserved.h"

#include "base/err.h"
#include "url/percent.h"
#include "url/reserved_priv.h"
#include "url/url.h"

#include <string.h>

#define LAST_SEGMENT "mercure"

static bool is_unreserved(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

// The character at *at, decoded if it is an unreserved one, or -1 at the end.
static int next_char(struct str path, size_t *at)
{
    if (*at >= path.len)
        return -1;
    int decoded = str_percent_byte(path, *at);
    if (is_unreserved(decoded)) {
        *at += 3;
        return decoded;
    }
    return (unsigned char)path.ptr[(*at)++];
}

static bool is_in_namespace(struct str path)
{
    size_t at = 0;
    for (const char *c = HUB_PATH; *c; c++) {
        if (next_char(path, &at) != *c)
            return false;
    }
    return at == path.len || path.ptr[at] == '/';
}

bool reserved_by_parsing(struct str topic, const struct url *base)
{
    struct url url;
    int err = url_parse(&url, topic, base);
    if (err)
        return err != HUB_E_INVALID;
    bool is_reserved = is_in_namespace(url.path);
    url_done(&url);
    return is_reserved;
}

// Whether "mercure" may be in the text, perhaps disguised: percent-encoded, or with tabs or line ends between
// the letters, which the URL parser removes.
static bool may_spell_segment(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' || c == '\t' || c == '\n' || c == '\r')
            return true;
        if (c == 'm' && str_starts_with(str_slice(text, i, text.len), STR(LAST_SEGMENT)))
            return true;
    }
    return false;
}

// Whether nothing but a query or fragment follows. Spaces are passed over, for the URL parser removes those
// at the end of its input.
static bool lacks_path_from(struct str text, size_t at)
{
    while (at < text.len && (unsigned char)text.ptr[at] <= ' ')
        at++;
    return at == text.len || text.ptr[at] == '?' || text.ptr[at] == '#';
}

// Whether the topic may have no path of its own, so that it gets the base's whole: it is empty up to its
// query or fragment, or has only a scheme (which could be the base's) before it.
static bool may_lack_path(struct str topic)
{
    size_t colon = str_find(topic, 0, ':');
    return lacks_path_from(topic, 0) || (colon < topic.len && lacks_path_from(topic, colon + 1));
}

// Each segment of the resolved path is one of the topic's, of which percent-encoding leaves letters and "%"
// alone, or one of the base's. The last segment of the base's path stays only when the topic has no path. So,
// without "mercure" in the other ones, the topic itself has to spell it.
bool reserved_is_possible(struct str topic, const struct url *base)
{
    size_t last = base->path.len;
    while (last > 0 && base->path.ptr[last - 1] != '/')
        last--;
    return may_spell_segment(topic) || may_lack_path(topic) ||
           may_spell_segment(str_slice(base->path, 0, last));
}

// URI Templates and exact matchers take a topic as it is written: what leaves the namespace by ".." only when
// it is resolved is still in it for them.
bool url_is_reserved(struct str topic, const struct url *base)
{
    if (is_in_namespace(topic))
        return true;
    return reserved_is_possible(topic, base) && reserved_by_parsing(topic, base);
}
