// The protected resource metadata of a hub (RFC 9728): where a client whose request was refused learns which
// token to bring.
#pragma once

#include "hub/hub.h"

struct buf;
struct conf;
struct exchange;

// The well-known path of the metadata of a resource at HUB_PATH (RFC 9728 section 3.1).
#define METADATA_PATH "/.well-known/oauth-protected-resource" HUB_PATH

// Appends the resource identifier of the hub, which is also the `aud` of its tokens: the configured one, else
// the URL that the request is for.
void metadata_append_resource(const struct conf *conf, const struct exchange *exchange, struct buf *buf);
// Answers a request for the metadata. There is always a key to speak of: a configuration without any is
// refused.
void metadata_handle(const struct conf *conf, struct exchange *exchange);
