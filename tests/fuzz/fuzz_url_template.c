// URI Templates: the input is a template and, behind the first zero byte, a topic. A template that matches a
// topic begins with its start, and stands for what an empty expansion leaves of it.
#include "base/assert.h"
#include "base/err.h"
#include "url/template.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The template without its expressions.
static struct str without_expressions(struct str text, char *to)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at] == '{')
            at = str_find(text, at, '}');
        else
            to[len++] = text.ptr[at];
    }
    return str_make(to, len);
}

static bool matches(const struct url_template *template, struct str topic)
{
    uint64_t work = UINT64_MAX;
    return url_template_test(template, topic, &work) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    size_t end = str_find(input, 0, 0);
    struct str text = str_slice(input, 0, end);
    struct str topic = str_slice(input, end + 1, size);
    struct url_template *template;
    int err = url_template_compile(&template, text);
    HUB_ASSERT(err == HUB_OK || err == HUB_E_INVALID || err == HUB_E_TOO_BIG);
    if (err)
        return 0;
    if (matches(template, topic))
        HUB_ASSERT(str_starts_with(topic, template->start));
    char rest[URL_TEMPLATE_MAX];
    HUB_ASSERT(matches(template, without_expressions(text, rest)));
    url_template_free(template);
    return 0;
}
