#include "conf/conf.h"

#include "base/buf.h"
#include "json/writer.h"

#define DURATION_PATTERN "^(0|([0-9]+(\\.[0-9]*)?(ns|us|\xC2\xB5s|ms|s|m|h))+)$"
#define SIZE_PATTERN "^[0-9]+ ?([KMGT]i?B|B)?$"

static void begin_property(struct json_writer *writer, const char *name, const char *doc)
{
    json_write_key(writer, str_from_c(name));
    json_begin_object(writer);
    if (doc)
        json_write_member(writer, STR("description"), str_from_c(doc));
}

static void write_type(struct json_writer *writer, struct str type)
{
    json_write_member(writer, STR("type"), type);
}

static void write_range(struct json_writer *writer, const struct option *option)
{
    json_write_member_u64(writer, STR("minimum"), option->or_zero ? 0 : option->min);
    if (option->max)
        json_write_member_u64(writer, STR("maximum"), option->max);
}

// Either of two forms; the first is what an editor should offer.
static void write_list(struct json_writer *writer)
{
    json_write_key(writer, STR("oneOf"));
    json_write_raw(writer, STR("[{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}},"
                               "{\"type\":\"string\"}]"));
}

static void write_size(struct json_writer *writer, const struct option *option)
{
    json_write_key(writer, STR("type"));
    json_write_raw(writer, STR("[\"integer\",\"string\"]"));
    json_write_member(writer, STR("pattern"), STR(SIZE_PATTERN));
    write_range(writer, option);
}

static void write_words(struct json_writer *writer, const char *const *words)
{
    json_write_key(writer, STR("enum"));
    json_begin_array(writer);
    for (; *words; words++)
        json_write_str(writer, str_from_c(*words));
    json_end_array(writer);
}

static void write_text(struct json_writer *writer, const struct option *option)
{
    write_type(writer, STR("string"));
    if (option->min)
        json_write_member_u64(writer, STR("minLength"), option->min);
    if (option->max)
        json_write_member_u64(writer, STR("maxLength"), option->max);
    if (option->type == OPTION_URL)
        json_write_member(writer, STR("format"), STR("uri"));
}

#define PUBLIC_ALGORITHMS \
    "\"RS256\",\"RS384\",\"RS512\",\"PS256\",\"PS384\",\"PS512\",\"ES256\",\"ES384\",\"ES512\",\"EdDSA\""

static void write_verifier(struct json_writer *writer, const char *role)
{
    begin_property(writer, role, NULL);
    write_type(writer, STR("object"));
    json_write_key(writer, STR("properties"));
    json_write_raw(
        writer, STR("{\"jwt_key\":{\"type\":\"string\",\"minLength\":1},"
                    "\"jwt_algorithm\":{\"enum\":[\"HS256\",\"HS384\",\"HS512\"," PUBLIC_ALGORITHMS "]},"
                    "\"jwks_uri\":{\"type\":\"string\",\"format\":\"uri\"},"
                    "\"jwt_algorithms\":{\"type\":\"array\",\"items\":{\"enum\":[" PUBLIC_ALGORITHMS "]}}}"));
    json_write_key(writer, STR("oneOf"));
    json_write_raw(writer, STR("[{\"required\":[\"jwt_key\"]},{\"required\":[\"jwks_uri\"]}]"));
    json_write_key(writer, STR("additionalProperties"));
    json_write_bool(writer, false);
    json_end_object(writer);
}

static void write_issuers(struct json_writer *writer)
{
    write_type(writer, STR("array"));
    json_write_key(writer, STR("items"));
    json_begin_object(writer);
    write_type(writer, STR("object"));
    json_write_key(writer, STR("properties"));
    json_begin_object(writer);
    begin_property(writer, "issuer", "The iss of its tokens.");
    write_type(writer, STR("string"));
    json_end_object(writer);
    begin_property(writer, "authorization_servers", "Only advertised.");
    write_list(writer);
    json_end_object(writer);
    write_verifier(writer, "publisher");
    write_verifier(writer, "subscriber");
    json_end_object(writer);
    json_write_key(writer, STR("required"));
    json_write_raw(writer, STR("[\"issuer\"]"));
    json_write_key(writer, STR("additionalProperties"));
    json_write_bool(writer, false);
    json_end_object(writer);
}

static void write_default(struct json_writer *writer, const struct option *option)
{
    if (!option->default_text || option->type == OPTION_LIST)
        return;
    json_write_key(writer, STR("default"));
    if (option->type == OPTION_BOOL || option->type == OPTION_INTEGER)
        json_write_raw(writer, str_from_c(option->default_text));
    else
        json_write_str(writer, str_from_c(option->default_text));
}

static void write_shape(struct json_writer *writer, const struct option *option)
{
    switch (option->type) {
    case OPTION_BOOL:
        write_type(writer, STR("boolean"));
        break;
    case OPTION_INTEGER:
        write_type(writer, STR("integer"));
        write_range(writer, option);
        break;
    case OPTION_DURATION:
        write_type(writer, STR("string"));
        json_write_member(writer, STR("pattern"), STR(DURATION_PATTERN));
        break;
    case OPTION_SIZE:
        write_size(writer, option);
        break;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_URL:
        write_text(writer, option);
        break;
    case OPTION_LIST:
        write_list(writer);
        break;
    case OPTION_ENUM:
        write_words(writer, option->words);
        break;
    case OPTION_TREE:
        write_issuers(writer);
        break;
    }
}

static void write_option(struct json_writer *writer, const struct option *option)
{
    begin_property(writer, option->name, option->doc);
    write_shape(writer, option);
    write_default(writer, option);
    json_end_object(writer);
    for (const char *const *alias = option->aliases; alias && *alias; alias++) {
        begin_property(writer, *alias, "An older name.");
        json_write_key(writer, STR("deprecated"));
        json_write_bool(writer, true);
        write_shape(writer, option);
        json_end_object(writer);
    }
}

void conf_json_schema(struct buf *buf)
{
    struct json_writer writer;
    json_writer_init(&writer, buf, JSON_STYLE_PRETTY);
    json_begin_object(&writer);
    json_write_member(&writer, STR("$schema"), STR("https://json-schema.org/draft/2020-12/schema"));
    json_write_member(&writer, STR("title"), STR("Configuration of Cinnabar"));
    write_type(&writer, STR("object"));
    json_write_key(&writer, STR("properties"));
    json_begin_object(&writer);
    for (const struct option *option = conf_options; option->name; option++)
        write_option(&writer, option);
    json_end_object(&writer);
    json_write_key(&writer, STR("additionalProperties"));
    json_write_bool(&writer, false);
    json_end_object(&writer);
    buf_append_c(buf, '\n');
}
