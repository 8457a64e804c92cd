#include "url/utf8.h"

#include "base/buf.h"

uint32_t utf8_next(struct str text, size_t *at)
{
    unsigned char lead = (unsigned char)text.ptr[(*at)++];
    if (lead < 0x80)
        return lead;
    unsigned more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    uint32_t c = lead & (0x3FU >> more);
    for (; more > 0; more--)
        c = c << 6 | ((unsigned char)text.ptr[(*at)++] & 0x3FU);
    return c;
}

void utf8_append(struct buf *to, uint32_t c)
{
    if (c < 0x80) {
        buf_append_c(to, (char)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    unsigned lead = (0xFF00U >> (more + 1)) & 0xFFU; // more + 1 ones, then zeros
    buf_append_c(to, (char)(lead | c >> (6 * more)));
    while (more-- > 0)
        buf_append_c(to, (char)(0x80U | (c >> (6 * more) & 0x3FU)));
}
