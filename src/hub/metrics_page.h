// The metrics on the main listeners, as 0.10 had them: at /metrics, behind a name and a password (RFC 7617).
// On the worker that has the request; what only the hub thread may read, a transport's own, is not there.
#pragma once

struct exchange;
struct worker;

void metrics_page_handle(const struct worker *worker, struct exchange *exchange);
