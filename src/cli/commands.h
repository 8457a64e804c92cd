// The commands: each is one file, takes the arguments behind its name and returns the exit status.
#pragma once

int bench_command(int argc, char **argv);
int token_command(int argc, char **argv);
