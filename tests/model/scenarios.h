/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_SCENARIOS_H
#define TESTS_MODEL_SCENARIOS_H

#include "tests/model/model.h"

/* Each list ends with a row without a name. */
extern const struct model_scenario gate_scenarios[];
extern const struct model_scenario held_scenarios[];
extern const struct model_scenario line_scenarios[];
extern const struct model_scenario power_scenarios[];
extern const struct model_scenario system_scenarios[];

#endif /* TESTS_MODEL_SCENARIOS_H */
