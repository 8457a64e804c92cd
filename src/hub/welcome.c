#include "hub/welcome.h"

#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/hub.h"

static const char welcome[] = "<!doctype html>\n"
                              "<html lang=\"en\">\n"
                              "<meta charset=\"utf-8\">\n"
                              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                              "<meta name=\"robots\" content=\"noindex\">\n"
                              "<meta name=\"color-scheme\" content=\"light dark\">\n"
                              "<title>Cinnabar</title>\n"
                              "<h1>Here is a Mercure hub</h1>\n"
                              "<p>It publishes and streams updates at <code>" HUB_PATH "</code>.\n"
                              "</html>\n";

static void answer_welcome(struct exchange *exchange)
{
    exchange_add_header(exchange, STR("Link"), STR("<" HUB_PATH ">; rel=\"mercure\""));
    answer_add_security_headers(exchange);
    exchange_respond(exchange, 200, STR("text/html; charset=utf-8"), str_make(welcome, sizeof(welcome) - 1));
}

static void answer_robots(struct exchange *exchange)
{
    answer_add_security_headers(exchange);
    exchange_respond(exchange, 200, TEXT_PLAIN, STR("User-agent: *\nDisallow: /\n"));
}

bool welcome_handle(struct exchange *exchange)
{
    bool is_robots = str_eq(exchange_path(exchange), STR("/robots.txt"));
    if (!is_robots && !str_eq(exchange_path(exchange), STR("/")))
        return false;
    if (!answer_if_allowed(exchange, ANSWER_READ))
        return true;
    if (is_robots)
        answer_robots(exchange);
    else
        answer_welcome(exchange);
    return true;
}
