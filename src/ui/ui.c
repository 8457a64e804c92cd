#include "ui/ui.h"

#include "ui/files_priv.h"

const struct ui_file *ui_find(struct str name)
{
    if (name.len == 0)
        name = STR("index.html");
    // A dozen files, asked for by people: a scan is enough.
    for (const struct ui_file *file = ui_files; file->name.ptr; file++) {
        if (str_eq(file->name, name))
            return file;
    }
    return NULL;
}
