#include "url/percent.h"

#include "base/buf.h"

#define LO(c) (UINT64_C(1) << (c))
#define HI(c) (UINT64_C(1) << ((c)-64))

// Each set is an earlier one with more, as in the standard.
#define C0_LO UINT64_C(0xFFFFFFFF)
#define C0_HI HI(0x7F)
#define FRAGMENT_LO (C0_LO | LO(' ') | LO('"') | LO('<') | LO('>'))
#define FRAGMENT_HI (C0_HI | HI('`'))
#define QUERY_LO (C0_LO | LO(' ') | LO('"') | LO('#') | LO('<') | LO('>'))
#define QUERY_HI C0_HI
#define PATH_LO (QUERY_LO | LO('?'))
#define PATH_HI (QUERY_HI | HI('^') | HI('`') | HI('{') | HI('}'))
#define USERINFO_LO (PATH_LO | LO('/') | LO(':') | LO(';') | LO('='))
#define USERINFO_HI (PATH_HI | HI('@') | HI('[') | HI('\\') | HI(']') | HI('|'))
#define COMPONENT_LO (USERINFO_LO | LO('$') | LO('%') | LO('&') | LO('+') | LO(','))

const struct percent_set percent_c0_set = {C0_LO, C0_HI};
const struct percent_set percent_fragment_set = {FRAGMENT_LO, FRAGMENT_HI};
const struct percent_set percent_query_set = {QUERY_LO, QUERY_HI};
const struct percent_set percent_special_query_set = {QUERY_LO | LO('\''), QUERY_HI};
const struct percent_set percent_path_set = {PATH_LO, PATH_HI};
const struct percent_set percent_userinfo_set = {USERINFO_LO, USERINFO_HI};
const struct percent_set percent_component_set = {COMPONENT_LO, USERINFO_HI};

bool percent_set_has(const struct percent_set *set, unsigned char byte)
{
    if (byte >= 0x80)
        return true;
    return ((byte < 64 ? set->lo : set->hi) >> (byte & 63)) & 1;
}

static void append_encoded(struct buf *to, unsigned char byte)
{
    static const char hex[] = "0123456789ABCDEF";
    char encoded[] = {'%', hex[byte >> 4], hex[byte & 15]};
    buf_append(to, encoded, sizeof(encoded));
}

void percent_encode(struct buf *to, struct str text, const struct percent_set *set)
{
    size_t run = 0; // the start of what is copied as it is
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (!percent_set_has(set, byte))
            continue;
        buf_append_str(to, str_slice(text, run, i));
        append_encoded(to, byte);
        run = i + 1;
    }
    buf_append_str(to, str_slice(text, run, text.len));
}

void percent_decode(struct buf *to, struct str text)
{
    size_t run = 0;
    size_t at = str_find(text, 0, '%');
    while (at < text.len) {
        int byte = str_percent_byte(text, at);
        if (byte >= 0) {
            buf_append_str(to, str_slice(text, run, at));
            buf_append_c(to, (char)byte);
            run = at + 3;
        }
        at = str_find(text, byte >= 0 ? run : at + 1, '%');
    }
    buf_append_str(to, str_slice(text, run, text.len));
}
