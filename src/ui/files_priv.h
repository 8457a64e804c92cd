// The table that cmake/embed.cmake writes from the files in page/.
#pragma once

#include "ui/ui.h"

// Ends with an entry without a name.
extern const struct ui_file ui_files[];
