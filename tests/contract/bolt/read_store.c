// Another process for the tests: opens a store, says what is wrong, and with "stay" waits to be killed.
//
//     read_store PATH [stay]
#include "contract/bolt/reader.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    if (argc > 2)
        reader_hold(argv[1]);
    struct found found;
    reader_read(&found, argv[1]);
    if (found.err)
        printf("%s\n", found.reason);
    return found.err ? 1 : 0;
}
