#include "conf/conf.h"

#include "base/buf.h"

#include <string.h>

#define WIDTH 100U
#define INDENT 8U

static void append_upper(struct buf *buf, const char *text)
{
    for (; *text; text++)
        buf_append_c(buf, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
}

// What stands for the value in the synopsis of a flag.
static void append_placeholder(struct buf *buf, const struct option *option)
{
    if (option->type == OPTION_BOOL) {
        buf_append_str(buf, STR("[=BOOL]"));
        return;
    }
    buf_append_c(buf, ' ');
    if (option->type != OPTION_ENUM) {
        append_upper(buf, option_type_name(option->type));
        return;
    }
    for (const char *const *word = option->words; *word; word++)
        buf_printf(buf, "%s%s", word == option->words ? "" : "|", *word);
}

static void append_flag(struct buf *buf, const struct option *option)
{
    if (option->letter)
        buf_printf(buf, "  -%c, --", option->letter);
    else
        buf_append_str(buf, STR("      --"));
    for (const char *c = option->name; *c; c++)
        buf_append_c(buf, *c == '_' ? '-' : *c);
    append_placeholder(buf, option);
    buf_append_c(buf, '\n');
}

// Appends the sentence without its marks of code, broken into lines.
static void append_wrapped(struct buf *buf, struct str text)
{
    size_t column = 0;
    struct str word;
    while (str_split(&text, ' ', &word)) {
        if (column == 0 || column + 1 + word.len > WIDTH) {
            buf_printf(buf, "%s%*s", column ? "\n" : "", (int)INDENT, "");
            column = INDENT;
        } else {
            buf_append_c(buf, ' ');
            column++;
        }
        for (size_t i = 0; i < word.len; i++) {
            if (word.ptr[i] != '`')
                buf_append_c(buf, word.ptr[i]);
        }
        column += word.len;
    }
    buf_append_c(buf, '\n');
}

static const char *find_default(const struct conf_override *defaults, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(defaults[i].key, key) == 0)
            return defaults[i].text;
    }
    return NULL;
}

// `own` stands in for the schema's default, unless it is NULL.
static void append_doc(struct buf *buf, const struct option *option, const char *own)
{
    struct buf doc;
    buf_init(&doc, 1024);
    buf_append_str(&doc, str_from_c(option->doc));
    if (own)
        buf_printf(&doc, " Default: %s", own);
    else if (option->default_doc)
        buf_printf(&doc, " Default: %s.", option->default_doc);
    else if (option->default_text && option->type != OPTION_BOOL)
        buf_printf(&doc, " Default: %s", *option->default_text ? option->default_text : "empty");
    append_wrapped(buf, buf_str(&doc));
    if (doc.err && !buf->err)
        buf->err = doc.err;
    buf_done(&doc);
}

void conf_help(const struct conf_override *defaults, size_t default_count, struct buf *buf)
{
    buf_append_str(
        buf,
        STR("Configuration:\n"
            "      --config PATH\n"
            "        The configuration file. Default: the first cinnabar.yaml, mercure.yaml, mercure.yml "
            "or\n"
            "        mercure.json in ., $XDG_CONFIG_HOME/mercure (or ~/.config/mercure), /etc/mercure\n"));
    for (const struct option *option = conf_options; option->name; option++) {
        if (option->section)
            buf_printf(buf, "\n%s:\n", option->section);
        append_flag(buf, option);
        append_doc(buf, option, find_default(defaults, default_count, option->name));
    }
    buf_append_str(buf,
                   STR("\n"
                       "Each is an environment variable too (MERCURE_ADDR for --addr) and a key of the file "
                       "(addr).\n"
                       "A flag wins over the environment, the environment over the file.\n"));
}
