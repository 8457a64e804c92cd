#include "cli/token_explain.h"

#include "base/err.h"
#include "jwt/base64url.h"
#include "jwt/verify.h"
#include "mercure/authorization.h"
#include "mercure/pattern.h"
#include "url/url.h"
#include "json/json.h"
#include "json/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define DETAIL_MAX 65536U

static const struct {
    const char *word;
    const char *text;
} rules[] = {
#define X(name, word, text) {word, text},
    TOKEN_RULES(X)
#undef X
};

const char *token_rule_word(enum token_rule rule)
{
    return rules[rule].word;
}

const char *token_rule_text(enum token_rule rule)
{
    return rules[rule].text;
}

const char *token_rule_exemption(const struct token_answer *answer, enum token_rule rule)
{
    if (answer->legacy && (rule == TOKEN_RULE_ISSUER || rule == TOKEN_RULE_TYP || rule == TOKEN_RULE_AUD))
        return "not asked of a token of the 0.x protocol";
    if (answer->any_audience && rule == TOKEN_RULE_AUD && answer->good)
        return "not compared: the hub takes it from each request; name its URL with --url";
    return NULL;
}

static enum token_rule rule_of(enum jwt_reason reason)
{
    static const struct {
        enum jwt_reason last;
        enum token_rule rule;
    } order[] = {
        {JWT_REASON_BASE64URL, TOKEN_RULE_PARTS}, {JWT_REASON_HEADER, TOKEN_RULE_JSON},
        {JWT_REASON_KID, TOKEN_RULE_HEADER},      {JWT_REASON_CLAIMS, TOKEN_RULE_JSON},
        {JWT_REASON_NBF_TYPE, TOKEN_RULE_TYPES},  {JWT_REASON_ISS_UNKNOWN, TOKEN_RULE_ISSUER},
        {JWT_REASON_ROLE, TOKEN_RULE_ROLE},       {JWT_REASON_ALG_REFUSED, TOKEN_RULE_ALGORITHM},
        {JWT_REASON_KEY, TOKEN_RULE_KEY},         {JWT_REASON_SIGNATURE, TOKEN_RULE_SIGNATURE},
        {JWT_REASON_TYP, TOKEN_RULE_TYP},         {JWT_REASON_EXPIRED, TOKEN_RULE_EXP},
        {JWT_REASON_NOT_YET, TOKEN_RULE_NBF},
    };
    if (reason == JWT_REASON_LEGACY_ROLE)
        return TOKEN_RULE_ROLE;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (reason <= order[i].last)
            return order[i].rule;
    }
    return TOKEN_RULE_AUD;
}

// ---- Parts and texts ----

struct json *token_read_part(struct str token, size_t index)
{
    struct str part;
    struct json *root = NULL;
    struct buf bytes;
    for (size_t i = 0; i <= index; i++) {
        if (!str_split(&token, '.', &part))
            return NULL;
    }
    buf_init(&bytes, JWT_SIZE_MAX);
    char *to = buf_reserve(&bytes, base64url_decoded_max(part.len) + 1);
    size_t len;
    if (to && base64url_decode(part, to, &len) == HUB_OK &&
        json_parse(&root, str_make(to, len), NULL) != HUB_OK)
        root = NULL;
    buf_done(&bytes);
    return root;
}

// In milliseconds since 1970, as RFC 3339 has it.
static void append_time(struct buf *buf, uint64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    char text[64];
    if (gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
        buf_append_str(buf, str_from_c(text));
    else
        buf_printf(buf, "%llu ms after 1970", (unsigned long long)time_ms);
}

// Quoted, so that no byte of a token reaches a terminal as it is.
static void append_quoted(struct buf *buf, struct str text)
{
    struct json_writer writer;
    json_writer_init(&writer, buf, JSON_STYLE_COMPACT);
    json_write_str(&writer, text);
}

static void append_algorithms(struct buf *buf, unsigned algorithms)
{
    const char *between = "";
    for (unsigned i = 0; i < JWT_ALGORITHM_COUNT; i++) {
        if (!(algorithms & 1U << i))
            continue;
        buf_printf(buf, "%s%s", between, jwt_algorithm_name((enum jwt_algorithm)i));
        between = " ";
    }
}

static void append_keys(struct buf *buf, const struct jwt_verifier *verifier)
{
    if (verifier->count == 0)
        buf_append_str(buf, STR("none"));
    for (size_t i = 0; i < verifier->count; i++) {
        const struct jwt_key *key = verifier->keys[i];
        buf_append_str(buf, i ? STR(", ") : STR(""));
        if (jwt_key_id(key).len)
            append_quoted(buf, jwt_key_id(key));
        else
            buf_append_str(buf, STR("one without kid"));
        buf_append_str(buf, STR(" for "));
        append_algorithms(buf, jwt_key_algorithms(key));
    }
}

// ---- What there is instead ----

static bool is_legacy(const struct token_question *question)
{
    return question->keys->accepts_legacy && !jwt_is_access_token(question->token);
}

static const struct jwt_verifier *verifier_of(const struct token_question *question,
                                              const struct json *payload)
{
    if (is_legacy(question))
        return &question->keys->legacy[question->role];
    struct str iss = json_str(json_get(payload, STR("iss")));
    const struct jwt_issuer *issuer = iss.ptr ? jwt_keyset_find(question->keys, iss) : NULL;
    return issuer ? &issuer->roles[question->role] : NULL;
}

static void detail_issuer(const struct token_question *question, const struct json *payload, struct buf *to)
{
    const struct json *iss = json_get(payload, STR("iss"));
    if (iss) {
        buf_append_str(to, STR("iss is "));
        json_dump(iss, to);
        buf_append_str(to, STR("; "));
    }
    buf_append_str(to, STR("configured: "));
    for (size_t i = 0; i < question->keys->issuer_count; i++) {
        buf_append_str(to, i ? STR(", ") : STR(""));
        append_quoted(to, question->keys->issuers[i].name);
    }
}

static void detail_keys(const struct jwt_verifier *verifier, const struct json *header, struct buf *to)
{
    static const char *const names[] = {"alg", "kid"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json *value = json_get(header, str_from_c(names[i]));
        if (value) {
            buf_printf(to, "%s is ", names[i]);
            json_dump(value, to);
            buf_append_str(to, STR("; "));
        }
    }
    buf_append_str(to, STR("keys: "));
    append_keys(to, verifier);
}

static void detail_audience(const struct token_question *question, const struct json *payload, struct buf *to)
{
    const struct json *aud = json_get(payload, STR("aud"));
    if (aud) {
        buf_append_str(to, STR("aud is "));
        json_dump(aud, to);
        buf_append_str(to, STR("; "));
    }
    buf_append_str(to, STR("the hub is "));
    append_quoted(to, question->audience);
}

// Only where the token and the configuration say more than the reason.
static void detail(const struct token_question *question, enum token_rule rule, const struct json *header,
                   const struct json *payload, struct buf *to)
{
    const struct jwt_verifier *verifier = verifier_of(question, payload);
    if (rule == TOKEN_RULE_ISSUER)
        detail_issuer(question, payload, to);
    else if (rule == TOKEN_RULE_AUD)
        detail_audience(question, payload, to);
    else if (rule >= TOKEN_RULE_ALGORITHM && rule <= TOKEN_RULE_SIGNATURE && verifier)
        detail_keys(verifier, header, to);
    else if ((rule == TOKEN_RULE_TYP || rule == TOKEN_RULE_HEADER) && header)
        json_dump(header, to);
}

static void detail_time(const struct token_question *question, const struct token_answer *answer,
                        struct buf *to)
{
    if (answer->failed == TOKEN_RULE_EXP && answer->claims->expires_ms != JWT_NEVER) {
        buf_append_str(to, STR("exp is "));
        append_time(to, answer->claims->expires_ms);
    } else if (answer->failed == TOKEN_RULE_NBF) {
        buf_append_str(to, STR("nbf is "));
        append_time(to, answer->claims->not_before_ms);
    }
    if (to->len) {
        buf_append_str(to, STR("; it is "));
        append_time(to, question->now_ms);
    }
}

// ---- The rules ----

static void fail(struct token_answer *answer, enum token_rule rule, const char *reason)
{
    answer->good = false;
    answer->failed = rule;
    answer->reason = reason;
}

static int read_details(struct token_answer *answer, struct patterns *patterns)
{
    struct authorization *authorization = NULL;
    enum authorization_reason reason;
    const struct json *details = json_get(answer->payload, STR("authorization_details"));
    int err = answer->claims->legacy && !details
                  ? authorization_parse_claims(&authorization, answer->payload, patterns, &reason)
                  : authorization_parse(&authorization, details, patterns, &reason);
    if (err == HUB_E_DENIED)
        fail(answer, TOKEN_RULE_DETAILS, authorization_reason_text(reason));
    if (!err)
        ref_put(&authorization->ref);
    return err == HUB_E_DENIED ? HUB_OK : err;
}

// Whether a pattern compiles may depend on the URL that it is resolved against: the hub's.
static int check_details(const struct token_question *question, struct token_answer *answer)
{
    struct url base;
    struct patterns patterns;
    int err = question->audience.len ? url_parse(&base, question->audience, NULL) : HUB_E_INVALID;
    if (err)
        err = url_parse(&base, STR("https://mercure.invalid/.well-known/mercure"), NULL);
    if (err)
        return err;
    patterns_init(&patterns, &base, NULL, NULL);
    err = read_details(answer, &patterns);
    patterns_done(&patterns);
    url_done(&base);
    return err;
}

// Without an audience to compare with every rule but that one still counts.
static enum jwt_reason check_claims(const struct token_question *question, const struct jwt_claims *claims)
{
    enum jwt_reason reason = jwt_claims_check(claims, question->now_ms, question->audience);
    return reason == JWT_REASON_AUDIENCE && question->audience.len == 0 ? JWT_REASON_NONE : reason;
}

static const struct jwt_key *find_signer(const struct jwt_verifier *verifier, struct str token,
                                         struct str key_id)
{
    char signature[1024];
    size_t dot = token.len;
    size_t len;
    while (dot > 0 && token.ptr[dot - 1] != '.')
        dot--;
    struct str last = str_slice(token, dot, token.len);
    if (!verifier || dot == 0 || base64url_decoded_max(last.len) > sizeof(signature) ||
        base64url_decode(last, signature, &len) != HUB_OK)
        return NULL;
    for (size_t i = 0; i < verifier->count; i++) {
        const struct jwt_key *key = verifier->keys[i];
        for (unsigned a = 0; a < JWT_ALGORITHM_COUNT && jwt_key_answers_to(key, key_id); a++) {
            if (jwt_key_verify(key, (enum jwt_algorithm)a, str_slice(token, 0, dot - 1),
                               str_make(signature, len)) == HUB_OK)
                return key;
        }
    }
    return NULL;
}

static int check_verified(const struct token_question *question, struct token_answer *answer)
{
    answer->key =
        find_signer(verifier_of(question, answer->payload), question->token, answer->claims->key_id);
    enum jwt_reason reason = check_claims(question, answer->claims);
    if (reason == JWT_REASON_NONE)
        return check_details(question, answer);
    fail(answer, rule_of(reason), jwt_reason_text(reason));
    return HUB_OK;
}

static int add_detail(const struct token_question *question, struct token_answer *answer)
{
    struct json *header = token_read_part(question->token, 0);
    struct json *payload = token_read_part(question->token, 1);
    if (answer->failed == TOKEN_RULE_EXP || answer->failed == TOKEN_RULE_NBF)
        detail_time(question, answer, &answer->detail);
    else if (answer->reason != jwt_reason_text(JWT_REASON_LEGACY_OFF)) // it needs no issuer
        detail(question, answer->failed, header, payload, &answer->detail);
    json_free(header);
    json_free(payload);
    return answer->detail.err;
}

int token_explain(const struct token_question *question, struct token_answer *ret_answer)
{
    struct token_answer *answer = ret_answer;
    struct jwt_failure failure;
    *answer = (struct token_answer){
        .good = true, .legacy = is_legacy(question), .any_audience = question->audience.len == 0};
    buf_init(&answer->detail, DETAIL_MAX);
    int err = jwt_verify(question->keys, question->role, question->token, &answer->claims, &answer->payload,
                         &failure);
    if (!err) {
        err = check_verified(question, answer);
    } else if (err == HUB_E_DENIED) {
        fail(answer, rule_of(failure.reason), jwt_reason_text(failure.reason));
        err = HUB_OK;
    }
    if (!err && !answer->good)
        err = add_detail(question, answer);
    if (err)
        token_answer_done(answer);
    return err;
}

void token_answer_done(struct token_answer *answer)
{
    buf_done(&answer->detail);
    jwt_claims_free(answer->claims);
    json_free(answer->payload);
    *answer = (struct token_answer){0};
}
