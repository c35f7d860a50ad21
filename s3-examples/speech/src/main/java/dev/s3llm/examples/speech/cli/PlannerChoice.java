package dev.s3llm.examples.speech.cli;

import dev.s3llm.EngineBuilder;
import dev.s3llm.simulate.SimulationPolicy;

/** Memory planners, each with its own recovery. */
enum PlannerChoice {
  WORST_CASE("worst-case"),
  S3("s3"),
  ON_DEMAND("on-demand"),
  FORECAST("forecast");

  private final String label;

  PlannerChoice(String label) {
    this.label = label;
  }

  /** Sets planner and recovery of an engine, as the simulator pairs them. */
  void apply(EngineBuilder engine) {
    SimulationPolicy policy = SimulationPolicy.named(label).orElseThrow();
    engine.planner(policy.planner().apply(id -> 0)).recovery(policy.recovery()); // none reads truth
  }

  @Override
  public String toString() {
    return label;
  }
}
