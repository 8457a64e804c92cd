// Any bytes are a form; what was read from it and written again reads back the same.
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

// Writes the pairs of the form again, and returns how many there are.
static size_t rewrite(struct str text, struct buf *to)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX / 2);
    struct form form;
    form_init(&form, text, &arena);
    struct str name, value;
    size_t count = 0;
    while (form_next(&form, &name, &value)) {
        HUB_ASSERT(name.len + value.len <= text.len);
        form_append(to, name, value);
        count++;
    }
    HUB_ASSERT(form.err == HUB_OK);
    arena_done(&arena);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct buf once, twice;
    buf_init(&once, SIZE_MAX / 2);
    buf_init(&twice, SIZE_MAX / 2);
    size_t count = rewrite(str_make((const char *)input, len), &once);
    HUB_ASSERT(rewrite(buf_str(&once), &twice) == count);
    HUB_ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
