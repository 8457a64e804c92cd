// The command line: finds the command and runs it.
#pragma once

// Returns the exit status of the process: 0 done, 1 failed, 2 wrong use.
int cli_main(int argc, char **argv);
