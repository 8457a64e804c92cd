// An update in memory: a record with an owner count. Immutable once it has been stamped, and shared between
// threads; one allocation.
#pragma once

#include "base/attr.h"
#include "base/ref.h"
#include "mercure/record.h"

struct update {
    struct ref ref;
    struct record record;
    char bytes[];
};

// Room for a record with these fields; the frame is to be written to *ret_frame by the caller, who owns the
// update. -ENOMEM, or HUB_E_TOO_BIG.
MUST_CHECK int update_new(struct update **ret_update, const struct record_fields *fields, char **ret_frame);
// From the stored bytes (copied). -ENOMEM, HUB_E_CORRUPT, HUB_E_UNSUPPORTED.
MUST_CHECK int update_from_record(struct update **ret_update, struct str bytes);
// Numbers it. Before it is shared.
void update_stamp(struct update *update, uint64_t node, uint64_t boot, uint64_t sequence);
// The memory that it takes.
size_t update_memory(const struct update *update);
