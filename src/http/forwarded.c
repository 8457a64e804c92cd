#include "http/forwarded.h"

#include "base/err.h"
#include "http/fields.h"

static struct str unquote(struct str text)
{
    bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return quoted ? str_slice(text, 1, text.len - 1) : text;
}

// Takes the part before the first `separator` outside of quotes off the front.
static bool take_part(struct str *rest, char separator, struct str *ret_part)
{
    if (!rest->ptr)
        return false;
    bool quoted = false;
    size_t end = 0;
    for (; end < rest->len && (quoted || rest->ptr[end] != separator); end++)
        quoted ^= rest->ptr[end] == '"';
    *ret_part = str_trim(str_slice(*rest, 0, end));
    *rest = end < rest->len ? str_slice(*rest, end + 1, rest->len) : str_make(NULL, 0);
    return true;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80": without brackets and port.
static struct str without_port(struct str text)
{
    if (str_starts_with(text, STR("[")))
        return str_slice(text, 1, str_find(text, 0, ']'));
    size_t colon = str_find(text, 0, ':');
    bool one = colon < text.len && str_find(text, colon + 1, ':') == text.len;
    return one ? str_slice(text, 0, colon) : text;
}

bool http_trust_has(const struct http_trust *trust, struct str peer)
{
    struct ip ip;
    if (trust->anybody || (trust->proxies.count && str_starts_with(peer, STR("unix"))))
        return true;
    return ip_parse(&ip, without_port(peer)) == HUB_OK && networks_have(&trust->proxies, &ip);
}

// ---- The client ----

// One more address on the way here. Behind one that cannot be read, nobody is known.
static void pass(struct str *client, struct str text, const struct http_trust *trust)
{
    struct ip ip;
    struct str address = without_port(unquote(text));
    if (ip_parse(&ip, address) != HUB_OK)
        *client = str_make(NULL, 0);
    else if (!client->ptr || (!trust->anybody && !networks_have(&trust->proxies, &ip)))
        *client = address;
}

// The value of a parameter of one element of Forwarded; NULL ptr when there is none.
static struct str parameter(struct str element, struct str name)
{
    struct str pair;
    while (take_part(&element, ';', &pair)) {
        size_t equals = str_find(pair, 0, '=');
        if (equals < pair.len && str_eq_nocase(str_slice(pair, 0, equals), name))
            return unquote(str_slice(pair, equals + 1, pair.len));
    }
    return str_make(NULL, 0);
}

// Goes along all elements of all fields with the name; of Forwarded it is the parameter `for` that counts.
static struct str find_client(const struct http_fields *fields, struct str name,
                              const struct http_trust *trust)
{
    struct str client = str_make(NULL, 0);
    bool standard = str_eq(name, STR("Forwarded"));
    for (size_t i = 0; i < fields->count; i++) {
        struct str rest = fields->list[i].value;
        struct str element;
        while (str_eq_nocase(fields->list[i].name, name) && take_part(&rest, ',', &element))
            pass(&client, standard ? parameter(element, STR("for")) : element, trust);
    }
    return client;
}

// ---- Scheme and authority ----

// The first element of the first field with the name.
static struct str first_element(const struct http_fields *fields, struct str name)
{
    struct str value = http_fields_get(fields, name);
    struct str element = str_make(NULL, 0);
    (void)take_part(&value, ',', &element);
    return element.len ? element : str_make(NULL, 0);
}

static struct str scheme_of(struct str text)
{
    if (str_eq_nocase(text, STR("https")))
        return STR("https");
    return str_eq_nocase(text, STR("http")) ? STR("http") : str_make(NULL, 0);
}

static struct str first_of(struct str a, struct str b)
{
    return a.ptr ? a : b;
}

void forwarded_read(struct forwarded *ret_forwarded, const struct http_fields *fields,
                    const struct http_trust *trust)
{
    struct str standard = first_element(fields, STR("Forwarded"));
    struct str client = find_client(fields, STR("X-Forwarded-For"), trust);
    client = first_of(client, find_client(fields, STR("X-Real-IP"), trust));
    client = first_of(client, find_client(fields, STR("Forwarded"), trust));
    struct str scheme = scheme_of(first_element(fields, STR("X-Forwarded-Proto")));
    scheme = first_of(scheme, scheme_of(first_element(fields, STR("X-Forwarded-Scheme"))));
    scheme = first_of(scheme, scheme_of(parameter(standard, STR("proto"))));
    struct str host = first_element(fields, STR("X-Forwarded-Host"));
    *ret_forwarded = (struct forwarded){
        .client = client, .scheme = scheme, .authority = first_of(host, parameter(standard, STR("host")))};
}
