// The commands: each is one file, takes the arguments behind its name and returns the exit status.
#pragma once

int run_command(int argc, char **argv);
int dev_command(int argc, char **argv);
int validate_command(int argc, char **argv);
int token_command(int argc, char **argv);
int token_check_command(int argc, char **argv); // of token_command: "token check"
int publish_command(int argc, char **argv);
int subscribe_command(int argc, char **argv);
int health_command(int argc, char **argv);
int bench_command(int argc, char **argv);
int reference_command(int argc, char **argv);
int version_command(int argc, char **argv);
