// Any bytes as JSON: what is taken can be walked and dumped, and the dump reads back to the same dump.
#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void dump(const struct json *root, struct buf *buf)
{
    buf_init(buf, 16 * JSON_TEXT_MAX);
    json_dump(root, buf);
    if (buf->err)
        abort();
}

static void walk(const struct json *root)
{
    void *iter = NULL;
    struct str key;
    const struct json *value;
    size_t count = 0;
    while (json_next(root, &iter, &key, &value)) {
        if (json_get(root, key) != value)
            abort();
        count++;
    }
    for (size_t i = 0; json_at(root, i); i++)
        count++;
    if (count != json_count(root))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *root;
    struct json_error error;
    if (json_parse(&root, str_make((const char *)data, size), &error) != HUB_OK) {
        if (error.text[0] == '\0')
            abort();
        return 0;
    }
    walk(root);
    struct buf first;
    struct buf second;
    dump(root, &first);
    json_free(root);
    // A dump may be longer than what may be parsed: only escapes grow, sixfold at most.
    if (first.len <= JSON_TEXT_MAX) {
        if (json_parse(&root, buf_str(&first), NULL) != HUB_OK)
            abort();
        dump(root, &second);
        if (!str_eq(buf_str(&first), buf_str(&second)))
            abort();
        json_free(root);
        buf_done(&second);
    }
    buf_done(&first);
    return 0;
}
