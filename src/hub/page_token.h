// Tokens that the hub itself makes, for its page in the playground: whoever can reach it may do everything.
#pragma once

struct conf;
struct exchange;

// Answers with a token to subscribe to everything, and to publish as well if the key that verifies publishers
// is the same; 404 when there is no key that the hub can sign with.
void page_token_handle(const struct conf *conf, struct exchange *exchange);
// POST: sets the cookie that lets the page's streams receive private updates; DELETE removes it.
void page_token_handle_session(const struct conf *conf, struct exchange *exchange);
