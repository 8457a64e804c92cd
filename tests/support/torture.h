// Failing allocations, one after the other: a scenario runs again and again, each time with the next of its
// allocations failed, until it runs through. Leaks and wild accesses on the way are for ASan to find.
//
// Only allocations of the program's own code on the calling thread fail; those of shared libraries do not.
#pragma once

// Returns 0 or a negative code. It cleans up after itself whichever it is.
typedef int torture_scenario_fn(void *arg);

// Runs the scenario with allocation 1, 2, ... failed: first that one alone, then from that one on all. The
// test fails when the scenario fails although every allocation has worked, or when a failed one was
// reported as anything but -ENOMEM or success.
void torture_run(torture_scenario_fn *scenario, void *arg);
// How many allocations of the latest torture_run were failed, both passes together.
unsigned torture_failures(void);
