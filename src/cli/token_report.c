#include "cli/token_report.h"

#include "base/buf.h"
#include "cli/token_explain.h"
#include "jwt/claims.h"
#include "mercure/authorization.h"
#include "json/json.h"
#include "json/writer.h"

static const char *const role_words[JWT_ROLE_COUNT] = {"publisher", "subscriber"};

// ---- Grants, as the token has them ----

typedef void grant_fn(void *arg, struct str action, struct str match, struct str match_type);

static void each_topic(const struct json *detail, struct str action, grant_fn *take, void *arg)
{
    const struct json *topics = json_get(detail, STR("topics"));
    for (size_t i = 0; i < json_count(topics); i++) {
        struct str type = json_str(json_get(json_at(topics, i), STR("match_type")));
        take(arg, action, json_str(json_get(json_at(topics, i), STR("match"))),
             type.len ? type : STR("exact"));
    }
}

// Of a payload whose details have been found good. Unknown actions grant nothing.
static void each_grant(const struct json *payload, grant_fn *take, void *arg)
{
    const struct json *details = json_get(payload, STR("authorization_details"));
    for (size_t i = 0; i < json_count(details); i++) {
        const struct json *detail = json_at(details, i);
        const struct json *actions = json_get(detail, STR("actions"));
        if (!str_eq(json_str(json_get(detail, STR("type"))), STR(AUTHORIZATION_TYPE)))
            continue;
        for (size_t j = 0; j < json_count(actions); j++) {
            struct str action = json_str(json_at(actions, j));
            if (str_eq(action, STR("publish")) || str_eq(action, STR("subscribe")))
                each_topic(detail, action, take, arg);
        }
    }
}

static const struct token_answer *first_good(const struct token_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (answers[i].good)
            return &answers[i];
    }
    return NULL;
}

// ---- For people ----

static void append_quoted(struct buf *buf, struct str text)
{
    struct json_writer writer;
    json_writer_init(&writer, buf, JSON_STYLE_COMPACT);
    json_write_str(&writer, text);
}

// What stands in the token, on a line of its own.
static void append_member(struct buf *to, const struct json *object, struct str name)
{
    const struct json *value = json_get(object, name);
    if (!value)
        return;
    buf_printf(to, "%-10.*s ", STR_ARG(name));
    json_dump(value, to);
    buf_append_c(to, '\n');
}

static void append_token(struct buf *to, struct str token)
{
    static const struct str of_header[] = {{"alg", 3}, {"typ", 3}, {"kid", 3}};
    static const struct str of_claims[] = {{"iss", 3}, {"aud", 3}, {"sub", 3}, {"client_id", 9},
                                           {"iat", 3}, {"nbf", 3}, {"exp", 3}, {"jti", 3}};
    struct json *header = token_read_part(token, 0);
    struct json *claims = token_read_part(token, 1);
    for (size_t i = 0; i < ARRAY_LEN(of_header); i++)
        append_member(to, header, of_header[i]);
    for (size_t i = 0; i < ARRAY_LEN(of_claims); i++)
        append_member(to, claims, of_claims[i]);
    json_free(header);
    json_free(claims);
}

// What a token of the 0.x protocol says it may do, as it stands.
static const struct json *old_claim(const struct json *payload)
{
    const struct json *claim = json_get(payload, STR("https://mercure.rocks/"));
    return claim && json_kind(claim) != JSON_KIND_NULL ? claim : json_get(payload, STR("mercure"));
}

static const char *result_of(const struct token_answer *answer, enum token_rule rule)
{
    if (token_rule_exemption(answer, rule))
        return "-";
    if (answer->good || rule < answer->failed)
        return "ok";
    return rule == answer->failed ? "FAIL" : "-";
}

static void append_key(struct buf *to, const struct jwt_key *key)
{
    buf_append_str(to, STR("that of the key "));
    if (jwt_key_id(key).len)
        append_quoted(to, jwt_key_id(key));
    else
        buf_append_str(to, STR("without kid"));
}

static void append_rule(struct buf *to, const struct token_answer *answer, enum token_rule rule)
{
    bool failed = !answer->good && rule == answer->failed;
    buf_printf(to, "  %-5s %-10s ", result_of(answer, rule), token_rule_word(rule));
    const char *exemption = token_rule_exemption(answer, rule);
    if (exemption)
        buf_append_str(to, str_from_c(exemption));
    else if (rule == TOKEN_RULE_SIGNATURE && answer->key)
        append_key(to, answer->key);
    else
        buf_append_str(to, str_from_c(failed ? answer->reason : token_rule_text(rule)));
    if (failed && answer->detail.len) {
        buf_append_str(to, STR(": "));
        buf_append_str(to, buf_str(&answer->detail));
    }
    buf_append_c(to, '\n');
}

// Lines with grants, and of which actions there are any.
struct grant_lines {
    struct buf *to;
    bool publish;
    bool subscribe;
};

static void append_grant(void *arg, struct str action, struct str match, struct str match_type)
{
    struct grant_lines *lines = arg;
    struct buf *to = lines->to;
    *(str_eq(action, STR("publish")) ? &lines->publish : &lines->subscribe) = true;
    buf_printf(to, "  %-10.*s ", STR_ARG(action));
    append_quoted(to, match);
    if (!str_eq(match_type, STR("exact")))
        buf_printf(to, " (%.*s)", STR_ARG(match_type));
    buf_append_c(to, '\n');
}

static void append_grants(struct buf *to, const struct token_answer *good)
{
    struct grant_lines lines = {.to = to};
    buf_append_str(to, STR("\nIt grants:\n"));
    if (good->legacy && old_claim(good->payload)) {
        buf_append_str(to, STR("  what this claim of the 0.x protocol says: "));
        json_dump(old_claim(good->payload), to);
        buf_append_c(to, '\n');
        return;
    }
    each_grant(good->payload, append_grant, &lines);
    // A good token that is refused all the same is refused for what it does not grant.
    if (!lines.publish)
        buf_append_str(to, STR("  publish    nothing\n"));
    if (!lines.subscribe)
        buf_append_str(to, STR("  subscribe  public updates alone\n"));
}

void token_report_text(struct str token, const enum jwt_role *roles, const struct token_answer *answers,
                       size_t count, struct buf *to)
{
    append_token(to, token);
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, "\nAs a %s's it is %s:\n", role_words[roles[i]], answers[i].good ? "good" : "refused");
        for (unsigned rule = 0; rule < TOKEN_RULE_COUNT; rule++)
            append_rule(to, &answers[i], (enum token_rule)rule);
    }
    const struct token_answer *good = first_good(answers, count);
    if (good)
        append_grants(to, good);
}

// ---- For programs ----

static void write_rules(struct json_writer *writer, const struct token_answer *answer)
{
    json_write_key(writer, STR("rules"));
    json_begin_array(writer);
    for (unsigned rule = 0; rule < TOKEN_RULE_COUNT; rule++) {
        bool asked = !token_rule_exemption(answer, (enum token_rule)rule);
        bool reached = answer->good || rule <= answer->failed;
        bool passed = answer->good || rule < answer->failed;
        json_begin_object(writer);
        json_write_member(writer, STR("rule"), str_from_c(token_rule_word((enum token_rule)rule)));
        json_write_member(writer, STR("result"),
                          !asked    ? STR("not asked")
                          : passed  ? STR("pass")
                          : reached ? STR("fail")
                                    : STR("not reached"));
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_answer(struct json_writer *writer, enum jwt_role role, const struct token_answer *answer)
{
    json_begin_object(writer);
    json_write_member(writer, STR("role"), str_from_c(role_words[role]));
    json_write_key(writer, STR("good"));
    json_write_bool(writer, answer->good);
    if (!answer->good) {
        json_write_member(writer, STR("rule"), str_from_c(token_rule_word(answer->failed)));
        json_write_member(writer, STR("reason"), str_from_c(answer->reason));
        json_write_member(writer, STR("detail"), buf_str(&answer->detail));
    }
    if (answer->claims && answer->claims->issuer.ptr)
        json_write_member(writer, STR("issuer"), answer->claims->issuer);
    if (answer->key && jwt_key_id(answer->key).len)
        json_write_member(writer, STR("key_id"), jwt_key_id(answer->key));
    write_rules(writer, answer);
    json_end_object(writer);
}

static void write_grant(void *arg, struct str action, struct str match, struct str match_type)
{
    struct json_writer *writer = arg;
    json_begin_object(writer);
    json_write_member(writer, STR("action"), action);
    json_write_member(writer, STR("match"), match);
    json_write_member(writer, STR("match_type"), match_type);
    json_end_object(writer);
}

static void write_part(struct json_writer *writer, struct str key, struct str token, size_t index)
{
    struct buf text;
    struct json *part = token_read_part(token, index);
    buf_init(&text, 1 << 16);
    json_dump(part, &text);
    json_write_key(writer, key);
    if (part)
        json_write_raw(writer, buf_str(&text));
    else
        json_write_null(writer);
    buf_done(&text);
    json_free(part);
}

static void write_old_claim(struct json_writer *writer, const struct json *payload)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    json_dump(old_claim(payload), &text);
    if (text.len) {
        json_write_key(writer, STR("old_claim"));
        json_write_raw(writer, buf_str(&text));
    }
    buf_done(&text);
}

void token_report_json(struct str token, const enum jwt_role *roles, const struct token_answer *answers,
                       size_t count, struct buf *to)
{
    struct json_writer writer;
    const struct token_answer *good = first_good(answers, count);
    json_writer_init(&writer, to, JSON_STYLE_COMPACT);
    json_begin_object(&writer);
    json_write_key(&writer, STR("good"));
    json_write_bool(&writer, good);
    write_part(&writer, STR("header"), token, 0);
    write_part(&writer, STR("claims"), token, 1);
    json_write_key(&writer, STR("roles"));
    json_begin_array(&writer);
    for (size_t i = 0; i < count; i++)
        write_answer(&writer, roles[i], &answers[i]);
    json_end_array(&writer);
    json_write_key(&writer, STR("grants"));
    json_begin_array(&writer);
    if (good)
        each_grant(good->payload, write_grant, &writer);
    json_end_array(&writer);
    if (good && good->legacy)
        write_old_claim(&writer, good->payload);
    json_end_object(&writer);
    buf_append_c(to, '\n');
}
