#include "hub/legacy.h"

#include "base/buf.h"
#include "base/log.h"
#include "http/exchange.h"
#include "hub/shard.h"

#define NAMES_MAX 128
#define AGENT_MAX 256

const char *legacy_form_name(enum legacy_form form)
{
    static const char *const names[LEGACY_FORM_COUNT] = {
        [LEGACY_FORM_TOKEN] = "token",
        [LEGACY_FORM_AUTHORIZATION] = "authorization",
        [LEGACY_FORM_COOKIE] = "cookie",
        [LEGACY_FORM_TOPIC] = "topic",
        [LEGACY_FORM_LAST_EVENT_ID] = "last_event_id",
    };
    return names[form];
}

void legacy_note(struct shard *shard, struct exchange *exchange, unsigned forms)
{
    static struct log_limit limit;
    struct buf names;
    if (!forms)
        return;
    buf_init(&names, NAMES_MAX);
    for (unsigned form = 0; form < LEGACY_FORM_COUNT; form++) {
        if (!(forms & 1U << form))
            continue;
        counter_add(&shard->metrics.legacy[form], 1);
        buf_printf(&names, "%s%s", names.len ? " " : "", legacy_form_name((enum legacy_form)form));
    }
    LOG_LIMITED(&limit, LOG_LEVEL_INFO, "A request of the 0.x protocol",
                LOG_STR("request_id", exchange_request_id(exchange)),
                LOG_STR("peer", exchange_peer(exchange)), LOG_STR("legacy", buf_str(&names)),
                LOG_STR("user_agent", str_slice(exchange_header(exchange, STR("User-Agent")), 0, AGENT_MAX)));
    buf_done(&names);
}

unsigned legacy_forms_of_token(enum auth_place place)
{
    static const unsigned more[] = {
        [AUTH_PLACE_PARAMETER] = 1U << LEGACY_FORM_AUTHORIZATION,
        [AUTH_PLACE_LEGACY_COOKIE] = 1U << LEGACY_FORM_COOKIE,
    };
    return 1U << LEGACY_FORM_TOKEN | more[place];
}
