// Which endpoint answers which request of the main listeners.
#pragma once

struct exchange;

// The `handle` of a worker's HTTP server; `arg` is the worker.
void routes_handle(struct exchange *exchange, void *arg);
