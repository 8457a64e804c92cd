#include "hub/auth_token.h"

#include "conf/conf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/origin.h"

// "Bearer " and the shortest token that can be one.
#define BEARER_LEN 7
#define TOKEN_MIN 41

static bool cookie_from(struct str header, struct str name, struct str *ret_value)
{
    struct str pair;
    while (str_split(&header, ';', &pair)) {
        pair = str_trim(pair);
        size_t equals = str_find(pair, 0, '=');
        if (equals == pair.len || !str_eq(str_slice(pair, 0, equals), name))
            continue;
        *ret_value = str_slice(pair, equals + 1, pair.len);
        if (ret_value->len >= 2 && ret_value->ptr[0] == '"' && ret_value->ptr[ret_value->len - 1] == '"')
            *ret_value = str_slice(*ret_value, 1, ret_value->len - 1);
        return true;
    }
    return false;
}

// The first cookie with that name in the request.
static bool find_cookie(const struct exchange *exchange, struct str name, struct str *ret_value)
{
    struct str field;
    struct str value;
    for (size_t i = 0; exchange_header_at(exchange, i, &field, &value); i++) {
        if (str_eq_nocase(field, STR("Cookie")) && cookie_from(value, name, ret_value))
            return true;
    }
    return false;
}

// A browser adds the cookie to requests that any page makes: publishing with it is for pages that are named.
static bool is_origin_allowed(const struct conf *conf, const struct exchange *exchange)
{
    struct str origin = exchange_header(exchange, STR("Origin"));
    if (origin.len == 0)
        origin = origin_of_url(exchange_header(exchange, STR("Referer")));
    return origin.len && origin_is_allowed(&conf->publish_origins, origin);
}

// The first of several is looked at as well, for what it tells of the request's generation.
static const char *find_in_header(const struct exchange *exchange, size_t count, struct str *ret_token)
{
    struct str value = exchange_header(exchange, STR("Authorization"));
    if (!str_eq_nocase(str_slice(value, 0, BEARER_LEN), STR("Bearer ")))
        return "the Authorization header field is not a Bearer token";
    *ret_token = str_slice(value, BEARER_LEN, value.len);
    if (count > 1)
        return "there are several Authorization header fields";
    if (value.len < BEARER_LEN + TOKEN_MIN)
        return "the Bearer token is too short to be an access token";
    return NULL;
}

// The parameter `authorization` of the 0.x protocol. False: there is none.
static bool find_in_query(struct exchange *exchange, struct str *ret_token, const char **reterr_wrong)
{
    struct form form;
    struct str name;
    struct str value;
    size_t count = 0;
    form_init(&form, exchange_query(exchange), exchange_arena(exchange));
    while (form_next(&form, &name, &value)) {
        if (!str_eq(name, STR("authorization")))
            continue;
        *ret_token = value;
        count++;
    }
    if (form.err)
        *reterr_wrong = "there is no memory to read the query";
    else if (count > 1)
        *reterr_wrong = "there are several parameters named authorization in the query";
    else if (count == 1 && ret_token->len < TOKEN_MIN)
        *reterr_wrong = "the parameter authorization is too short to be a token";
    return count > 0 || form.err;
}

static bool find_in_cookies(const struct conf *conf, const struct exchange *exchange,
                            struct auth_token *ret_token)
{
    bool found = find_cookie(exchange, conf->cookie_name, &ret_token->text);
    ret_token->place = AUTH_PLACE_COOKIE;
    if (!found && conf->legacy.version) {
        found = find_cookie(exchange, STR(AUTH_LEGACY_COOKIE), &ret_token->text);
        ret_token->place = AUTH_PLACE_LEGACY_COOKIE;
    }
    if (found && !ret_token->text.ptr)
        ret_token->text = STR("");
    return found;
}

const char *auth_token_find(const struct conf *conf, struct exchange *exchange, struct auth_token *ret_token)
{
    *ret_token = (struct auth_token){.place = AUTH_PLACE_HEADER};
    const char *wrong = NULL;
    size_t count = exchange_header_count(exchange, STR("Authorization"));
    if (count)
        return find_in_header(exchange, count, &ret_token->text);
    if (conf->legacy.version && find_in_query(exchange, &ret_token->text, &wrong)) {
        ret_token->place = AUTH_PLACE_PARAMETER;
        return wrong;
    }
    if (find_in_cookies(conf, exchange, ret_token) && exchange_method(exchange) == HTTP_METHOD_POST &&
        !is_origin_allowed(conf, exchange))
        return "publish_origins does not allow the origin of a request that is authorized by the cookie";
    return NULL;
}
